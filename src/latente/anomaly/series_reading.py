"""What a SeriesDetector asks of the series that it is given: the same channels, one length that suits most."""

from __future__ import annotations

__all__ = ["ShortSeriesWarning", "check_names", "check_spread", "common_length", "names_in", "warn_of_short"]

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.windows import Array, names_of

if TYPE_CHECKING:
    from latente.anomaly.series_fitted import FittedSeries


class ShortSeriesWarning(UserWarning):
    """Warned when some series are shorter than the window, so that nothing is learned from them.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error", ShortSeriesWarning)  # take no list of which a part is left out
    """


def names_in(model: FittedSeries, given: Sequence[Any]) -> None:
    """Sets `feature_names_in_` where series came with names of their channels.

    Raises:
        ValueError: for series whose names differ.
    """
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_
    found = [names for names in map(names_of, given) if names is not None]
    if not found:
        return
    for names in found[1:]:
        if names != found[0]:
            raise ValueError(f"the columns of the series differ: {found[0]} and {names}; select the same, in one order")
    model.feature_names_in_ = np.array(found[0], dtype=object)


def check_names(model: FittedSeries, X: Any) -> None:
    """Raises ValueError for a frame whose columns are not those of `fit`, in their order."""
    names, own = names_of(X), getattr(model, "feature_names_in_", None)
    if names is None or own is None or names == own.tolist():
        return
    same = sorted(names) == sorted(own)
    what = "in another order" if same else f"without {', '.join(sorted(set(own) - set(names))) or 'names more'}"
    raise ValueError(f"the columns {names} are not those of fit, {own.tolist()}: {what}; select those, in that order")


def common_length(series: Sequence[NDArray[Any]]) -> int:
    """Returns the largest length that the series have which hold at least half of all steps.

    Example:
        >>> common_length([np.zeros(n) for n in (3000, 30, 500)])
        3000
    """
    lengths = np.sort([len(item) for item in series])[::-1]
    return int(lengths[np.searchsorted(np.cumsum(lengths), lengths.sum() / 2)])


def check_spread(whole: Array) -> Array:
    """Returns (channels,): standard deviations.

    Raises:
        ValueError: where they overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        spread = whole.std(0)
    if not np.isfinite(spread).all():
        channel = int(np.flatnonzero(~np.isfinite(spread))[0])
        raise ValueError(f"channel {channel} holds values whose squares overflow, up to {np.abs(whole).max():.3g}")
    return spread


def warn_of_short(series: Sequence[NDArray[Any]], window: int) -> None:
    """Warns of series that are shorter than the window."""
    short = [f"{i} ({len(item)} steps)" for i, item in enumerate(series) if len(item) < window]
    if short and len(short) < len(series):
        named = ", ".join(short[:10]) + (", ..." if len(short) > 10 else "")
        warnings.warn(
            f"{len(short)} of {len(series)} series are shorter than the window of {window} steps and are left out: "
            f"{named}; give a smaller window=",
            ShortSeriesWarning,
            stacklevel=4,
        )
