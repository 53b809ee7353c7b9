"""Bottlenecks: what turns the encoder's features into latent variables."""

from __future__ import annotations

__all__ = [
    "FSQ", "VQ", "Bottleneck", "BottleneckModule", "Deterministic", "Gaussian", "GaussianModule", "KSparse",
    "NoPriorError", "Sparse",
]  # fmt: skip

from latente.bottlenecks.base import Bottleneck, BottleneckModule, NoPriorError
from latente.bottlenecks.deterministic import Deterministic
from latente.bottlenecks.fsq import FSQ
from latente.bottlenecks.gaussian import Gaussian, GaussianModule
from latente.bottlenecks.sparse import KSparse, Sparse
from latente.bottlenecks.vq import VQ
