"""Pictures without a loss, written from docs/container.md alone; container and integers are those of page_coder.py.

Of the ways to code pixels all are here but the one that needs a model. Plain Python, one number at a time.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import page_coder
import zstandard

PHASES = [(1, 1), (0, 1), (1, 0)]
KNOWN = [[(0, 0)], [(0, 0), (1, 1)], [(0, 0), (1, 1), (0, 1)]]


class Classes(page_coder.Integers):
    """Integers of more classes: the first counts of the 40, several times."""

    def __init__(self, data: bytes, times: int) -> None:
        super().__init__(data, 510)
        self.counts = [list(row) for _ in range(times) for row in self.counts]


def decode(stream: bytes) -> np.ndarray:
    """The pixels (n, h, w, c)."""
    head, sections = page_coder.container(stream)
    content, symbols = sections["pixels"]
    pixels = decode_pixels(content, tuple(head["header"]["shape"]))
    assert page_coder.crc32c(pixels.tobytes()) == symbols
    return pixels


def decode_pixels(content: bytes, shape: tuple) -> np.ndarray:
    n, h, w, c = shape
    way, content = content[0], content[1:]
    if way == 0:
        return np.frombuffer(zstandard.ZstdDecompressor().decompress(content), np.uint8).reshape(shape)
    weights = None
    if way == 3:
        k = int.from_bytes(content[:2], "little")
        raw = zlib.decompress(content[2 : 2 + k])
        weights = [low | high << 8 for low, high in zip(raw[: len(raw) // 2], raw[len(raw) // 2 :], strict=True)]
        weights = list(struct.unpack(f"<{len(weights)}h", struct.pack(f"<{len(weights)}H", *weights)))
        content = content[2 + k :]
    integers = Classes(content, 2 if way == 1 else 6)
    sets = None if weights is None else split(weights, c)
    assert n * h * w <= 2**21, "one part is enough here"
    planes = [np.zeros((n, h, w), int) for _ in range(c)]
    first(planes, integers)
    for level in (4, 3, 2, 1, 0):
        for step in range(3):
            code_step(planes, integers, level, step, None if sets is None or level > 1 else sets[level, step])
    return rgb(planes)


def split(weights: list[int], c: int) -> dict:
    """Weights by level, step and plane: those of the mean, those of the error."""
    found: dict = {}
    for level in (0, 1):
        for step in range(3):
            t = len(taps_of(step, 3))
            for u in range(c):
                taken = [weights.pop(0) for _ in range(t + u + 5 + c - 1 + u)]
                found.setdefault((level, step), []).append((taken[: t + u], taken[t + u :]))
    assert not weights
    return found


def first(planes: list, integers: Classes) -> None:
    for u, plane in enumerate(planes):
        view = plane[:, ::32, ::32]
        values = integers.batch([79 if u else 39] * view.size)
        view[...] = np.cumsum(values).reshape(view.shape)


def taps_of(step: int, r: int) -> list[tuple]:
    """(phase, a, b, squared distance)."""
    p, q = PHASES[step]
    found = []
    for pp, qq in KNOWN[step]:
        for a in range(-4, 5):
            for b in range(-4, 5):
                down, right = 2 * a + pp - p, 2 * b + qq - q
                if abs(down) <= r and abs(right) <= r:
                    found.append(((pp, qq), a, b, down**2 + right**2))
    return found


def seen(plane: np.ndarray, distance: int, tap: tuple, picture: int, i: int, j: int) -> int:
    (p, q), a, b, _ = tap
    grid = plane[picture, p * distance // 2 :: distance, q * distance // 2 :: distance]
    base = plane[picture, ::distance, ::distance]
    grid = grid if grid.size else base
    i, j = min(max(i + a, 0), base.shape[0] - 1), min(max(j + b, 0), base.shape[1] - 1)
    return int(grid[min(i, grid.shape[0] - 1), min(j, grid.shape[1] - 1)])


def code_step(planes: list, integers: Classes, level: int, step: int, weights: list | None) -> None:
    distance = 2 << level
    p, q = PHASES[step]
    targets = [plane[:, p * distance // 2 :: distance, q * distance // 2 :: distance] for plane in planes]
    places = list(np.ndindex(targets[0].shape))
    taps = taps_of(step, 3)
    order = sorted(range(len(taps)), key=lambda k: (taps[k][3], k))[:4]
    if not places:
        return
    near = [[[seen(plane, distance, taps[k], *at) for k in order] for at in places] for plane in planes]
    average = [[(sum(four) + 2) >> 2 for four in of] for of in near]
    spread = [
        [sum(abs(x - a) for x in four) for four, a in zip(of, means, strict=True)]
        for of, means in zip(near, average, strict=True)
    ]
    left: list[list[int]] = []
    for u, target in enumerate(targets):
        guesses = []
        for m, at in enumerate(places):
            before = [errors[m] for errors in left]
            if weights is None:
                e = 40 * spread[u][m] + 64 + (48 * abs(before[0]) if u else 0)
                guesses.append((average[u][m], 1, page_coder.class_of(e) + 40 * (u > 0)))
            else:
                inputs = [seen(planes[u], distance, tap, *at) - average[u][m] for tap in taps]
                others = [spread[k][m] for k in range(len(planes)) if k != u]
                guesses.append(linear(inputs, near[u][m], average[u][m], spread[u][m], others, before, u, weights[u]))
        values = integers.batch([guess[2] for guess in guesses])
        decoded = [g + s * v for (g, s, _), v in zip(guesses, values, strict=True)]
        left.append([x - guess[0] for x, guess in zip(decoded, guesses, strict=True)])
        target[...] = np.array(decoded).reshape(target.shape)


def linear(inputs, near, average, spread, others, before, u, weights) -> tuple[int, int, int]:
    w, e = weights
    cut = [min(max(x, -1023), 1023) for x in before]
    mean = sum(a * b for a, b in zip(w, inputs + cut, strict=True))
    features = [1, spread, sum(map(abs, inputs)) >> 3, abs(near[0] - near[3]) + abs(near[1] - near[2])]
    features += [min(spread, 12), *others, *map(abs, cut)]
    expected = max(0, sum(a * b for a, b in zip(e, features, strict=True)))
    f = (mean + 128) >> 8
    g = min(max(f + average, -255 if u else 0), 255)
    far = min(2, (6 * abs(mean - 256 * f)) >> 8)
    return g, -1 if mean < 256 * f else 1, page_coder.class_of(expected) + 40 * (u > 0) + 80 * far


def rgb(planes: list) -> np.ndarray:
    if len(planes) == 1:
        return planes[0][..., None].astype(np.uint8)
    y, o, d = planes
    m = y - (d >> 1)
    blue = m - (o >> 1)
    return np.stack([blue + o, d + m, blue], axis=-1).astype(np.uint8)
