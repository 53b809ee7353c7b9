"""What other picture formats make of a picture: rate-distortion curves, and sizes at equal quality."""

from __future__ import annotations

__all__ = ["Point", "coders", "curve", "equal", "exact_sizes", "mean_squared", "point_of"]

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Coder = Callable[[Picture, float], tuple[int, Picture]]
SETTINGS = (0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.82, 0.9, 0.96)  # of the curves, from coarse to fine
HALVINGS = 7  # of the range of settings, to meet a quality


@dataclass(frozen=True)
class Point:
    """What a coder made of a picture: bytes and mean squared error (pixels from 0 to 255)."""

    bytes: int
    mse: float

    @property
    def psnr(self) -> float:
        """In dB; infinite where nothing was lost."""
        return float(10 * np.log10(255**2 / self.mse)) if self.mse else float("inf")


def coders() -> Mapping[str, Coder]:
    """Returns what is installed, by name: functions of a picture and a quality from 0 to 1.

    JPEG (4:2:0, optimised), WebP (method 6) and AVIF (4:2:0, speed 6) by Pillow, JPEG XL (effort 7) by imagecodecs.
    """
    from PIL import features

    found: dict[str, Coder] = {
        "JPEG": lambda x, q: _pillow(x, "JPEG", quality=_percent(q), optimize=True, subsampling=2),
        "WebP": lambda x, q: _pillow(x, "WEBP", quality=_percent(q), method=6),
    }
    if features.check("avif"):
        found["AVIF"] = lambda x, q: _pillow(x, "AVIF", quality=_percent(q), speed=6, subsampling="4:2:0")
    try:
        import imagecodecs
    except ImportError:
        return found

    def jpegxl(picture: Picture, quality: float) -> tuple[int, Picture]:
        data = imagecodecs.jpegxl_encode(picture, distance=15 * (1 - quality) ** 2, effort=7)
        return len(data), np.asarray(imagecodecs.jpegxl_decode(data))

    return {**found, "JPEG XL": jpegxl}


def exact_sizes(picture: Picture) -> dict[str, int]:
    """Returns the bytes of a picture without a loss, by what is installed.

    PNG (optimised) and WebP (method 4) by Pillow, JPEG XL (effort 7) by imagecodecs.

    Args:
        picture: (h, w) or (h, w, 3) bytes.
    """
    options: dict[str, dict[str, Any]] = {
        "PNG": {"optimize": True},
        "WebP": {"lossless": True, "method": 6, "quality": 100},
    }
    found = {kind: _pillow(picture, kind.upper(), **more)[0] for kind, more in options.items()}
    try:
        import imagecodecs
    except ImportError:
        return found
    return found | {"JPEG XL": len(imagecodecs.jpegxl_encode(picture, lossless=True, effort=7))}


def curve(coder: Coder, picture: Picture) -> list[Point]:
    """Returns points from coarse to fine.

    Args:
        coder: function of a picture and a quality.
        picture: (h, w) or (h, w, 3) bytes.
    """
    return [point_of(coder, picture, setting) for setting in SETTINGS]


def equal(coder: Coder, picture: Picture, mse: float) -> Point | None:
    """Returns the smallest found with at most that error; None where the coder's range ends before.

    Args:
        coder: function of a picture and a quality.
        picture: (h, w) or (h, w, 3) bytes.
        mse: mean squared error to meet.
    """
    low, high, best = 0.0, 1.0, None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        point = point_of(coder, picture, middle)
        if point.mse <= mse:
            best, high = point, middle
        else:
            low = middle
    return best


def point_of(coder: Coder, picture: Picture, setting: float) -> Point:
    """Returns what a coder makes of a picture at a setting.

    Args:
        coder: function of a picture and a quality.
        picture: (h, w) or (h, w, 3) bytes.
        setting: from 0 to 1.
    """
    size, decoded = coder(picture, setting)
    return Point(size, mean_squared(picture, decoded))


def mean_squared(picture: Picture, other: Picture) -> float:
    """Returns the mean squared difference, row by row: pictures may be large.

    Args:
        picture: (h, w) or (h, w, 3) bytes.
        other: of the same shape.
    """
    rows = zip(picture.astype(np.uint8, copy=False), other, strict=True)
    return sum(int(np.square(a.astype(np.int32) - b).sum(dtype=np.int64)) for a, b in rows) / picture.size


def _percent(quality: float) -> int:
    return max(1, round(100 * quality))


def _pillow(picture: Picture, kind: str, **options: Any) -> tuple[int, Picture]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    decoded = Image.open(io.BytesIO(file.getvalue())).convert("L" if picture.ndim == 2 else "RGB")
    return file.tell(), np.asarray(decoded)
