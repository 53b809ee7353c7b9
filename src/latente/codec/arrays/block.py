"""One array as a header and sections, under a bound that is checked after everything else."""

from __future__ import annotations

__all__ = ["decode_block", "encode_block", "is_exact"]

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.allowed import Allowed
from latente.codec.arrays.choose import choose
from latente.codec.arrays.finite import decode_special, encode_special
from latente.codec.arrays.heads import pack_head
from latente.codec.arrays.numbers import Numbers, numbers_of, restore
from latente.codec.arrays.patches import apply_patches, encode_patches
from latente.codec.arrays.plans import PLANS, Coded, Plan, Problem, Transform
from latente.codec.zstd import zstd_compressed, zstd_restored

MOST_AXES = 4
TRIES = 6  # bounds that are tried for a mean squared error
CLOSE = 0.97  # share of the mean squared error's root that is close enough to it
HOPELESS = 1.5  # times the size of the best of the further plans: what a trial then says is not tried as a whole
TOLD = 4  # best plans whose sizes are told
PACKING = 6  # level of zstd for whole arrays: higher ones gain little on bytes that noise fills
Array = NDArray[Any]
Header = dict[str, Any]
Sections = dict[str, bytes]
Mask = NDArray[np.bool_] | None


def worked_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which an array is predicted: no axes of length 1, at most four axes."""
    kept = [n for n in shape if n > 1] or [1]
    if len(kept) > MOST_AXES:
        kept = [math.prod(kept[: len(kept) - MOST_AXES + 1]), *kept[len(kept) - MOST_AXES + 1 :]]
    return tuple(kept)


def _unsigned(x: Array) -> Array:
    return x.view(f"u{x.dtype.itemsize}")


def encode_block(
    array: Array, bound: Allowed, *, valid: Mask = None, plans: dict[str, Plan] | None = None, thorough: bool = False
) -> tuple[Header, Sections, Array]:
    """Codes one array.

    Args:
        array: native booleans, integers or floating-point values, at least one.
        bound: what is allowed.
        valid: points that count, besides that they are finite; None: all.
        plans: plans that compete besides the built-in ones, by short name.
        thorough: whether all plans are tried on the whole array.

    Returns:
        a header that JSON can hold, sections, and what `decode_block` makes of them: the bound holds for it.
    """
    x = np.ascontiguousarray(array).reshape(worked_shape(array.shape))
    finite = np.isfinite(x) if x.dtype.kind == "f" else np.ones(x.shape, bool)
    if valid is not None:
        finite &= valid.reshape(x.shape)
    mask: Mask = None if finite.all() else finite
    special = {} if mask is None else encode_special(mask, _unsigned(x)[~mask])
    if not finite.any():
        return {"kind": "special"}, special, array
    value = _constant(x, mask, bound)
    coded = None if value is not None else _predicted(x, mask, bound, plans or {}, thorough)
    if value is not None:
        header, sections, result = {"kind": "constant"}, {"value": value.tobytes()}, np.full_like(x, value)
    elif coded is not None:
        header, sections, result = coded
    if value is None and (bound.lossless or coded is None):
        plain = _bytes(x)
        if coded is None or len(plain) < _size(coded[1]):
            return {"kind": "bytes"}, {"bytes": plain}, array
    if mask is not None:
        _unsigned(result)[~mask] = _unsigned(x)[~mask]
    return header, {**special, **sections}, result.reshape(array.shape)


def _size(sections: Sections) -> int:
    return sum(map(len, sections.values()))


def _whole(coded: Coded) -> int:
    """Bytes of what a plan made, with its header."""
    return _size(coded.sections) + len(pack_head(coded.header))


def is_exact(header: Header) -> bool:
    """Whether every machine decodes a block to the same bits, with this header."""
    return header.get("plan") != "autoencoder"


def _constant(x: Array, mask: Mask, bound: Allowed) -> Array | None:
    """The one value that stands for all, where there is one."""
    values = x.ravel() if mask is None else x[mask]
    bits = _unsigned(values)
    if (bits == bits[0]).all():
        return values[:1]
    low, high = values.min(), values.max()
    if bound.lossless or bound.rmse is not None or not float(high) - float(low) <= 2 * bound.absolute:
        return None
    middle = np.array([float(low) + (float(high) - float(low)) / 2]).astype(x.dtype)
    return None if _errors(values, np.broadcast_to(middle, values.shape)).max() > bound.absolute else middle


def _errors(x: Array, y: Array) -> NDArray[np.float64]:
    """Absolute differences, exact for integers."""
    if x.dtype.kind in "iub":
        first, second = x.astype(np.uint64), y.astype(np.uint64)
        return np.where(x > y, first - second, second - first).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinities, which do not count
        return np.abs(x.astype(np.float64) - y.astype(np.float64))


def _bytes(x: Array) -> bytes:
    """The bytes of all values, sorted by their place in a value, packed."""
    return zstd_compressed(np.ascontiguousarray(x.reshape(-1, 1).view(np.uint8).T).tobytes(), PACKING)


def _inner(x: Array, mask: Mask, absolute: float) -> float:
    """A bound that leaves room for the rounding to the array's type."""
    if x.dtype.kind != "f":
        return absolute
    largest = np.abs(x if mask is None else x[mask]).max()
    below = float(largest - np.nextafter(largest, np.zeros_like(largest)))
    room = max(absolute * (1 - 1e-9) - 1.02 * below, absolute / 2)
    return float(f"{room * (1 - 5e-6):.6g}")  # few digits take few bytes in a header


