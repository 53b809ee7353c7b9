"""The chapters of a model's report; each figure stands for itself and is used in the demo's gallery too."""

from __future__ import annotations

__all__ = [
    "architecture_section", "code_size_section", "denoising_section", "errors_section", "findings_section",
    "interpolation_section", "latent_health_section", "learning_section", "map_section", "reconstructions_section",
    "samples_section", "summary_section",
]  # fmt: skip

from latente.report.sections.architecture import architecture_section
from latente.report.sections.code_size import code_size_section
from latente.report.sections.denoising import denoising_section
from latente.report.sections.errors import errors_section
from latente.report.sections.interpolation import interpolation_section
from latente.report.sections.latent_health import latent_health_section
from latente.report.sections.latent_map import map_section
from latente.report.sections.learning import learning_section
from latente.report.sections.reconstructions import reconstructions_section
from latente.report.sections.samples import samples_section
from latente.report.sections.summary import findings_section, summary_section
