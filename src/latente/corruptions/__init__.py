"""Corruptions x -> x~ for denoising: noise, masking, erasing, defects, swapping, deformation, any callable.

They act on scaled data (pictures in [0, 1], table columns with unit variance), in training or when asked for by name.
A level may be a range (low, high): then one level is drawn for each sample. Source: Vincent, Larochelle, Lajoie,
Bengio, Manzagol (2010), "Stacked denoising autoencoders".
"""

from __future__ import annotations

__all__ = [
    "Bounds", "Compose", "Corruption", "Custom", "Deformation", "Erasing", "GaussianNoise", "Level", "Masking",
    "SaltAndPepper", "Speckle", "SwapNoise", "SyntheticDefects", "resolve_corruption",
]  # fmt: skip

from latente.corruptions.base import Bounds, Corruption, Level
from latente.corruptions.combined import Compose, Custom, resolve_corruption
from latente.corruptions.defects import SyntheticDefects
from latente.corruptions.deformation import Deformation
from latente.corruptions.erasing import Erasing
from latente.corruptions.noise import GaussianNoise, Masking, SaltAndPepper, Speckle, SwapNoise