def _predicted(
    x: Array, mask: Mask, bound: Allowed, plans: dict[str, Plan], thorough: bool
) -> tuple[Header, Sections, Array] | None:
    """Header, sections and result, or None when no plan suits."""
    if bound.rmse is None:
        return _within(x, mask, bound.absolute, True, plans, thorough)
    wide, best = bound.absolute, None
    for _ in range(TRIES):
        tried = _within(x, mask, wide, False, plans, thorough)
        reached = math.inf if tried is None else _rmse(x, tried[2], mask)
        if tried is not None and reached <= bound.rmse and (best is None or _size(tried[1]) < _size(best[1])):
            best = tried
        if CLOSE * bound.rmse <= reached <= bound.rmse or wide == 0:
            break
        wide *= min(2.0, (1 + CLOSE) / 2 * bound.rmse / max(reached, bound.rmse / 4)) if math.isfinite(reached) else 0
    return best if best is not None else _within(x, mask, 0.0, True, plans, thorough)


def _within(
    x: Array, mask: Mask, absolute: float, pointwise: bool, plans: dict[str, Plan], thorough: bool
) -> tuple[Header, Sections, Array] | None:
    numbers = numbers_of(x, mask, _inner(x, mask, absolute) if absolute else 0.0)
    if numbers is None:
        return None
    problem = Problem(numbers.values, numbers.bound, numbers.exact, mask, pointwise)
    choice = choose(problem, thorough)
    if choice is None:
        return None
    others = {name: other.encode(problem) for name, other in plans.items() if other.suits(problem)}
    sizes = {name: _whole(coded) + plans[name].extra for name, coded in others.items()}
    best = min(sizes, key=lambda name: sizes[name], default=None)
    coded: Coded | None = None
    if best is None or min(choice.trials.values()) * x.size / 8 < HOPELESS * sizes[best]:
        try:
            coded = choice.coded or choice.plan.encode(problem)
        except OverflowError:  # integer differences beyond 64 bits outside the part that was tried
            return None
    if best is not None and (coded is None or sizes[best] < _whole(coded)):
        coded = others[best]
    if coded is None:
        return None
    trials = choice.trials | {name: round(8 * other.size / x.size, 3) for name, other in others.items()}
    return _checked(x, mask, absolute, pointwise, numbers, coded, trials)


