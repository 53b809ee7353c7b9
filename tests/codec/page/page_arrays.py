"""Streams of the kind `array`, decoded as docs/container.md says; all but blocks that an autoencoder predicted."""

from __future__ import annotations

import itertools
import json
import math
import re
import struct
import zlib

import numpy as np
import zstandard
from page_coder import PAGE, Integers, class_of, container, crc32c, lattice_values

STEPS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
GAIN = 1.1496043988602418


def dictionary() -> bytes:
    """The dictionary of heads, as it stands on the page."""
    block = re.search(r"### The head.*?```\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return block.group(1).replace("\n", "").encode()


def decode(data: bytes) -> np.ndarray:
    """The array of a stream; asserts that every checksum is right."""
    about, sections = container(data)
    assert about["kind"] == "array"
    content, symbols = sections["array"]
    n = int.from_bytes(content[:4], "little")
    head, content = json.loads(zlib.decompressobj(-15, dictionary()).decompress(content[4 : 4 + n])), content[4 + n :]
    dtype, shape = np.dtype(head["dtype"]).newbyteorder("<"), tuple(head["shape"])
    hidden = None
    if "hidden" in head:
        bits = np.frombuffer(unzstd(content[: head["hidden"]]), np.uint8)
        hidden, content = np.unpackbits(bits, count=math.prod(shape)).reshape(shape), content[head["hidden"] :]
    x, check = np.zeros(shape, dtype), 0
    for where, fields in zip(pieces(shape), head["blocks"], strict=True):
        parts = {}
        for name, length in fields["lengths"].items():
            parts[name], content = content[:length], content[length:]
        x[where] = block(fields, parts, x[where].shape, dtype)
        check = crc32c(np.ascontiguousarray(x[where]).tobytes(), check)
    assert (check, content) == (symbols, b"")
    x = x.astype(head["dtype"])
    return x if hidden is None else np.ma.MaskedArray(x, hidden.astype(bool))


def pieces(shape: tuple) -> list[tuple]:
    parts, lengths = [1] * len(shape), list(shape)
    while math.prod(lengths) > 1 << 21:
        axis = lengths.index(max(lengths))
        parts[axis] *= 2
        lengths[axis] = -(-shape[axis] // parts[axis])
    starts = [range(0, n, length) for n, length in zip(shape, lengths, strict=True)] if math.prod(shape) else [()]
    return [tuple(slice(a, a + n) for a, n in zip(at, lengths, strict=True)) for at in itertools.product(*starts)]


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def block(fields: dict, parts: dict, shape: tuple, dtype: np.dtype) -> np.ndarray:
    work = tuple(n for n in shape if n > 1) or (1,)
    work = (math.prod(work[: len(work) - 3]), *work[len(work) - 3 :]) if len(work) > 4 else work
    word = np.dtype(f"<u{dtype.itemsize}")
    if fields["kind"] == "bytes":
        return (
            np.frombuffer(unzstd(parts["bytes"]), np.uint8)
            .reshape(dtype.itemsize, -1)
            .T.copy()
            .view(dtype)
            .reshape(shape)
        )
    valid = None
    if "mask" in parts:
        change = np.unpackbits(np.frombuffer(unzstd(parts["mask"]), np.uint8), count=math.prod(work)).reshape(work)
        valid = np.bitwise_xor.accumulate(change, axis=0).astype(bool)
    if fields["kind"] == "special":
        x = np.zeros(work, dtype)
    elif fields["kind"] == "constant":
        x = np.full(work, np.frombuffer(parts["value"], dtype)[0])
    else:
        x = numbers(fields, plan(fields, parts, work, valid), parts, dtype).reshape(work).copy()
        if "patches" in parts:
            size = int.from_bytes(parts["patches"][:8], "little")
            places = np.array(sparse(parts["patches"][8 : 8 + size], x.size)) != 0
            x.reshape(-1).view(word)[places] = np.frombuffer(unzstd(parts["patches"][8 + size :]), word)
    if valid is not None:
        x.view(word)[~valid] = np.frombuffer(unzstd(parts["special"]), word)  # one for all, or one each
    return x.reshape(shape)


def numbers(fields: dict, n: np.ndarray, parts: dict, dtype: np.dtype) -> np.ndarray:
    """The values whose numbers these are."""
    kind, width = fields["kind"], 8 * dtype.itemsize
    if kind != "real" and fields["plan"] == "transform":
        n = np.rint(n)
    if kind == "real":
        with np.errstate(over="ignore"):
            return n.astype(dtype)
    if kind == "steps":
        return (fields["base"] + n * fields["d"]).astype(dtype)
    whole = [int(v) for v in np.rint(n).ravel()]
    if kind == "palette":
        return np.frombuffer(unzstd(parts["palette"]), dtype)[whole]
    if kind == "bits":
        words = [(~v - (1 << (width - 1)) if v < 0 else v) % (1 << width) for v in whole]
        return np.array(words, f"<u{dtype.itemsize}").view(dtype)
    if dtype.kind == "b":
        return np.array([v + fields["base"] > 0 for v in whole])
    limits = np.iinfo(dtype)
    return np.array([min(max(v + fields["base"], int(limits.min)), int(limits.max)) for v in whole], dtype)


def plan(fields: dict, parts: dict, shape: tuple, valid: np.ndarray | None) -> np.ndarray:
    if fields["plan"] == "transform":
        return transform(fields, parts, shape, valid)
    every = [True] * len(shape)
    if fields["plan"] == "lorenzo":
        q = lattice_values(parts, shape, every, 1, 1, 0, None, values=False)
        for axis in range(len(shape)):
            q = np.cumsum(q, axis=axis)
        return q + fields["first"] if "first" in fields else q * fields["unit"] + fields["offset"]
    step, grain, phase, unit = 64, 1, 0, 2 * fields["bound"] / 64
    if isinstance(fields["low"], int):
        together = int(2 * fields["bound"]) + 1
        step, grain, phase, unit = (together, 1, 0, 1) if together % 2 else (2 * together, 2, 1, 0.5)
    alone = fields.get("alone")
    n = lattice_values(parts, shape, [a != alone for a in range(len(shape))], step, grain, phase, valid)
    if alone is not None:
        mean = {name.removeprefix("mean "): part for name, part in parts.items() if name.startswith("mean ")}
        flat = tuple(1 if a == alone else size for a, size in enumerate(shape))
        n = n + lattice_values(mean, flat, every, step, grain, 0, None)
    return n * unit + fields["low"]


def sparse(data: bytes, n: int) -> list[int]:
    """Integers most of which are 0."""
    values = [0] * n
    if data:
        count, typical, *largest = struct.unpack("<4I", data[:16])
        stream = Integers(data[16:], max(largest))
        gaps = stream.batch([class_of(256 * (typical + 2))] * count)
        for place, value in zip(itertools.accumulate(g + 1 for g in gaps), stream.batch([11] * count), strict=True):
            values[place - 1] = value
    return values


# The wavelet


def lengths_of(n: int) -> list[int]:
    details = []
    while n > 1:
        details, n = [n // 2, *details], (n + 1) // 2
    return [1, *details]


def transform(fields: dict, parts: dict, shape: tuple, valid: np.ndarray | None) -> np.ndarray:
    x = coefficients(parts, shape).astype(np.float64) * (fields["ratio"] * fields["bound"])
    for axis in reversed(range(len(shape))):
        x = np.apply_along_axis(lambda line: np.array(joined(line.tolist())), axis, x)
    x = x + fields["offset"]
    where = np.ones(shape, bool) if valid is None else valid
    if parts.get("corrections"):
        x[where] += np.array(sparse(parts["corrections"], int(where.sum()))) * (2 * fields["bound"])
    return x


def joined(line: list[float]) -> list[float]:
    """One axis put together, from the lowest part on."""
    low, start = line[:1], 1
    for length in lengths_of(len(line))[1:]:
        even, odd = [v * (1 / GAIN) for v in low], [v * GAIN for v in line[start : start + length]]
        for step, c in enumerate((-STEPS[3], -STEPS[2], -STEPS[1], -STEPS[0])):
            to, of = (even, odd) if step % 2 == 0 else (odd, even)
            for i in range(len(to)):
                a, b = (i - 1, i) if to is even else (i, i + 1)
                both = a >= 0 and b < len(of)
                to[i] += (of[a] + of[b]) * c if both else (2 * c) * of[b if a < 0 else a]
        low, start = [v for two in itertools.zip_longest(even, odd) for v in two if v is not None], start + length
    return low


def quarter(q: int) -> int:
    q = min(max(q, -48), 80)
    return ((256, 304, 362, 431)[q % 4] << (q // 4 + 12)) >> 12


def coefficients(parts: dict, shape: tuple) -> np.ndarray:
    axes = range(len(shape))
    lengths = [lengths_of(n) for n in shape]
    part = [[s for s, length in enumerate(of) for _ in range(length)] for of in lengths]
    told = zlib.decompressobj(-15).decompress(parts["bands"])
    levels = [len(of) for of in lengths]
    size = 2 * (sum(levels) + 3 * len(shape) + 2)
    numbers = list(struct.unpack(f"<{size // 2}h", told[:size]))
    factors = [[numbers.pop(0) for _ in range(n)] for n in levels]
    weights = numbers[: len(shape) + 1], numbers[len(shape) + 1 :]
    largest, bits = int.from_bytes(told[size : size + 8], "little"), told[size + 8 :]
    live = np.unpackbits(np.frombuffer(bits, np.uint8), count=math.prod(levels)).reshape(levels)
    stream, k, smooth = Integers(parts["coefficients"], largest), {}, {}

    def band(p: tuple) -> tuple:
        return tuple(part[a][p[a]] for a in axes)

    def moved(p: tuple, a: int, by: int) -> tuple:
        return (*p[:a], p[a] + by, *p[a + 1 :])

    def near(p: tuple, a: int) -> int:
        there = [moved(p, a, by) for by in (-1, 1)]
        return sum(min(abs(k.get(t, 0)), 1 << 15) for t in there if 0 <= t[a] < shape[a] and band(t) == band(p))

    def parent(p: tuple, a: int) -> tuple | None:
        s = part[a][p[a]]
        if s == 0:
            return None
        start = sum(lengths[a][:s])
        j = p[a] - start if s == 1 else (p[a] - start) // 2
        return moved(p, a, sum(lengths[a][: s - 1]) + min(j, lengths[a][s - 1] - 1) - p[a])

    def expected(p: tuple, late: int) -> int:
        w, b = weights[late], band(p)
        total = 4 * w[0] * quarter(sum(factors[a][b[a]] for a in axes))
        for a in axes:
            if (up := parent(p, a)) is not None:
                total += w[1 + a] * quarter(factors[a][b[a]] - factors[a][b[a] - 1]) * smooth.get(up, 0)
            total += 512 * w[1 + len(shape) + a] * near(p, a) if late else 0
        return total >> 10

    points = [p for p in itertools.product(*map(range, shape)) if live[band(p)]]
    for t in range(sum(levels)):
        now = [p for p in points if sum(band(p)) == t]
        for late in (0, 1):
            batch = [p for p in now if sum(p) % 2 == late]
            k |= zip(batch, stream.batch([class_of(expected(p, late)) for p in batch]), strict=True)
        smooth |= {p: 2 * min(abs(k[p]), 1 << 15) + sum(near(p, a) for a in axes) for p in now}
    found = np.zeros(shape, np.int64)
    for p, value in k.items():
        found[p] = value
    return found
