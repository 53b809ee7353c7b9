"""The container, the entropy coder and the prediction on grids, written from docs/container.md alone.

Plain Python, one number at a time; nothing of latente and no library of entropy coding is imported. page_arrays.py goes
on from here. Names are those of the page.
"""

from __future__ import annotations

import itertools
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "container.md"
ONE = 1 << 40

# Container


def crc32c(data: bytes, start: int = 0) -> int:
    crc = start ^ 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def dictionary() -> bytes:
    """The dictionary of headers, as it stands on the page."""
    block = re.search(r"line breaks:\n\n(.*?)\n\n## Section", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return "".join(line[4:] for line in block.group(1).split("\n")).encode()


def container(data: bytes) -> tuple[dict, dict[str, tuple[bytes, int | None]]]:
    """The JSON, and for each section its content and the CRC of its symbols."""
    magic, version, flags, n, crc = struct.unpack("<4sHHII", data[:16])
    assert (magic, version, flags & ~1) == (b"\x89LAT", 1, 0)
    assert crc32c(data[:12] + data[16 : 16 + n]) == crc
    text = zlib.decompressobj(-15, dictionary()).decompress(data[16 : 16 + n]) if flags else data[16 : 16 + n]
    place, chain, sections = 16 + n, crc, {}
    while data[place] == 0x53:
        _, k, flags, m, content_crc, symbols = struct.unpack("<BBHQII", data[place : place + 20])
        start = place + 24 + k
        chain = crc32c(data[place : place + 20 + k], chain)
        assert struct.unpack("<I", data[place + 20 + k : start]) == (chain,)
        content = data[start : start + m]
        assert crc32c(content) == content_crc
        sections[data[place + 20 : place + 20 + k].decode()] = content, symbols if flags else None
        place = start + m
    end = b"E\0\0\0" + struct.pack("<Q", len(sections))
    assert data[place:] == end + struct.pack("<I", crc32c(end, chain))
    return json.loads(text), sections


# Entropy coding


class Range:
    """Decodes symbols of which each has a share of 2^24."""

    def __init__(self, data: bytes) -> None:
        self.words = list(struct.unpack(f"<{len(data) // 4}I", data))
        self.lower, self.range = 0, 2**64 - 1
        self.point = self._word() << 32 | self._word()

    def _word(self) -> int:
        return self.words.pop(0) if self.words else 0

    def symbol(self, shares: list[int]) -> int:
        scale = self.range >> 24
        quantile = (self.point - self.lower) % 2**64 // scale
        before, symbol = 0, 0
        while before + shares[symbol] <= quantile:
            before, symbol = before + shares[symbol], symbol + 1
        self.lower = (self.lower + scale * before) % 2**64
        self.range = scale * shares[symbol]
        if self.range < 2**32:
            self.lower, self.range = self.lower << 32 & 2**64 - 1, self.range << 32
            self.point = self.point << 32 & 2**64 - 1 | self._word()
        return symbol


THRESHOLDS = [4, 8, 14, 22, 32, 45, 60, 80, 105, 140, 190, 256, 340, 450, 600, 800, 1070, 1420, 1900, 2500, 3600, 5100]
THRESHOLDS += [7200, 10200, 15400, 23000, 33000, 51000, 77000, 130000] + [2**e for e in range(18, 27)]
CENTRES = [2] + [(a + b) // 2 for a, b in itertools.pairwise(THRESHOLDS)] + [2**27]


def class_of(expected: int) -> int:
    return sum(expected >= threshold for threshold in THRESHOLDS)


def power(base: int, exponent: int) -> int:
    result = ONE
    while exponent:
        if exponent & 1:
            result = result * base >> 40
        base, exponent = base * base >> 40, exponent >> 1
    return result


def first_counts(centre: int, tokens: int) -> list[int]:
    low, high = 0, ONE - 1
    for _ in range(40):
        theta = (low + high) // 2
        low, high = (theta, high) if 512 * theta * ONE < centre * (ONE * ONE - theta * theta) else (low, theta)
    theta, counts = low, [1] * tokens
    for v in range(13):
        share = (ONE - theta) * ONE // (ONE + theta) * power(theta, v) >> 40
        for token in {12 - v, 12 + v}:
            counts[token] += 384 * share >> 40
    for token in range(25, tokens, 2):
        e, two = 3 + (token - 25) // 8, (token - 25) // 2 % 4
        first = ((4 + two) << (e - 2)) + 5
        if power(theta, first) == 0:
            break
        tail = (power(theta, first) - power(theta, first + (1 << (e - 2)))) * ONE // (ONE + theta)
        counts[token] += 384 * tail >> 40
        counts[token + 1] += 384 * tail >> 40
    return counts


def shares_of(counts: list[int]) -> list[int]:
    shares = [1 + n * (2**24 - len(counts)) // sum(counts) for n in counts]
    shares[shares.index(max(shares))] += 2**24 - sum(shares)
    return shares


class Integers:
    """Decodes batches of integers by their classes."""

    def __init__(self, data: bytes, largest: int) -> None:
        tokens = 25
        if largest > 12:
            w = largest - 5
            e = w.bit_length() - 1
            tokens = 27 + 2 * (4 * (e - 3) + (w >> (e - 2)) - 4)
        self.range, self.seen, self.left = Range(data), 0, 0
        self.counts = [first_counts(centre, tokens) for centre in CENTRES]

    def batch(self, classes: list[int]) -> list[int]:
        values: list[int] = []
        while len(values) < len(classes):
            if self.left == 0:
                self.shares, self.left = [shares_of(counts) for counts in self.counts], max(64, self.seen // 4)
            part = classes[len(values) : len(values) + self.left]
            values += self._part(part)
            self.seen, self.left = self.seen + len(part), self.left - len(part)
        return values

    def _part(self, classes: list[int]) -> list[int]:
        tokens, raw = [0] * len(classes), [0] * len(classes)
        for i in sorted(range(len(classes)), key=lambda i: classes[i]):
            tokens[i] = self.range.symbol(self.shares[classes[i]])
        bits = [1 + (token - 25) // 8 if token >= 25 else 0 for token in tokens]
        for b in sorted(set(bits) - {0}):
            for shift in range(0, b, 16):
                width = min(16, b - shift)
                for i in (i for i in range(len(bits)) if bits[i] == b):
                    raw[i] |= self.range.symbol([2**24 >> width] * 2**width) << shift
        for c, token in zip(classes, tokens, strict=True):
            self.counts[c][token] += 32
        return [value_of(token, r) for token, r in zip(tokens, raw, strict=True)]


def value_of(token: int, raw: int) -> int:
    if token < 25:
        return token - 12
    code = token - 25
    magnitude = ((4 + code // 2 % 4) << (1 + code // 8)) + raw + 5
    return -magnitude if code % 2 else magnitude


# Grids: the classes of points that lie between known ones


def mirrored(i: int, n: int) -> int:
    i = i % (2 * (n - 1)) if n > 1 else 0
    return 2 * (n - 1) - i if i >= n else i


def taps_of(parity: tuple, split: list[bool]) -> list[tuple]:
    found, none = [], (0,) * len(split)
    for o in itertools.product((-1, 0, 1), repeat=len(split)):
        there = tuple((p + x) % 2 if s else 0 for p, x, s in zip(parity, o, split, strict=True))
        if (sum(there), there) < (sum(parity), parity) and o < none and sum(map(abs, o)) <= 3:
            found.append(o)
    found += [tuple(-3 if a == b else 0 for b in range(len(split))) for a in range(len(split)) if parity[a]]
    return sorted(found, key=lambda o: (sum(x * x for x in o), o))[:10]


def walk(shape: tuple, split: list[bool]):
    """For each class: the spacing h, its taps (None for the coarsest points), and its points in C order."""
    h = 1
    while any(s and (n - 1) // h > 0 for n, s in zip(shape, split, strict=True)):
        h *= 2
    axes = [range(0, n, h) if s else range(n) for n, s in zip(shape, split, strict=True)]
    yield h, None, list(itertools.product(*axes))
    while h > 1:
        h //= 2
        parities = itertools.product(*[(0, 1) if s else (0,) for s in split])
        for parity in sorted((p for p in parities if any(p)), key=lambda p: (sum(p), p)):
            axes = [range(p * h, n, 2 * h) if s else range(n) for n, p, s in zip(shape, parity, split, strict=True)]
            if points := list(itertools.product(*axes)):
                yield h, taps_of(parity, split), points


def pair(grid: dict, point: tuple, offset: tuple, h: int, shape: tuple, split: list[bool]):
    """Sum of the two neighbours of a point at +offset and -offset, mirrored at the borders of the grid of spacing h."""
    total = 0
    for sign in (1, -1):
        there = []
        for i, o, n, s in zip(point, offset, shape, split, strict=True):
            step = h if s else 1
            there.append(mirrored(i // step + sign * o, (n - 1) // step + 1) * step)
        total += grid[tuple(there)]
    return total


def lattice_values(parts: dict, shape: tuple, split: list[bool], step: int, grain: int, phase: int, valid, values=True):
    """The residuals decoded class by class, and, where values is true, the predictions that they are added to."""
    stream = Integers(parts["residuals"][8:], int.from_bytes(parts["residuals"][:8], "little"))
    factors = list(struct.unpack(f"<{len(parts['factors']) // 2}h", parts["factors"]))
    weights = list(struct.unpack(f"<{len(parts.get('weights', b'')) // 2}h", parts.get("weights", b"")))
    x, q = {}, {}
    for h, taps, points in walk(shape, split):
        counted = [p for p in points if valid is None or valid[p]]
        prediction, expected = dict.fromkeys(points, phase), {}
        if taps is not None:
            w, near = predictor(taps, len(points), weights) if values else [], taps[:6]
            f = [factors.pop(0) for _ in range(8)] if len(counted) >= 1024 else [20] * 6 + [60, 30]
            magnitude = {p: min(abs(v), 1 << 18) for p, v in q.items()}
            for p in points:
                spread, sums = 0, [pair(x, p, o, h, shape, split) for o in taps] if values else []
                if values:
                    total = sum(a * b for a, b in zip(w, sums, strict=True))
                    prediction[p] = (total + 2048 * grain) // (4096 * grain) * grain + phase
                    few = sums[:3]
                    spread = float(sum(abs(s - 2 * prediction[p]) for s in few)) * (8 / (step * len(few)))
                around = [pair(magnitude, p, o, h, shape, split) for o in near]
                expected[p] = f[7] + sum(a * b for a, b in zip(f, around, strict=False))
                expected[p] += f[6] * int(min(spread, 1 << 22)) >> 4
        classes = [25 if taps is None else class_of(expected[p]) for p in counted]
        q |= dict.fromkeys(points, 0) | dict(zip(counted, stream.batch(classes), strict=True))
        x |= {p: prediction[p] + step * q[p] for p in points}
    found = np.zeros(shape, np.int64)
    for p, value in (x if values else q).items():
        found[p] = value
    return found


def predictor(taps: list[tuple], points: int, weights: list[int]) -> list[int]:
    if points >= 1536:
        return [weights.pop(0) for _ in taps]
    distances = [sum(i * i for i in o) for o in taps]
    nearest = distances.count(distances[0])
    return [4096 // (2 * nearest) if i < nearest else 0 for i in range(len(taps))]