def _checked(
    x: Array, mask: Mask, absolute: float, pointwise: bool, numbers: Numbers, coded: Coded, trials: dict[str, float]
) -> tuple[Header, Sections, Array]:
    """Header, sections and result, after what will be decoded was compared with the array."""
    result = restore(numbers.kind, coded.values, numbers.header, x.dtype, numbers.palette, mask)
    if absolute == 0:
        wrong = _unsigned(x) != _unsigned(result)
    else:
        wrong = ~(_errors(x, result) <= absolute) if pointwise else np.zeros(x.shape, bool)
    if mask is not None:
        wrong &= mask
    told = dict(sorted(trials.items(), key=lambda item: item[1])[:TOLD])
    header = {"kind": numbers.kind, **numbers.header, **coded.header, "trials": told}
    sections = dict(coded.sections)
    if numbers.palette is not None:
        sections["palette"] = zstd_compressed(numbers.palette.tobytes())
        header["colours"] = len(numbers.palette)
    if wrong.any():
        sections["patches"] = encode_patches(wrong, _unsigned(x)[wrong])
        result = np.where(wrong, x, result)
    return header, sections, np.ascontiguousarray(result)


def _rmse(x: Array, y: Array, mask: Mask) -> float:
    errors = _errors(x, y) if mask is None else _errors(x, y)[mask]
    largest = float(errors.max())
    if not math.isfinite(largest):  # a value beyond what the type can hold
        return math.inf
    return largest * float(np.sqrt(np.mean((errors / largest) ** 2))) if largest > 0 else 0.0


def decode_block(
    header: Header,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    sections: Sections,
    plans: dict[str, Any] | None = None,
) -> Array:
    """The array that `encode_block` was given, within its bound.

    Args:
        header: as it was returned.
        shape: of the array.
        dtype: of the array, native.
        sections: as they were returned.
        plans: decoders besides the built-in ones, by name of the plan.

    Raises:
        ValueError: when header or sections are damaged.
    """
    work, kind = worked_shape(shape), header["kind"]
    if kind == "bytes":
        size = math.prod(shape)
        data = np.frombuffer(zstd_restored(sections["bytes"], size * dtype.itemsize), np.uint8)
        return np.ascontiguousarray(data.reshape(dtype.itemsize, size).T).view(dtype).reshape(shape)
    mask, bits = decode_special(sections, work, np.dtype(f"u{dtype.itemsize}")) if "mask" in sections else (None, None)
    if kind == "special":
        result = np.zeros(work, dtype)
    elif kind == "constant":
        result = np.full(work, np.frombuffer(sections["value"], dtype)[0])
    else:
        result = _restored(header, sections, work, mask, dtype, plans)
    if mask is not None and bits is not None:
        _unsigned(result)[~mask] = bits
    return result.reshape(shape)


def _restored(
    header: Header,
    sections: Sections,
    shape: tuple[int, ...],
    mask: Mask,
    dtype: np.dtype[Any],
    plans: dict[str, Any] | None,
) -> Array:
    known = {**PLANS, **(plans or {})}
    if header["plan"] not in known:
        raise ValueError(f"the plan {header['plan']!r} is not known to this version; known are {', '.join(known)}")
    palette = None
    if "palette" in sections:
        data = zstd_restored(sections["palette"], int(header["colours"]) * dtype.itemsize)
        palette = np.frombuffer(data, dtype)
    values = known[header["plan"]].decode(header, sections, shape, mask)
    if header["plan"] == Transform.name and header["kind"] != "real":
        values = np.rint(values)  # as when it was encoded; other plans may use halves of integers
    result = np.ascontiguousarray(restore(header["kind"], values, header, dtype, palette, mask))
    if "patches" in sections:
        apply_patches(sections["patches"], _unsigned(result))
    return result
