"""Functions of arrays; nothing here is trained but the baselines."""

from __future__ import annotations

__all__ = ["active_units", "explained_variance", "fit_pca", "mean_error", "pca_error", "psnr", "squared_error"]

from latente.metrics.baselines import fit_pca, mean_error, pca_error
from latente.metrics.errors import explained_variance, psnr, squared_error
from latente.metrics.latent import active_units
