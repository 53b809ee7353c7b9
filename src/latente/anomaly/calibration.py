"""Thresholds that mean what they say: conformal p-values and selection at a stated rate."""

from __future__ import annotations

__all__ = [
    "Calibration", "CrossConformal", "SplitConformal", "TrainingQuantile", "conformal_p_values", "conformal_threshold",
    "cross_scores", "select",
]  # fmt: skip

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import Part, is_integer, is_number

Array = NDArray[np.float64]


class Calibration(Part, family="calibration"):
    """Describes where the scores come from that the threshold is set by."""

    def check(self) -> None:
        """Raises ValueError for settings that make no sense."""


@dataclass
class CrossConformal(Calibration, name="cross"):
    """Every training sample is scored by members that did not see it; no sample is spent on calibration alone.

    Member i is trained without fold i modulo `folds`; of tables of less than 1,000 rows a sample is scored in the scale
    of the others too. The rate holds closely in practice (see docs/benchmarks-anomaly.md), less so from few rows with
    heavy tails, where "split" or `calibrate` is exact. It is not proven: what is, for a variant, is twice the stated
    rate. Sources: Vovk (2015), "Cross-conformal predictors"; Barber, Candes, Ramdas, Tibshirani (2021), "Predictive
    inference with the jackknife+".

    Args:
        folds: how many.

    Raises:
        ValueError: before training, for less than 2 folds.

    Example:
        >>> Calibration.from_string("cross:5")  # AnomalyDetector(calibration="cross:5")
        CrossConformal(folds=5)
    """

    folds: int = 4

    def check(self) -> None:
        if not is_integer(self.folds, low=2):
            raise ValueError(f"CrossConformal: folds must be an integer of at least 2; got {self.folds!r}")


@dataclass
class SplitConformal(Calibration, name="split"):
    """A random part of the training samples is kept from training and only scored.

    For samples exchangeable with those of `fit` the rate of false alarms is at most the stated one, on average over
    splits. Source: Bates, Candes, Lei, Romano, Sesia (2023), "Testing for outliers with conformal p-values".

    Args:
        fraction: of the samples.

    Raises:
        ValueError: before training, for a fraction that is not between 0 and 1.

    Example:
        >>> Calibration.from_string("split:0.5")  # AnomalyDetector(calibration="split:0.5")
        SplitConformal(fraction=0.5)
    """

    fraction: float = 0.25

    def check(self) -> None:
        if not is_number(self.fraction, 0, 1) or self.fraction in (0, 1):
            raise ValueError(f"SplitConformal: fraction must be between 0 and 1; got {self.fraction!r}")


@dataclass
class TrainingQuantile(Calibration, name="quantile"):
    """The threshold is a quantile of the scores of the training samples themselves.

    They fit better than new samples, so false alarms come more often than stated; there are no p-values.

    Example:
        >>> Calibration.from_string("quantile")  # AnomalyDetector(calibration="quantile")
        TrainingQuantile()
    """


def cross_scores(of_members: NDArray[np.float32], folds: NDArray[np.int64]) -> Array:
    """Returns (n,): training samples as all members together would score them if none had seen them.

    A sample's own score is the mean of the few members that did not see it, which spreads more than that of all: a
    threshold from it would be too far out. How much more is measured with members that did see the sample: the
    quantiles of the means of one fold's members beside those of all these. Each own score is multiplied by the ratio at
    its rank. Where the divisor is 0, as in tables with many equal rows, the larger quantile of the two stands: a new
    row that some members have a copy of and others not scores a little above 0.

    Args:
        of_members: (n, members), higher for anomalies; member i was trained without fold i modulo the number of folds.
        folds: (n,), the fold of each sample.

    Example:
        >>> cross_scores(np.array([[1.0, 5.0], [6.0, 2.0]], np.float32), np.array([0, 1]))
        array([1., 2.])
    """
    count, members = int(folds.max()) + 1, of_members.shape[1]
    groups = np.stack([of_members[:, k::count].mean(1, dtype=np.float64) for k in range(min(count, members))], 1)
    rows = np.arange(len(folds))
    own = groups[rows, folds]
    if groups.shape[1] < 3:
        return own
    few = np.sort(groups[rows, (folds + 1) % count])
    many = np.sort((groups.sum(1) - own) / (count - 1))
    ordered = np.sort(own)
    ratio = np.divide(many, few, out=np.ones_like(few), where=few > 0)
    scaled = np.where(few > 0, ordered * ratio, np.maximum(ordered, many))
    return scaled[np.argsort(np.argsort(own, kind="stable"), kind="stable")]


def conformal_p_values(scores: Array, calibration: Array) -> Array:
    """Returns (n,): (1 + number of calibration scores at or below the score) / (1 + number of calibration scores).

    Under exchangeability P(p <= a) <= a for every a. Source: Vovk, Gammerman, Shafer (2005), "Algorithmic learning in a
    random world".

    Args:
        scores: (n,), higher is more normal.
        calibration: (m,), scores of normal samples that the model did not learn from.

    Example:
        >>> conformal_p_values(np.array([0.0, 2.5, 9.0]), np.array([1.0, 2.0, 3.0]))
        array([0.25, 0.75, 1.  ])
    """
    at_or_below = np.searchsorted(np.sort(calibration), scores, side="right")
    return (1 + at_or_below) / (1 + len(calibration))


def conformal_threshold(calibration: Array, rate: float) -> float:
    """Returns the score below which the conformal p-value is at most `rate`; minus infinity where none can be.

    Args:
        calibration: (m,), as in `conformal_p_values`.
        rate: of false alarms.

    Example:
        >>> conformal_threshold(np.arange(99.0), 0.05), conformal_threshold(np.arange(9.0), 0.05)
        (4.0, -inf)
    """
    count = int(rate * (len(calibration) + 1) + 1e-9)
    return float(np.sort(calibration)[count - 1]) if count else -np.inf


def select(p_values: Any, fdr: float = 0.1) -> NDArray[np.bool_]:
    """Returns (n,): the samples of a batch that are declared anomalies at a stated false-discovery rate.

    The k smallest p-values are taken for the largest k with p_(k) <= fdr k / n. For independent p-values, and for
    split-conformal ones of independent samples, the expected fraction of normal samples among those taken is at most
    fdr. For cross-conformal p-values that is not proven. Sources: Benjamini, Hochberg (1995), "Controlling the false
    discovery rate"; Bates et al. (2023) for conformal p-values.

    Args:
        p_values: (n,), of the whole batch; NaN, of a sample that could not be scored, is no test: it is not selected,
            and n does not count it.
        fdr: the rate, between 0 and 1.

    Raises:
        ValueError: for a rate outside (0, 1), or values outside [0, 1].

    Example:
        >>> select([0.001, 0.9, 0.02, 0.04], fdr=0.05)
        array([ True, False,  True, False])
    """
    if not is_number(fdr, 0, 1) or fdr in (0, 1):
        raise ValueError(f"fdr must be between 0 and 1; got {fdr!r}")
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p-values must be a list of numbers; got an array of shape {p.shape}")
    outside = (p < 0) | (p > 1)
    if outside.any():
        raise ValueError(f"p-values must be in [0, 1]; got {p[outside][0]:g} and {int(outside.sum()) - 1} more outside")
    order = np.sort(p[~np.isnan(p)])
    below = np.flatnonzero(order <= fdr * np.arange(1, len(order) + 1) / max(1, len(order)))
    return p <= order[below[-1]] if len(below) else np.zeros(len(p), dtype=bool)
