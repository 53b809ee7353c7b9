"""Means and spreads that a few giant values cannot decide."""

from __future__ import annotations

__all__ = ["DominatedColumnWarning", "robust_moments", "robust_schema"]

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data import Schema

FEW = 1e-3  # of a column's values, at least one; together they are not to hold
MOST = 0.5  # of its variance,
FAR = 2000.0  # when they lie farther off than this, in standard deviations of the others
WARNED = 0.9  # of a column's variance; where they hold more, a warning says so
FEWEST = 10  # times as many values as the few; of less, the few are no exception
NAMED = 10  # columns in the warning, at most

Array = NDArray[np.float64]


class DominatedColumnWarning(UserWarning):
    """Warned when a few values hold most of the variance of a training column, nine tenths or more.

    Example:
        >>> from latente.anomaly import AnomalyDetector, Ensemble
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> X[7, 1] = 1e9
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     fitted = AnomalyDetector(Ensemble(members=4, steps=10), random_state=0).fit(X)
        >>> [warning.category.__name__ for warning in caught]
        ['DominatedColumnWarning']
    """


@np.errstate(over="ignore", invalid="ignore")
def robust_moments(x: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Returns each column's mean, standard deviation, and the fraction of its variance that a few values hold.

    Of n values the k farthest from the median, k = max(1, n / 1000), are set to the next one where they hold more than
    half of the variance, the farthest is more than 2,000 standard deviations of the rest away, the rest is not
    constant, and there are ten values at least (winsorising; Tukey 1962, "The future of data analysis"). All other
    columns, heavy tails among them, have their ordinary moments; the fraction is 0 where it is below a half.

    Args:
        x: (n, columns).

    Example:
        >>> x = np.arange(100.0)[:, None]
        >>> x[7] = 1e9
        >>> mean, spread, held = robust_moments(x)
        >>> mean.round(1), spread.round(1), held.round(3)
        (array([50.4]), array([29.]), array([1.]))
    """
    x = np.asarray(x, dtype=np.float64)
    few = max(1, round(FEW * len(x)))
    mean, spread, held = x.mean(0), x.std(0), np.zeros(x.shape[1])
    farthest = np.maximum(x.max(0) - mean, mean - x.min(0))
    usual = few * np.square(farthest) <= 0.1 * MOST * len(x) * np.square(spread)
    for j in np.flatnonzero(~usual | ~np.isfinite(spread)) if len(x) >= FEWEST * few else ():
        middle = np.median(x[:, j])
        limit = np.partition(np.abs(x[:, j] - middle), -few - 1)[-few - 1]
        rest = x[:, j].clip(middle - limit, middle + limit)
        own = rest.std()
        if limit > 0 and own < np.sqrt(1 - MOST) * spread[j]:
            held[j] = 1 - (own / spread[j]) ** 2
            if farthest[j] > FAR * own:
                mean[j], spread[j] = rest.mean(), own
    return mean, spread, held


def robust_schema(schema: Schema, samples: NDArray[Any]) -> Schema:
    """Returns the schema of a standardised table with columns scaled as `robust_moments` says.

    Warns of columns of which a few values hold nine tenths of the variance.

    Args:
        schema: of the data; any other kind or scale stays as it is.
        samples: (n, columns), of the data.
    """
    if schema.kind != "table" or schema.scale != "standard":
        return schema
    mean, spread, held = robust_moments(samples)
    varied = spread > 0
    varied[list(schema.constant)] = False
    rescaled = varied & (spread < np.sqrt(1 - MOST) / schema.factor)  # also for values outside the samples
    warned = np.flatnonzero(rescaled | (varied & (held > WARNED)))
    if len(warned):
        warnings.warn(_dominated(schema, samples, warned), DominatedColumnWarning, stacklevel=4)
    factor = np.where(rescaled, 1 / np.where(varied, spread, 1.0), schema.factor)
    return replace(schema, shift=np.where(rescaled, mean, schema.shift), factor=factor)


def _dominated(schema: Schema, samples: NDArray[Any], columns: NDArray[np.int64]) -> str:
    shown = []
    for j in columns[:NAMED]:
        own = np.asarray(samples[:, j], dtype=np.float64)
        name = repr(schema.columns[j]) if schema.columns else str(j)
        shown.append(f"column {name} (farthest value {own[np.abs(own - np.median(own)).argmax()]:g})")
    more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
    return (
        f"a few values hold most of the variance of {', '.join(shown)}{more}, so the others may count little there. "
        "Look at these values; if they are wrong, leave their rows out"
    )
