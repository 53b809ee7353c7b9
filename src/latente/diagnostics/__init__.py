"""What is good and what is wrong about a fitted model, in numbers and in words."""

from __future__ import annotations

__all__ = [
    "Evidence", "Finding", "LatentReport", "Passed", "diagnose", "judge", "latent_report", "pass_through", "scaled",
]  # fmt: skip

from latente.diagnostics.diagnose import diagnose, judge
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding
from latente.diagnostics.latent import LatentReport, latent_report
from latente.diagnostics.passed import Passed, pass_through, scaled
