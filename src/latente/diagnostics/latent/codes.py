"""Codes of a fitted model, and draws that are held against them."""

from __future__ import annotations

__all__ = ["Codes", "Walk", "encode", "gaussian_draws", "straight_paths"]

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.bottlenecks import Gaussian
from latente.diagnostics.passed import Floats, decode
from latente.diagnostics.units import dead_units
from latente.estimators import Autoencoder
from latente.estimators.inference import over_batches

Points = NDArray[np.float64]
PIECE = 2**23  # decoded values that are held at once


@dataclass(frozen=True, eq=False)
class Codes:
    """Samples and what the encoder makes of them.

    Attributes:
        x: (n, *sample_shape), scaled.
        z: (n, latent_dim), the deterministic codes.
        posterior: (n, latent_dim), one draw of q(z|x) for each sample, where codes are random; else None.
    """

    x: Floats
    z: Floats
    posterior: Floats | None = None

    @staticmethod
    def of(model: Autoencoder, x: Floats, rng: np.random.Generator) -> Codes:
        """Encodes scaled samples (n, *sample_shape); the generator decides the draws of q(z|x)."""
        module: Any = model.module_
        if not isinstance(model.recipe_.bottleneck, Gaussian):
            return Codes(x, encode(model, x))

        def moments(piece: Tensor) -> Tensor:
            return torch.cat(module.bottleneck.moments(module.features(piece)), dim=1)

        mu, logvar = np.split(over_batches(module, torch.from_numpy(x), moments, module.device), 2, axis=1)
        noise = rng.normal(size=mu.shape).astype(np.float32)
        return Codes(x, mu, mu + np.exp(0.5 * logvar) * noise)

    def __len__(self) -> int:
        return len(self.z)

    def take(self, rows: NDArray[np.int64]) -> Codes:
        """Returns the codes of some of the samples."""
        return Codes(self.x[rows], self.z[rows], None if self.posterior is None else self.posterior[rows])

    @property
    def constant(self) -> bool:
        """Whether all codes are equal, up to rounding."""
        return bool(dead_units(self.z).all())

    @property
    def distinct(self) -> float:
        """The share of codes that are left when each is counted once."""
        return len(np.unique(self.z, axis=0)) / len(self.z)


def encode(model: Autoencoder, x: Floats) -> Floats:
    """Returns the deterministic codes (n, latent_dim) of scaled samples (n, *sample_shape)."""
    module = model.module_
    return over_batches(module, torch.from_numpy(x), lambda piece: module.encode(piece).mode.flatten(1), module.device)


def gaussian_draws(codes: NDArray[Any], n: int, rng: np.random.Generator) -> Points:
    """Returns (n, d): draws of the Gaussian with the mean and the covariance of codes (m, d).

    Example:
        >>> draws = gaussian_draws(np.array([[0.0, 1.0], [2.0, 1.0]]), 5, np.random.default_rng(0))
        >>> draws[:, 1]
        array([1., 1., 1., 1., 1.])
    """
    z = codes.astype(np.float64)
    mean = z.mean(0)
    variances, axes = np.linalg.eigh((z - mean).T @ (z - mean) / max(1, len(z) - 1))
    return mean + rng.normal(size=(n, len(mean))) * np.sqrt(variances.clip(0)) @ axes.T


@dataclass(frozen=True, eq=False)
class Walk:
    """What the decoder shows on the straight lines between codes.

    Attributes:
        jump: (pairs,), see `latente.metrics.path_jump`.
        ratio: (pairs,), see `latente.metrics.path_ratio`.
        again: (pairs, latent_dim), e(d(z)) halfway.
    """

    jump: Points
    ratio: Points
    again: Floats


def straight_paths(model: Autoencoder, a: Floats, b: Floats, steps: int) -> Walk:
    """Decodes the straight lines from codes a to codes b, a few pairs at a time.

    Args:
        model: fitted.
        a: (pairs, latent_dim).
        b: (pairs, latent_dim).
        steps: even, so that one point lies halfway.
    """
    from latente.estimators.interpolation import interpolate_codes
    from latente.metrics import path_jump, path_ratio

    at_once = max(1, PIECE // ((steps + 1) * model.schema_.size))
    found = []
    for i in range(0, len(a), at_once):
        way = interpolate_codes(a[i : i + at_once], b[i : i + at_once], steps + 1).swapaxes(0, 1)
        flat = decode(model, np.ascontiguousarray(way.reshape(-1, way.shape[2])))
        paths = flat.reshape(*way.shape[:2], *flat.shape[1:])
        again = encode(model, np.ascontiguousarray(paths[:, steps // 2]))
        found.append((path_jump(paths), path_ratio(paths), again))
    jump, ratio, again = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Walk(jump, ratio, again)
