"""Normalising flows, by zuko."""

from __future__ import annotations

__all__ = ["FlowSampler"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.generation.base import Codes, Density, Sampler
from latente.parts import is_integer, is_number
from latente.training import seeded

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

KINDS = {"spline": "NSF", "maf": "MAF"}
EPOCHS, FEWEST_STEPS = 30, 500  # by default
BARE_RATE = 10.0  # for codes of one number, whose maps no network makes, in learning rates
ROWS = 4096  # codes that pass the flow at a time


class _Flow(Density):
    def __init__(self, flow: Any, latent_dim: int) -> None:
        self.flow, self.latent_dim = flow.eval(), latent_dim

    def sample(self, n: int, temperature: float, rng: np.random.Generator) -> Codes:
        noise = torch.from_numpy(temperature * rng.standard_normal((n, self.latent_dim))).float()
        with torch.inference_mode():
            back = self.flow().transform.inv
            return torch.cat([back(piece) for piece in noise.split(ROWS)]).double().numpy()

    def log_density(self, codes: Codes) -> Codes:
        with torch.inference_mode():
            pieces = torch.from_numpy(codes).float().split(ROWS)
            return torch.cat([self.flow().log_prob(piece) for piece in pieces]).double().numpy()

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {name: value.detach().numpy() for name, value in self.flow.state_dict().items()}


@dataclass
class FlowSampler(Sampler, name="flow"):
    """p(z) = N(f(z); 0, I) |det df/dz| with an invertible network f; needs the extra `latente[flows]`.

    Temperature T draws f^-1(T u), u ~ N(0, I). Trained by Adam with a cosine schedule; of a held-out tenth of codes,
    the epoch with the highest density is kept.

    Sources: Durkan, Bekasov, Murray, Papamakarios (2019), "Neural spline flows"; Papamakarios, Pavlakou, Murray (2017),
    "Masked autoregressive flow for density estimation".

    Args:
        kind: "spline" (autoregressive rational-quadratic splines) or "maf" (autoregressive affine maps, quicker).
        transforms: how many maps follow each other.
        hidden_features: widths of the networks that say how each map bends.
        epochs: passes over the codes; "auto" takes 30, and as many more as 500 steps need.
        learning_rate: the peak.
        batch_size: codes in a step.

    Example:
        >>> codes = np.random.default_rng(0).normal(3.0, 2.0, size=(300, 2))
        >>> sampler = FlowSampler("maf", epochs=3).fit(codes, random_state=0)
        >>> sampler.sample(5, random_state=0).shape
        (5, 2)
    """

    kind: str = "spline"
    transforms: int = 3
    hidden_features: Sequence[int] = (64, 64)
    epochs: int | str = "auto"
    learning_rate: float = 2e-3
    batch_size: int = 256

    def check(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"FlowSampler: kind must be one of {', '.join(KINDS)}; got {self.kind!r}")
        if self.epochs != "auto" and not is_integer(self.epochs, low=1):
            raise ValueError(f"FlowSampler: epochs must be an integer of at least 1 or 'auto'; got {self.epochs!r}")
        for name in ("transforms", "batch_size"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(f"FlowSampler: {name} must be an integer of at least 1; got {getattr(self, name)!r}")
        widths = self.hidden_features
        if not isinstance(widths, Sequence) or not all(is_integer(width, low=1) for width in widths) or not widths:
            raise ValueError(f"FlowSampler: hidden_features must be integers of at least 1; got {widths!r}")
        if not is_number(self.learning_rate, low=0) or self.learning_rate == 0:
            raise ValueError(f"FlowSampler: learning_rate must be above 0; got {self.learning_rate!r}")
        _zuko()

    def resolve_epochs(self, steps: int) -> int:
        """Returns the number of epochs, of that many steps each."""
        if self.epochs != "auto":
            return int(self.epochs)
        return max(EPOCHS, math.ceil(FEWEST_STEPS / steps))

    def _build(self, latent_dim: int, seed: int) -> Any:
        with seeded(seed):
            make = getattr(_zuko().flows, KINDS[self.kind])
            flow = make(latent_dim, transforms=self.transforms, hidden_features=tuple(self.hidden_features))
        if latent_dim == 1:  # no network makes these maps; their random parameters would be far from the identity
            for parameter in flow.parameters():
                torch.nn.init.zeros_(parameter)
        return flow

    def _fit(self, codes: Codes, seed: int) -> Density:
        flow = self._build(codes.shape[1], seed)
        generator = torch.Generator().manual_seed(seed)
        z = torch.from_numpy(codes).float()[torch.randperm(len(codes), generator=generator)]
        held = len(z) // 10
        _train(flow, z[held:], z[:held] if held else z, self, generator)
        return _Flow(flow, codes.shape[1])

    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        _zuko()
        latent_dim = self.latent_dim_
        flow = self._build(latent_dim, 0)
        flow.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
        return _Flow(flow, latent_dim)


def _train(flow: Any, z: Tensor, held: Tensor, settings: FlowSampler, generator: torch.Generator) -> None:
    """Trains the flow and leaves it with the weights of its best epoch."""
    rate = settings.learning_rate * (BARE_RATE if z.shape[1] == 1 else 1.0)
    optimizer = torch.optim.Adam(flow.parameters(), rate)
    a_pass = math.ceil(len(z) / settings.batch_size)
    epochs = settings.resolve_epochs(a_pass)
    steps, step = epochs * a_pass, 0
    best, weights = -math.inf, None
    for _ in range(epochs):
        for own in torch.randperm(len(z), generator=generator).split(settings.batch_size):
            optimizer.param_groups[0]["lr"] = 0.5 * rate * (1 + math.cos(math.pi * step / steps))
            optimizer.zero_grad()
            (-flow().log_prob(z[own]).mean()).backward()
            torch.nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
            optimizer.step()
            step += 1
        with torch.no_grad():
            density = float(torch.cat([flow().log_prob(piece) for piece in held.split(ROWS)]).mean())
        if density > best:
            best, weights = density, {name: value.clone() for name, value in flow.state_dict().items()}
    if weights is None:
        raise ValueError(
            "FlowSampler: the density of the codes is not finite; lower the learning_rate, or use 'mixture'"
        )
    flow.load_state_dict(weights)


def _zuko() -> Any:
    try:
        import zuko
    except ImportError as error:
        raise ImportError("FlowSampler needs zuko; install it with: pip install 'latente[flows]'") from error
    return zuko
