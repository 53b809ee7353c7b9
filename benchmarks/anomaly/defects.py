"""Defects of known masks, planted in pictures: scratches, blots, missing patches."""

from __future__ import annotations

__all__ = ["KINDS", "planted"]

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
KINDS = ("scratch", "blot", "missing")
CHANGED = 0.1  # of the range: less is no defect that anybody could see


def planted(images: Picture, kind: str, seed: int, side: int | None = None) -> tuple[Picture, NDArray[np.bool_]]:
    """Pictures with one defect each, and where it is.

    Each defect has its centre on a pixel of the object (one above 0.1), so that it shows. The mask holds the pixels
    that changed by at least 0.1 in any channel; where those are fewer than 4, another place is tried.

    Args:
        images: (n, h, w) or (n, h, w, 3), in [0, 1].
        kind: "scratch": a straight line, as long as 0.3 to 0.7 of the shorter side and a fortieth of it wide (a pixel
            at least), much darker or brighter; "blot": an ellipse with soft edges, of half axes 0.06 to 0.15, mixed
            with one colour; "missing": a rectangle of sides 0.12 to 0.3, black.
        seed: decides everything.
        side: what the sizes are fractions of, in pixels; None is the shorter side.

    Returns:
        Pictures as given, and masks (n, h, w).
    """
    make, rng = MAKERS[kind], np.random.default_rng(seed)
    found, masks = images.copy(), np.zeros(images.shape[:3], dtype=bool)
    for i, image in enumerate(images):
        for _ in range(50):
            found[i] = make(image, rng, side or min(image.shape[:2]))
            change = np.abs(found[i] - image)
            masks[i] = (change.max(-1) if image.ndim == 3 else change) >= CHANGED
            if masks[i].sum() >= 4:
                break
        else:
            raise ValueError(f"no place for a {kind} was found in picture {i}")
    return found, masks


def _centre(image: Picture, rng: np.random.Generator) -> NDArray[np.float64]:
    bright = image.max(-1) if image.ndim == 3 else image
    places = np.argwhere(bright > 0.1)
    return rng.choice(places).astype(float) if len(places) else np.array(image.shape[:2]) / 2.0


def _offsets(image: Picture, centre: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    rows, columns = np.indices(image.shape[:2])
    return rows - centre[0], columns - centre[1]


def _turned(image: Picture, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Distances along and across a random direction from a centre on the object."""
    y, x = _offsets(image, _centre(image, rng))
    angle = rng.uniform(0, np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _mixed(image: Picture, share: NDArray[Any], colour: Any) -> Picture:
    share = share[..., None] if image.ndim == 3 else share
    return ((1 - share) * image + share * colour).astype(np.float32)


def _scratch(image: Picture, rng: np.random.Generator, side: int) -> Picture:
    along, across = _turned(image, rng)
    length, width = rng.uniform(0.3, 0.7) * side, max(1.0, side / 40)
    inside = (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)
    away = np.where(image.mean() < 0.5, 1.0, 0.0) if rng.random() < 0.7 else np.where(image > 0.5, 0.0, 1.0)
    return _mixed(image, 0.8 * inside, away)


def _blot(image: Picture, rng: np.random.Generator, side: int) -> Picture:
    along, across = _turned(image, rng)
    a, b = rng.uniform(0.06, 0.15, 2) * side
    distance = np.sqrt((along / a) ** 2 + (across / b) ** 2)
    colour = rng.uniform(0, 1, 3 if image.ndim == 3 else None)
    return _mixed(image, 0.85 / (1 + np.exp(8 * (distance - 1))), colour)


def _missing(image: Picture, rng: np.random.Generator, side: int) -> Picture:
    y, x = _offsets(image, _centre(image, rng))
    height, width = rng.uniform(0.12, 0.3, 2) * side
    return _mixed(image, ((np.abs(y) <= height / 2) & (np.abs(x) <= width / 2)).astype(float), 0.0)


MAKERS: dict[str, Callable[[Picture, np.random.Generator, int], Picture]] = {
    "scratch": _scratch, "blot": _blot, "missing": _missing,
}  # fmt: skip
