"""Has the data changed since training? Two-sample tests on codes and residuals with a stated rate of false warnings."""

from __future__ import annotations

__all__ = ["DriftMonitor", "DriftTest", "DriftWarning", "drift_test"]

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.points import as_points, same_columns
from latente.parts import is_integer, is_number

Array = NDArray[np.float64]
MOST = 1000  # rows of a test that takes more of them because there are few reference rows


class DriftWarning(UserWarning):
    """Warned when new data has another distribution than what a detector was calibrated on.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error", DriftWarning)  # stop at the first drift of a stream
    """


@dataclass(frozen=True)
class DriftTest:
    """What a test found.

    Attributes:
        p_value: corrected for the number of features; uniform or larger where nothing changed.
        level: the p-value at or below which there is drift.
        feature: the column that changed most, from 0.
        statistic: the largest difference between the two cumulative distributions of that column, in [0, 1].
        name: what that column is called.
        onset: whether drift begins here: of a monitor, the first test that finds it, at the start or since the p-value
            was last above the monitor's rate.

    Example:
        >>> DriftTest(p_value=0.002, level=0.01, feature=3, statistic=0.4).drifted
        True
    """

    p_value: float
    level: float
    feature: int
    statistic: float
    name: str = ""
    onset: bool = False

    @property
    def drifted(self) -> bool:
        """Whether the difference is more than chance makes at this level."""
        return self.p_value <= self.level


def drift_test(
    reference: Any, new: Any, *, rate: float = 0.01, weights: Any = None, names: Sequence[str] | None = None
) -> DriftTest:
    """Returns a test of whether two samples have one distribution: Kolmogorov-Smirnov for each column, with Bonferroni.

        p = min(1, min over columns of p_KS(reference[:, j], new[:, j]) / weights[j])

    The p-values are exact for independent rows, whatever the distribution, the dimension and the sizes, so that in a
    share of at most `rate` of all tests there is a false warning; columns with ties make it rarer. It needs no
    permutations, names the column that moved, and finds on codes of autoencoders about as much as kernel tests, which
    see more where only the dependence between columns changes; here the residual, one of the columns, reacts to
    that. Rows that depend on each other (overlapping windows) make false warnings more frequent.

    Source: Rabanser, Guennemann, Lipton (2019), "Failing loudly: an empirical study of methods for detecting dataset
    shift".

    Args:
        reference: (n, d) codes and residuals of held-out data, best not of training data, whose residuals are smaller.
        new: (m, d).
        rate: of false warnings, in (0, 1).
        weights: (d,) above 0, sum 1: how much of the rate each column gets; None is 1 / d each.
        names: (d,) of the columns; None takes those of a frame, or "column 0" and so on.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or a rate, weights or names that make no
            sense.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(200, 4)), rng.normal(size=(100, 4))
        >>> b[:, 2] += 1
        >>> found = drift_test(a, b)
        >>> found.drifted, found.feature, found.name
        (True, 2, 'column 2')
    """
    _check_rate(rate)
    points = as_points(reference, "reference")
    called = _names(names, reference, points.shape[1])
    test = _tested(points, as_points(new, "new"), rate, _weights(weights, points.shape[1]), called)
    return replace(test, onset=test.drifted)


