"""Series of numbers as overlapping windows, without copies, and scores of windows as scores of steps."""

from __future__ import annotations

__all__ = ["as_series", "find_period", "names_of", "read_series", "steps_of", "windows_of"]

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data import as_array
from latente.parts import is_integer

Array = NDArray[np.float64]
LONGEST = 20_000  # steps of which a period is looked for


def windows_of(series: NDArray[Any], window: int) -> NDArray[Any]:
    """Returns the overlapping windows (n - window + 1, window * c) of a series, as a view: nothing is copied.

    Row i is series[i : i + window], step by step, the channels of one step side by side.

    Args:
        series: (n,) or (n, c) with n at least `window`; C-contiguous, otherwise it is copied once.
        window: steps.

    Raises:
        ValueError: for a series that is shorter than the window.

    Example:
        >>> windows_of(np.arange(4.0), 3)
        array([[0., 1., 2.],
               [1., 2., 3.]])
        >>> windows_of(np.arange(6.0).reshape(3, 2), 2)
        array([[0., 1., 2., 3.],
               [2., 3., 4., 5.]])
    """
    if len(series) < window:
        raise ValueError(f"a series of {len(series)} steps is shorter than the window of {window}; give more steps")
    channels = 1 if series.ndim == 1 else series.shape[1]
    flat = np.ascontiguousarray(series).reshape(-1)
    return np.lib.stride_tricks.sliding_window_view(flat, window * channels)[::channels]


def steps_of(scores: NDArray[Any], window: int, align: str = "mean", power: int = 1) -> Array:
    """Returns scores of steps (n,) from scores of their windows (n - window + 1,).

    With a power p other than 1 the mean of scores s is the power mean -(mean |s|^p)^(1/p): the more anomalous windows
    count for more.

    Args:
        scores: one for each window, in order.
        window: steps.
        align: "mean": of all windows that contain the step, of which there are `window` but near the ends; "end": of
            the window that ends at the step, which is known at once, for the first steps that of the first window.
        power: p; other than 1 only for scores that are never positive.

    Raises:
        ValueError: for such a power and a positive score.

    Example:
        >>> steps_of(np.array([0.0, 3.0, 6.0]), 2)
        array([0. , 1.5, 4.5, 6. ])
        >>> steps_of(np.array([0.0, 3.0, 6.0]), 2, "end")
        array([0., 0., 3., 6.])
        >>> steps_of(np.array([-1.0, -7.0]), 2, power=2)
        array([-1., -5., -7.])
    """
    values = np.asarray(scores, dtype=np.float64)
    if align == "end":
        return np.concatenate([np.full(window - 1, values[0]), values])
    if power == 1:
        return _means(values, window)
    if (values > 0).any():
        raise ValueError(
            f"power={power} needs scores of windows that are never positive, as those of AnomalyDetector; got up to "
            f"{values.max():g}; use power=1"
        )
    return -(_means(np.abs(values) ** power, window) ** (1 / power))


def _means(values: Array, window: int) -> Array:
    """Returns the means (n,) of the values (n - window + 1,) of the windows that contain each step."""
    edge = min(window, len(values))
    first = [values[: i + 1].mean() for i in range(edge)]
    last = [values[i:].mean() for i in range(len(values) - edge + 1, len(values))]
    if len(values) < window:  # in the middle every step lies in all windows
        return np.array(first + [values.mean()] * (window - len(values)) + last)
    inner = np.lib.stride_tricks.sliding_window_view(values, window)[1:].mean(axis=1)
    return np.concatenate([first, inner, last])


def find_period(series: Sequence[NDArray[Any]], low: int, high: int) -> int | None:
    """Returns the period of series in steps: the lag of the highest peak of their autocorrelation, or None.

    The autocorrelation of each channel is that of its differences from a running mean of `high` steps, which removes
    slow trends; channels are averaged, constant ones left out.

    Args:
        series: (n, c) each.
        low: the least lag that counts.
        high: the largest one; only series of more than twice as many steps are looked at.

    Returns:
        None where no peak is above 0.1 or no series is long enough.

    Example:
        >>> find_period([np.sin(np.arange(2000) * 2 * np.pi / 48)[:, None]], 10, 400)
        48
    """
    found = [_autocorrelation(item[:LONGEST], high) for item in series if len(item) > 2 * high]
    curves = [curve for curve in found if curve is not None]
    if not curves:
        return None
    curve = np.mean(curves, axis=0)
    inner = np.arange(max(low, 1), high + 1)
    peaks = inner[(curve[inner] > curve[inner - 1]) & (curve[inner] >= curve[inner + 1]) & (curve[inner] > 0.1)]
    return int(peaks[np.argmax(curve[peaks])]) if len(peaks) else None


