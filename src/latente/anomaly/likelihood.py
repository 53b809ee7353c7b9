"""How improbable a variational autoencoder finds samples, the same whenever it is asked."""

from __future__ import annotations

__all__ = ["Likelihood"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.anomaly.scores import Score, State
from latente.anomaly.views import Views
from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Gaussian
from latente.estimators import Autoencoder
from latente.parts import is_integer


@dataclass
class Likelihood(Score, name="likelihood"):
    """Minus the evidence lower bound, or minus an importance-weighted estimate of log p(x), in nats.

    With samples=0 it is distortion + KL(q(z|x) || N(0, I)) at the mode of q. Otherwise it is
    -log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x) with k draws whose noise is the same for all samples, so that the score
    depends on the sample alone. Needs a variational autoencoder. Source: Burda, Grosse, Salakhutdinov (2016),
    "Importance weighted autoencoders".

    Args:
        samples: k.
        seed: decides the draws.

    Raises:
        ValueError: before training, for negative settings or a model that is not variational.

    Example:
        >>> from latente import Trainer, VariationalAutoencoder
        >>> from latente.anomaly import AnomalyDetector
        >>> X = torch.randn((200, 4), generator=torch.Generator().manual_seed(0)).numpy()
        >>> model = VariationalAutoencoder(2, trainer=Trainer(epochs=2))
        >>> detector = AnomalyDetector(model, scoring=Likelihood(samples=10), random_state=0).fit(X)
        >>> detector.score_samples(X[:5]).shape
        (5,)
    """

    samples: int = 0
    seed: int = 0

    def check(self) -> None:
        for name in ("samples", "seed"):
            if not is_integer(getattr(self, name), low=0):
                raise ValueError(f"Likelihood: {name} must be an integer of at least 0; got {getattr(self, name)!r}")

    def check_model(self, model: Any) -> None:
        bottleneck = model._recipe().bottleneck if isinstance(model, Autoencoder) else None
        if not isinstance(bottleneck, Gaussian):
            raise ValueError(
                "scoring='likelihood' needs a variational autoencoder: AnomalyDetector(VariationalAutoencoder(...))"
            )

    def fit(self, views: Views) -> State:
        return {}

    def __call__(self, views: Views, state: State) -> Tensor:
        of = self._estimate if self.samples else self._bound
        return torch.stack([of(module, x) for module, x in zip(views.modules, views.samples, strict=True)])

    def _bound(self, module: AutoencoderModule, x: Tensor) -> Tensor:
        latent = module.encode(x)
        return module.distort(latent.mode, x) + latent.rate

    def _estimate(self, module: AutoencoderModule, x: Tensor) -> Tensor:
        mu, logvar = module.bottleneck.moments(module.features(x))  # type: ignore[operator]  # checked by fit
        generator = torch.Generator().manual_seed(self.seed)
        draws = torch.randn((self.samples, mu.shape[1]), generator=generator).to(mu.device)
        total = torch.full((len(x),), -torch.inf, device=mu.device)
        for noise in draws:
            z = mu + (0.5 * logvar).exp() * noise
            weight = 0.5 * (noise.square() + logvar - z.square()).sum(1) - module.distort(z, x)
            total = torch.logaddexp(total, weight)
        return math.log(self.samples) - total
