"""Noise removed from images and signals of any size, and missing cells of tables filled in."""

from __future__ import annotations

__all__ = ["Denoiser", "Imputation", "Imputer", "Restoration", "UnknownLevelWarning", "denoise", "load"]

from latente.denoising.denoiser import Denoiser
from latente.denoising.function import denoise
from latente.denoising.imputer import Imputation, Imputer
from latente.denoising.level import UnknownLevelWarning
from latente.denoising.restoration import Restoration
from latente.denoising.saving import load
