"""Functions of arrays; nothing here is trained but the baselines."""

from __future__ import annotations

__all__ = [
    "active_units", "code_coverage", "code_density", "continuity", "cycle_gap", "density_coverage",
    "explained_variance", "fit_pca", "frechet_distance", "frechet_normal", "hole_fraction",
    "intrinsic_dimension", "kth_distance", "mean_error", "median_bandwidth", "memorization",
    "nearest_neighbors", "participation_ratio", "path_jump", "path_ratio", "pca_error", "per_region_overlap",
    "pixel_auroc", "point_adjust", "precision_recall", "psnr", "range_precision_recall", "RangeScores",
    "rbf_mmd", "rbf_mmd_threshold", "si_sdr", "snr", "squared_error", "trustworthiness", "volume_under_surface",
    "VolumeUnderSurface", "vus_pr",
]  # fmt: skip

from latente.metrics.baselines import fit_pca, mean_error, pca_error
from latente.metrics.dimension import intrinsic_dimension, participation_ratio
from latente.metrics.errors import explained_variance, psnr, squared_error
from latente.metrics.generation import (
    density_coverage,
    frechet_distance,
    frechet_normal,
    memorization,
    nearest_neighbors,
    precision_recall,
)
from latente.metrics.kernel import median_bandwidth, rbf_mmd, rbf_mmd_threshold
from latente.metrics.latent import active_units
from latente.metrics.localisation import per_region_overlap, pixel_auroc
from latente.metrics.neighbors import (
    code_coverage,
    code_density,
    continuity,
    hole_fraction,
    kth_distance,
    trustworthiness,
)
from latente.metrics.paths import cycle_gap, path_jump, path_ratio
from latente.metrics.ranges import RangeScores, point_adjust, range_precision_recall
from latente.metrics.sound import si_sdr, snr
from latente.metrics.volume import VolumeUnderSurface, volume_under_surface, vus_pr
