"""How good samples are, beside how good as many training samples would be."""

from __future__ import annotations

__all__ = ["GenerationEvaluation", "GenerationScores", "evaluate_generation", "generation_scores"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.generation import density_coverage, frechet_distance, precision_recall
from latente.training import seed_of

Features = Callable[[Any], NDArray[Any]]


@dataclass(frozen=True)
class GenerationScores:
    """How a set of points compares with real ones.

    Attributes:
        frechet: the Fréchet distance, lower is better.
        density: about 1 for real data.
        coverage: the share of real points with a sample nearby, in [0, 1].
        precision: the share of samples in the support of real points, in [0, 1].
        recall: the share of real points in the support of the samples, in [0, 1].

    Example:
        >>> print(GenerationScores(frechet=1.5, density=0.9, coverage=0.8, precision=0.7, recall=0.6))
        FD 1.5, density 0.90, coverage 0.80, precision 0.70, recall 0.60
    """

    frechet: float
    density: float
    coverage: float
    precision: float
    recall: float

    def __str__(self) -> str:
        return (
            f"FD {self.frechet:.4g}, density {self.density:.2f}, coverage {self.coverage:.2f}, "
            f"precision {self.precision:.2f}, recall {self.recall:.2f}"
        )


@dataclass(frozen=True)
class GenerationEvaluation:
    """The scores of samples, and the floor: those of real training samples.

    Attributes:
        samples: of the samples against test data.
        floor: of as many training samples against test data: what a perfect generator gets.
        n_samples: how many samples were measured.
        n_floor: how many training samples; fewer where there were not as many.
        n_test: how many test samples both were held against.

    Example:
        >>> scores = GenerationScores(1.5, 0.9, 0.8, 0.7, 0.6), GenerationScores(0.1, 1.0, 0.97, 0.9, 0.9)
        >>> print(GenerationEvaluation(*scores, n_samples=500, n_floor=500, n_test=500))
        samples: FD 1.5, density 0.90, coverage 0.80, precision 0.70, recall 0.60
        training data: FD 0.1, density 1.00, coverage 0.97, precision 0.90, recall 0.90 (the floor)
    """

    samples: GenerationScores
    floor: GenerationScores
    n_samples: int
    n_floor: int
    n_test: int

    def __str__(self) -> str:
        return f"samples: {self.samples}\ntraining data: {self.floor} (the floor)"


def generation_scores(samples: Any, real: Any, *, k: int = 5, k_support: int = 3) -> GenerationScores:
    """Returns how points compare with real ones; see the functions in `latente.metrics.generation`.

    Args:
        samples: (n, d), points or features of samples.
        real: (m, d), of real data that was not trained on.
        k: the neighbour of density and coverage.
        k_support: the neighbour of precision and recall.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few points.

    Example:
        >>> a, b = np.random.default_rng(0).normal(size=(2, 500, 3))
        >>> generation_scores(a, b).frechet < 0.1 < generation_scores(a + 3, b).frechet
        True
    """
    near, support = density_coverage(real, samples, k), precision_recall(real, samples, k_support)
    frechet = frechet_distance(samples, real)
    return GenerationScores(frechet, near.density, near.coverage, support.precision, support.recall)


def evaluate_generation(
    samples: Any, train: Any, test: Any, *, features: Features | None = None, random_state: Any = 0
) -> GenerationEvaluation:
    """Returns the scores of samples against test data, and of as many training samples against it as the floor.

    Args:
        samples: (n, ...), generated.
        train: (m, ...), the training data; a random n of it where there are more.
        test: (l, ...), data that nothing was trained on; best l = n.
        features: a function from samples (n, ...) to points (n, d), such as fitted ClassifierFeatures; None takes the
            values themselves, which suits tables, not pictures.
        random_state: decides which training samples.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few samples.

    Example:
        >>> train, test, samples = np.random.default_rng(0).normal(size=(3, 500, 3))
        >>> result = evaluate_generation(samples + 1, train, test)
        >>> result.samples.frechet > 2 > result.floor.frechet
        True
    """
    samples, train, test = (np.asarray(x) for x in (samples, train, test))
    if samples.shape[1:] != test.shape[1:] or train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"samples, train and test must hold samples of one shape; got {samples.shape}, {train.shape}, {test.shape}"
        )
    if len(train) > len(samples):
        rng = np.random.default_rng(seed_of(random_state))
        train = train[np.sort(rng.choice(len(train), len(samples), replace=False))]
    ours, theirs, real = (x if features is None else features(x) for x in (samples, train, test))
    return GenerationEvaluation(
        generation_scores(ours, real), generation_scores(theirs, real), len(samples), len(train), len(test)
    )
