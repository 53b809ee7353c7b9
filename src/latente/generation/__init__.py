"""Densities fitted to the codes of a trained model, so that it can generate; and how good samples are."""

from __future__ import annotations

__all__ = [
    "BandwidthWarning", "ClassifierFeatures", "Density", "FlowSampler", "GaussianSampler", "GenerationEvaluation",
    "GenerationScores", "Generator", "KernelDensitySampler", "MixtureSampler", "Sampler", "SecondStageSampler",
    "evaluate_generation", "generation_scores",
]  # fmt: skip

from latente.generation.base import Density, Sampler
from latente.generation.evaluation import (
    GenerationEvaluation,
    GenerationScores,
    evaluate_generation,
    generation_scores,
)
from latente.generation.features import ClassifierFeatures
from latente.generation.flow import FlowSampler
from latente.generation.gaussian import GaussianSampler
from latente.generation.generator import Generator
from latente.generation.kernel import BandwidthWarning, KernelDensitySampler
from latente.generation.mixture import MixtureSampler
from latente.generation.second_stage import SecondStageSampler
