"""The health of a latent space, in numbers and in words."""

from __future__ import annotations

__all__ = ["LatentReport", "Measure", "Row", "Skipped", "latent_report", "measure_latent"]

from latente.diagnostics.latent.measures import Measure, Row, Skipped
from latente.diagnostics.latent.report import LatentReport, latent_report, measure_latent