def _autocorrelation(series: NDArray[Any], high: int) -> Array | None:
    """Returns (high + 2,): the mean over the channels, or None where all are constant."""
    from scipy.ndimage import uniform_filter1d

    x = series.astype(np.float64)
    x = x - uniform_filter1d(x, high, axis=0, mode="nearest")
    x = x - x.mean(0)
    power = np.abs(np.fft.rfft(x, 2 * len(x), axis=0)) ** 2
    raw = np.fft.irfft(power, axis=0)[: high + 2]
    moving = raw[0] > 1e-12 * max(1.0, float(np.abs(series).max()) ** 2) * len(x)
    return (raw[:, moving] / raw[0, moving]).mean(1) if moving.any() else None


def read_series(X: Any, *, finite: bool = True) -> tuple[list[Array], bool]:
    """Returns series as a list of arrays (n, c) of float64, and whether a list came.

    Args:
        X: one series, (n,) or (n, c), or a list or tuple of such arrays.
        finite: as in `as_series`.

    Raises:
        ValueError: for other shapes, no numbers, values that are not finite (where), or different channels.

    Example:
        >>> series, listed = read_series([np.zeros(5), np.zeros(7)])
        >>> [item.shape for item in series], listed
        ([(5, 1), (7, 1)], True)
    """
    listed = isinstance(X, (list, tuple)) and len(X) > 0 and np.ndim(X[0]) > 0
    names = [f"series {i}" for i in range(len(X))] if listed else ["the series"]
    series = [as_series(item, name, finite=finite) for item, name in zip(X if listed else [X], names, strict=True)]
    if len({item.shape[1] for item in series}) > 1:
        raise ValueError(f"the series have different numbers of channels: {sorted({s.shape[1] for s in series})}")
    return series, listed


def as_series(X: Any, name: str = "the series", *, finite: bool = True) -> Array:
    """Returns one series as (n, c) float64, contiguous.

    Args:
        X: (n,) or (n, c), or a frame of n rows; objects that are numbers, or None for a missing one, become floats.
        name: for messages.
        finite: whether values that are not finite are refused, and series without steps too.

    Raises:
        TypeError: for columns of a frame that hold no numbers, by name.
        ValueError: for another shape, no numbers, or values that are not finite.
    """
    columns = names_of(X)
    array = np.asarray(as_array(X)[0] if columns is not None and len(X) else X)
    if array.ndim not in (1, 2) or (finite and not array.size):
        raise ValueError(f"{name} must have shape (n,) or (n, channels), n at least 1; got {array.shape}")
    array = _as_floats(array, name) if array.dtype == object else array
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold numbers; got dtype {array.dtype}")
    channels = array.shape[1] if array.ndim == 2 else 1
    array = np.ascontiguousarray(array.reshape(len(array), channels), dtype=np.float64)
    if finite:
        _check_finite(array, name, columns)
    return array


def _as_floats(objects: NDArray[Any], name: str) -> Array:
    """Returns objects (n,) or (n, c) as floats, NaN for None and for pandas' NA.

    Raises:
        ValueError: for one that is no number: where it stands.
    """
    floats = np.empty(objects.shape)
    for index, value in np.ndenumerate(objects):
        try:
            floats[index] = np.nan if value is None or type(value).__name__ == "NAType" else float(value)
        except (TypeError, ValueError, OverflowError):
            place = f"step {index[0]}" + (f", channel {index[1]}" if len(index) > 1 else "")
            said = textwrap.shorten(repr(value), 60)
            raise ValueError(f"{name} must hold numbers; got {said} at {place}: make it one, or NaN") from None
    return floats


def _check_finite(series: Array, name: str, columns: list[str] | None) -> None:
    """Raises ValueError for values of a series (n, c) that are NaN or infinite."""
    bad = ~np.isfinite(series)
    if not bad.any():
        return
    channels = [f"channel {i}" if columns is None else f"channel {columns[i]!r}" for i in range(series.shape[1])]
    empty = np.flatnonzero(np.isnan(series).all(0)).tolist() if len(series) > 1 else []
    if empty:
        named = ", ".join(channels[i] for i in empty)
        raise ValueError(f"{name} has no value at any of its {len(series)} steps in {named}; leave it out")
    step, channel = np.argwhere(bad)[0]
    raise ValueError(
        f"{name} has {bad.sum()} values that are NaN or infinite, the first at step {step}, {channels[channel]}; "
        "fill them in or leave the steps out; a stream, SeriesDetector.stream(), bears them"
    )


def names_of(X: Any) -> list[str] | None:
    """Returns the names of the columns of a frame, None for an array.

    Example:
        >>> import polars
        >>> names_of(polars.DataFrame({"flow": [1.0, 2.0], "heat": [3.0, 4.0]})), names_of(np.zeros(3))
        (['flow', 'heat'], None)
    """
    columns = getattr(X, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def check_window(window: Any) -> None:
    """Raises ValueError unless the window is "auto" or an integer of at least 2."""
    if window != "auto" and not is_integer(window, low=2):
        raise ValueError(f"window must be an integer of at least 2 steps, or 'auto'; got {window!r}")
