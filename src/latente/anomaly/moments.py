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
FAR = 10.0  # when they lie farther off than this, in standard deviations of the others
WARNED = 0.9  # of a column's variance; where they hold more, a warning says so
NAMED = 10  # columns in the warning, at most

Array = NDArray[np.float64]


class DominatedColumnWarning(UserWarning):
    """Warned when a few giant values hold more than nine tenths of the variance of a training column.

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


def robust_moments(x: NDArray[Any]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Returns each column's mean and standard deviation, and whether a few values were kept from deciding them.

    Of n values the k farthest from the median are set to the next one, k = max(1, n / 1000), where they hold more than
    half of the variance, the farthest is more than 10 standard deviations of the rest away, and the rest is not
    constant (winsorising; Tukey 1962, "The future of data analysis"). All other columns have their ordinary moments.

    Args:
        x: (n, columns).

    Example:
        >>> x = np.arange(100.0)[:, None]
        >>> x[7] = 1e9
        >>> mean, spread, dominated = robust_moments(x)
        >>> mean.round(1), spread.round(1), dominated
        (array([50.4]), array([28.6]), array([ True]))
    """
    x = np.asarray(x, dtype=np.float64)
    few = max(1, round(FEW * len(x)))
    with np.errstate(over="ignore"):
        mean, spread = x.mean(0), x.std(0)
        dominated = np.zeros(x.shape[1], dtype=bool)
        farthest = np.maximum(x.max(0) - mean, mean - x.min(0))
        suspects = (
            few * np.square(farthest) > 0.1 * MOST * len(x) * np.square(spread) if len(x) > few + 1 else dominated
        )
    for j in np.flatnonzero(suspects):
        middle = np.median(x[:, j])
        limit = np.partition(np.abs(x[:, j] - middle), -few - 1)[-few - 1]
        held = x[:, j].clip(middle - limit, middle + limit)
        own = held.std()
        if limit > 0 and own < np.sqrt(MOST) * spread[j] and farthest[j] > FAR * own:
            mean[j], spread[j], dominated[j] = held.mean(), own, True
    return mean, spread, dominated


def robust_schema(schema: Schema, samples: NDArray[Any], advice: str) -> Schema:
    """Returns the schema of a standardised table with columns scaled as `robust_moments` says, and warns of those.

    Args:
        schema: of the data; any other kind or scale stays as it is.
        samples: (n, columns), of the data.
        advice: the end of the warning.
    """
    if schema.kind != "table" or schema.scale != "standard":
        return schema
    mean, spread, _ = robust_moments(samples)
    varied = spread > 0
    varied[list(schema.constant)] = False
    dominated = varied & (spread < np.sqrt(MOST) / schema.factor)  # also by values outside the samples
    warned = np.flatnonzero(dominated & (spread < np.sqrt(1 - WARNED) / schema.factor))
    if len(warned):
        warnings.warn(_dominated(schema, samples, warned) + advice, DominatedColumnWarning, stacklevel=4)
    factor = np.where(dominated, 1 / np.where(varied, spread, 1.0), schema.factor)
    return replace(schema, shift=np.where(dominated, mean, schema.shift), factor=factor)


def _dominated(schema: Schema, samples: NDArray[Any], columns: NDArray[np.int64]) -> str:
    shown = []
    for j in columns[:NAMED]:
        own = np.asarray(samples[:, j], dtype=np.float64)
        name = repr(schema.columns[j]) if schema.columns else str(j)
        shown.append(f"column {name} (farthest value {own[np.abs(own - np.median(own)).argmax()]:g})")
    more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
    return f"a few giant values hold nine tenths of the variance of {', '.join(shown)}{more}; "
