"""Pictures on another scale than those of the training data: 0..255 where that was [0, 1], or the other way round."""

from __future__ import annotations

__all__ = ["RangeWarning", "outside", "warn_of_range"]

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from latente.data.schema import Schema

WIDE = 100.0  # what a range spans, at least, for values in [0, 1] to be of another one
BEYOND, SHARE = 10.0, 0.01  # where this share of values is so many times too large, their range is another one
FILLED, FAINT, MANY = 0.5, 0.01, 8  # of [0, 1] that is reached; of the range that so many pictures do not reach
OURS = {"latente", "sklearn"}  # whose lines no warning should name


class RangeWarning(UserWarning):
    """Warned when pictures come on another scale than those that a model was trained on, so that nothing it says holds.

    That is floats of at most 1 where the training data had 0..255 or 0..65535, and values up to 255 or so where it was
    in [0, 1] or [-1, 1]. Dark pictures of whole numbers are none of these. Where the training data were floats in
    0..255, dark ones whose floats are all at most 1 are warned of too: nothing tells them from pictures in [0, 1].

    For training pictures in any other range, say 0..16, it is a batch of which a hundredth of the values or more lies
    beyond ten times that range; one that fills [0, 1], its largest value between 0.5 and 1, where that is less than a
    tenth of the range; and eight pictures or more that all stay below a hundredth of it. The latter two are looked for
    where there are fractions, or bytes where the training data were wider. So a dark picture among others is not warned
    of, nor a black one by itself, be it noisy. What lies between, a batch at a twentieth of the range, may just be dim.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error", RangeWarning)  # stop there
    """


def warn_of_range(schema: Schema, array: NDArray[Any], samples: int | None = None) -> None:
    """Warns of samples (n, ...) whose range is not that of the schema's training data; see `RangeWarning`.

    Args:
        schema: of pictures, or of anything else, for which nothing is looked at.
        array: in the user's units.
        samples: how many it holds; None is its first axis.

    Example:
        >>> from latente.data import decide
        >>> schema = decide(np.full((5, 8, 8), 200, np.uint8))
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     x = schema.ingest(np.full((5, 8, 8), 0.8))
        ...     print(caught[0].message)
        X holds float64 values of at most 1, but this model was trained on uint8 values in a range of 0 to 255; ...
    """
    if array.size == 0 or (schema.kind != "image" and schema.scale != "unit"):
        return
    if schema.bounds is None or schema.shift.size != 1 or array.dtype.kind not in "iuf":
        return
    low, high = (float(bound / schema.factor.item() + schema.shift.item()) for bound in schema.bounds)
    wide = schema.scale in ("unit", "minmax") and high - low >= WIDE and abs(low) < 1
    if wide and array.dtype.kind == "f" and 0 < array.max() <= 1 and array.min() >= -1:
        _warn(schema, f"{array.dtype} values of at most 1", (low, high), f"times {high:g}")
    elif schema.scale == "none" and _beyond(array):
        most = 255 if array.max() <= 255 else 65535
        _warn(schema, f"{array.dtype} values of up to {most} or so", (low, high), f"divided by {most}")
    elif schema.kind == "image" and not schema.dtype == array.dtype.name == "uint8":
        _warn_of_scale(schema, array, (low, high), len(array) if samples is None else samples)


def _warn_of_scale(schema: Schema, array: NDArray[Any], known: tuple[float, float], samples: int) -> None:
    """Warns of pictures that are far larger or far smaller than the known range, as a whole."""
    reach = max(map(abs, known))
    most = max(abs(float(array.max())), abs(float(array.min())))
    narrower = array.dtype == np.uint8 != schema.dtype
    if most > BEYOND * reach:  # cheaper to know than how many
        if _share_beyond(array, BEYOND * reach) >= SHARE:
            _warn(schema, f"{array.dtype} values beyond {BEYOND * reach:g}", known)
    elif FILLED < most <= min(1, reach / BEYOND) and _fractions(array):
        _warn(schema, f"{array.dtype} values of at most 1", known, f"times {reach:g}")
    elif 0 < most < FAINT * reach and samples >= MANY and (narrower or _fractions(array)):
        _warn(schema, f"{array.dtype} values of less than {FAINT * reach:g}", known)


def _share_beyond(array: NDArray[Any], limit: float) -> float:
    """Returns the fraction of values whose size is above a limit, which a float16 could not hold."""
    array = array.astype(np.float32) if array.dtype == np.float16 else array
    return float(np.count_nonzero(array > limit) + np.count_nonzero(array < -limit)) / array.size


def _fractions(array: NDArray[Any]) -> bool:
    """Returns whether some values are no whole numbers."""
    return array.dtype.kind == "f" and bool((array != np.rint(array)).any())


def _warn(schema: Schema, values: str, known: tuple[float, float], advice: str = "") -> None:
    """Warns on the user's own line, with one text for all pieces of a stream, so that Python need not repeat it."""
    perhaps = f", perhaps {advice}" if advice else ""
    warnings.warn(
        f"X holds {values}, but this model was trained on {schema.dtype} values in a range of {known[0]:g} to "
        f"{known[1]:g}; nothing that it says of X will hold. Give X in that range{perhaps}",
        RangeWarning,
        stacklevel=outside(),
    )


def outside() -> int:
    """Returns the stacklevel, for the caller's own warning, of the nearest line that is not a library's."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        frame, level = frame.f_back, level + 1
    return level


def _beyond(array: NDArray[Any]) -> bool:
    """Returns whether values are of a range far above [0, 1]; a few giant ones among floats are none."""
    if array.dtype.kind != "f":
        return int(array.max()) > 1
    return bool(np.count_nonzero(array > BEYOND) >= SHARE * array.size)