class DriftMonitor:
    """Tests a stream again and again; the chance of a false warning, ever, is at most `rate`.

    Rows are collected until there are `batch`, and then held against the reference. The k-th test has the level
    rate * 6 / (pi^2 k^2); these levels sum to `rate`, so by the union bound does the chance of any false warning.

    Against few reference rows a test of few new ones can find nothing: of m and n rows the smallest p-value is
    2 / C(m + n, m), C for a binomial coefficient. A test then has as many more rows as it takes, 1,000 at most: at the
    usual settings 35 against two reference rows, 657 against one.

    Args:
        reference: (n, d) codes and residuals of held-out data; rows should be independent.
        rate: the chance of any false warning, in (0, 1).
        batch: rows a test, more where the reference is very small.
        first: rows of the first test, fewer than `batch`: the next have twice as many each, until they have `batch`. So
            a large change is seen soon. None: `batch` from the start.
        weights: of the columns, as in `drift_test`.
        names: of the columns, as in `drift_test`.

    Raises:
        ValueError: for a reference, a rate, a batch, weights or names that make no sense.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> monitor = DriftMonitor(rng.normal(size=(300, 3)), batch=100)
        >>> [test.drifted for test in monitor.update(rng.normal(size=(250, 3)))]
        [False, False]
        >>> [test.drifted for test in monitor.update(2 + rng.normal(size=(50, 3)))]
        [True]
    """

    def __init__(
        self,
        reference: Any,
        *,
        rate: float = 0.01,
        batch: int = 50,
        first: int | None = None,
        weights: Any = None,
        names: Sequence[str] | None = None,
    ) -> None:
        _check_rate(rate)
        if not is_integer(batch, low=2):
            raise ValueError(f"batch must be an integer of at least 2; got {batch!r}")
        if first is not None and not is_integer(first, low=2):
            raise ValueError(f"first must be an integer of at least 2, or None; got {first!r}")
        self.reference, self.rate, self.batch = as_points(reference, "reference"), rate, batch
        self.first = batch if first is None else first
        self.weights = _weights(weights, self.reference.shape[1])
        self.names = _names(names, reference, self.reference.shape[1])
        self.tests, self.drifting = 0, False
        self._waiting = self.reference[:0]

    def update(self, rows: Any) -> list[DriftTest]:
        """Returns the tests that rows (m, d), m from 0, complete; of the rows fewer than `batch` are kept for the next.

        Raises:
            ValueError: for rows of another dimension, or not finite.
        """
        if not len(rows):
            return []
        points = as_points(rows, "rows")
        same_columns(points, self.reference, ("rows", "reference"))
        waiting, found = np.concatenate([self._waiting, points]), []
        while len(waiting) >= (size := self._size()):
            self.tests += 1
            level = self._level(self.tests)
            found.append(self._judged(_tested(self.reference, waiting[:size], level, self.weights, self.names)))
            waiting = waiting[size:]
        self._waiting = waiting
        return found

    def _judged(self, test: DriftTest) -> DriftTest:
        """Returns the test, which knows whether drift begins with it; a weak sign of drift does not end it."""
        onset = test.drifted and not self.drifting
        self.drifting = test.drifted or (self.drifting and test.p_value <= self.rate)
        return replace(test, onset=onset)

    def _level(self, test: int) -> float:
        return self.rate * 6 / (math.pi * test) ** 2

    def _size(self) -> int:
        """Returns how many rows the next test has: as many as asked for, more where that could find nothing."""
        size = min(self.batch, self.first << min(self.tests, 30))
        level, known = self._level(self.tests + 1) * float(self.weights.max()), len(self.reference)
        while size < MOST and 2 / math.comb(known + size, known) > level:
            size += 1
        return size


def _weights(weights: Any, columns: int) -> Array:
    """Returns (columns,) shares of the rate."""
    own = np.full(columns, 1 / columns) if weights is None else np.asarray(weights, dtype=np.float64)
    if own.shape != (columns,) or not (own > 0).all() or abs(own.sum() - 1) > 1e-9:
        raise ValueError(f"weights must be {columns} numbers above 0 whose sum is 1; got {weights!r}")
    return own


def _of_frame(reference: Any) -> Sequence[Any]:
    """Returns the names of a frame's columns; those of pyarrow are arrays, and their names stand elsewhere."""
    return list(getattr(reference, "column_names", getattr(reference, "columns", ())))


def _names(names: Sequence[str] | None, reference: Any, columns: int) -> tuple[str, ...]:
    """Returns what the columns are called: (columns,)."""
    known = [f"column {i}" for i in range(columns)]
    own = list(_of_frame(reference) or known if names is None else names)
    if len(own) != columns:
        raise ValueError(f"names must be {columns}, one for each column; got {len(own)}: {names!r}")
    return tuple(map(str, own))


def _tested(reference: Array, new: Array, level: float, weights: Array, names: tuple[str, ...]) -> DriftTest:
    from scipy.stats import ks_2samp

    same_columns(reference, new, ("reference", "new"))
    results = [ks_2samp(a, b, method="auto") for a, b in zip(reference.T, new.T, strict=True)]
    weighted = np.array([result.pvalue for result in results]) / weights
    most = int(np.argmin(weighted))
    p = min(1.0, float(weighted[most]))
    return DriftTest(p, level, most, float(results[most].statistic), names[most])


def _check_rate(rate: float) -> None:
    if not is_number(rate, 0, 1) or rate in (0, 1):
        raise ValueError(f"rate must be a number between 0 and 1, the chance of a false warning; got {rate!r}")
