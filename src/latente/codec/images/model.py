"""A trained image model as a `Model` of tensors and back: integers for the symbols, reals for the pictures."""

from __future__ import annotations

__all__ = ["FORMAT", "ImageModel", "model_of"]

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latente.codec.damage import telling_damage
from latente.codec.errors import AlteredError, NewerVersionError
from latente.codec.images.integers import QUALITIES, Decoded, IntegerContext, context_tensors
from latente.codec.images.module import ImageModule
from latente.codec.images.quality import lambda_of
from latente.codec.images.transforms import Analysis, Synthesis
from latente.codec.models import Model

FORMAT = 1  # which network the tensors are of


def model_of(module: ImageModule, id: str, counts: NDArray[Any] | None = None) -> Model:
    """Returns the tensors of a trained module: integers of its context model, 16 or 32 bits for what makes pictures.

    Args:
        module: trained.
        id: the model's name; see `ModelRef`.
        counts: of symbols, from `stream.count_symbols`, which make the tables fit what really comes.
    """
    tensors: dict[str, NDArray[Any]] = {"format": np.array([FORMAT], np.int32)} | context_tensors(
        module.context, counts
    )
    for part in ("analysis", "synthesis"):
        network: Any = getattr(module, part)
        tensors[f"{part}.transform.filters"] = network.transform.filters.detach().float().cpu().numpy().copy()
        for name, tensor in network.state_dict().items():
            if not name.startswith("transform."):
                real = tensor.detach().float().cpu().numpy()
                wide = name.startswith("log_step")
                tensors[f"{part}.{name}"] = real.copy() if wide else real.astype(np.float16)
    return Model(id, tensors)


def _restored(network: nn.Module, tensors: Mapping[str, NDArray[Any]], part: str) -> nn.Module:
    """A network with a model's tensors; the filters are whole, nothing is added to them."""
    state = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    for name in state:
        if name != "transform.change":
            stored = tensors[f"{part}.{name.replace('transform.start', 'transform.filters')}"]
            if stored.dtype.kind != "f" or not np.isfinite(stored).all():
                raise ValueError(f"the model's {part}.{name} are not finite real numbers")
            state[name] = torch.from_numpy(stored.astype(np.float32))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class ImageModel:
    """What encoder and decoder run; each part is made when it is first needed.

    Args:
        model: the tensors, as `model_of` made them.

    Raises:
        NewerVersionError: for tensors of a network that this version does not know.
        AlteredError: for tensors that are no image model, from the parts.

    Example:
        >>> model = ImageModel(model_of(ImageModule(), "untrained"))
        >>> model.analyse(torch.zeros(1, 3, 16, 24), 768).shape
        torch.Size([1, 120, 2, 3])
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        stated = model.tensors.get("format")
        if stated is None or stated.shape != (1,) or stated.dtype != np.int32:
            raise AlteredError(f"the model {model.id!r} is no model of images")
        if int(stated[0]) != FORMAT:
            raise NewerVersionError(
                f"the model {model.id!r} is of format {int(stated[0])}; this version of latente knows {FORMAT}. "
                "Upgrade latente"
            )

    def check(self) -> None:
        """Makes all parts; raises AlteredError where the tensors make no sense."""
        _ = self.context, self.analysis, self.synthesis

    @cached_property
    def context(self) -> IntegerContext:
        """The context model."""
        with telling_damage(self._senseless):
            found = IntegerContext(self.model.tensors)
        return found

    @cached_property
    def analysis(self) -> nn.Module:
        """From pictures to coefficients."""
        return self._network(Analysis, "analysis")

    @cached_property
    def synthesis(self) -> nn.Module:
        """From coefficients to pictures."""
        return self._network(Synthesis, "synthesis")

    def _network(self, made: type[nn.Module], part: str) -> nn.Module:
        with telling_damage(self._senseless), torch.random.fork_rng(devices=[]):
            found = _restored(made(), self.model.tensors, part)
        return found

    @property
    def _senseless(self) -> str:
        return f"the model {self.model.id!r} makes no sense"

    @torch.inference_mode()
    def weights(self, quality: int) -> NDArray[np.float64]:
        """Returns (CHANNELS,) what the square of an error of a whole step costs, in bits: lambda step^2 / 3.

        Args:
            quality: from 0 to QUALITIES.
        """
        q = torch.tensor([quality / QUALITIES])
        table: Any = self.synthesis.log_step
        found: NDArray[np.float64] = (lambda_of(q) * table(q).flatten().mul(2).exp() / 3).double().numpy()
        return found

    @torch.inference_mode()
    def analyse(self, x: Tensor, quality: int) -> Tensor:
        """Returns coefficients in steps, (n, channels, h, w).

        Args:
            x: (n, 3, 8 h, 8 w), from 0 to 255.
            quality: from 0 to QUALITIES.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        y: Tensor = self.analysis(x, torch.full((len(x),), quality / QUALITIES))
        return y

    @torch.inference_mode()
    def synthesise(self, decoded: Decoded, quality: int) -> Tensor:
        """Returns pictures (n, 3, 8 h, 8 w), not clipped.

        Args:
            decoded: coefficients and state.
            quality: from 0 to QUALITIES.
        """
        values, state = (torch.from_numpy(part) for part in (decoded.values, decoded.state))
        x: Tensor = self.synthesis(values, state, torch.full((len(values),), quality / QUALITIES))
        return x

    def module(self) -> ImageModule:
        """Returns a module to train on from this model; its context model is as near as integers allow."""
        module = ImageModule()
        state = module.state_dict()
        for part in ("analysis", "synthesis"):
            state |= {f"{part}.{k}": v for k, v in getattr(self, part).state_dict().items()}
        for name, real in _real_context(self.model.tensors).items():
            state[f"context.{name}"] = torch.from_numpy(real).reshape(state[f"context.{name}"].shape)
        module.load_state_dict(state)
        return module


def _real_context(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Real weights from a context model's integers."""
    from latente.codec.images.exact import UNITS

    found = {"start.rows": tensors["context.start"] * 2.0**-UNITS}
    for name in tensors:
        if name.startswith("context.") and name.endswith(".weight"):
            prefix = name.removesuffix(".weight")
            shift = int(tensors[f"{prefix}.shift"][0])
            inner = prefix.removeprefix("context.")
            found[f"{inner}.weight"] = tensors[name] * 2.0**-shift
            if inner.endswith(("hidden", "out")):
                found[f"{inner}.bias"] = tensors[f"{prefix}.bias"] * 2.0 ** -(shift + UNITS)
    return {name: real.astype(np.float32) for name, real in found.items()}
