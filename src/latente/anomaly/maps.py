"""Where in a picture the anomaly is: maps of whole pictures, and of large ones tile by tile."""

from __future__ import annotations

__all__ = ["anomaly_map", "tile_starts"]

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import is_integer, is_number

Array = NDArray[np.float64]
OFF, REACH = 0.05, 1.0  # squared residual from which a pixel is replaced; pixels over which that is smoothed
AT_ONCE = 1 << 24  # values of tiles that are looked at together


def anomaly_map(
    detector: Any,
    X: Any,
    *,
    tile: int | None = None,
    stride: int | None = None,
    blur: float = 0.0,
    passes: int = 1,
) -> Array:
    """Returns (n, h, w): how anomalous each pixel of pictures is, higher for more; colour channels are averaged.

    A detector's own `explain` says what its pixels contribute; a DefectSegmenter gives the log odds that each is
    damaged; of an autoencoder it is the squared residual in its units of scaled data. Pictures larger than those it was
    trained on are cut into overlapping tiles of that size, and a pixel gets the mean over the tiles that contain it, so
    that no seams show.

    Args:
        detector: fitted on pictures (m, h, w) or (m, h, w, channels): an AnomalyDetector, whose `explain(X)` has
            `contributions` of X's shape, a DefectSegmenter, or an autoencoder.
        X: (n, h, w) or (n, h, w, channels).
        tile: height and width of the pictures that the detector was trained on; None for pictures of X's own size.
        stride: pixels from tile to tile; None is half a tile.
        blur: the standard deviation, in pixels, of a Gaussian that smooths the maps; single pixels are noisy.
        passes: how often an autoencoder looks at a picture. After a pass pixels that are off are replaced by what was
            rebuilt, x (1 - w) + x_hat w with w = min(1, (x - x_hat)^2 / 0.05) in units of scaled data, smoothed over a
            pixel; the next one sees less of the defect and so rebuilds better what should be there. With 5 an
            autoencoder trained with `Erasing` points better at defects in digits, not at those in clothing, where
            detail is taken for a defect (benchmarks/anomaly/NOTES.md). Source for looking again at what was restored:
            Dehaene, Frigo, Combrexelle, Eline (2020), "Iterative energy-based projection on a normal data manifold for
            anomaly localization".

    Raises:
        ValueError: for pictures of another shape, smaller than a tile, or settings that make no sense.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from latente import Autoencoder, Trainer
        >>> X = load_digits().images
        >>> model = Autoencoder(16, trainer=Trainer(epochs=3), random_state=0).fit(X)
        >>> anomaly_map(model, np.tile(X[:2], (1, 2, 3)), tile=8).shape
        (2, 16, 24)
    """
    images = np.asarray(X)
    _check(images, tile, stride, blur)
    find = _finder(detector, passes)
    if tile is None:
        maps = find(images)
    else:
        maps = np.stack([_tiled(find, image, tile, tile // 2 if stride is None else stride) for image in images])
    return _blurred(maps, blur) if blur else maps


def tile_starts(length: int, tile: int, stride: int) -> list[int]:
    """Returns where tiles of an axis begin: every `stride` pixels, the last one at the end.

    Example:
        >>> tile_starts(20, 8, 5)
        [0, 5, 10, 12]
    """
    return sorted({*range(0, length - tile + 1, stride), length - tile})


def _finder(detector: Any, passes: int) -> Callable[[NDArray[Any]], Array]:
    """Returns what makes maps (n, h, w) of pictures."""
    if not is_integer(passes, low=1):
        raise ValueError(f"passes must be an integer of at least 1; got {passes!r}")
    if passes > 1 and hasattr(detector, "segment"):
        raise ValueError(f"a segmenter looks at a picture once; give an autoencoder for passes={passes}")
    if hasattr(detector, "segment"):
        return lambda images: np.asarray(detector.segment(images), dtype=np.float64)
    if not hasattr(detector, "explain"):
        return lambda images: _residual(detector, images, passes)
    if passes > 1:
        raise ValueError(f"a detector explains a picture in one pass; give an autoencoder for passes={passes}")
    return lambda images: _of_pixels(np.asarray(detector.explain(images).contributions, dtype=np.float64))


def _residual(model: Any, images: NDArray[Any], passes: int) -> Array:
    """Returns (n, h, w): the squared residual after a number of passes."""
    factor = np.asarray(model.schema_.factor, dtype=np.float64).ravel()  # one, or one a channel
    given = seen = images.astype(np.float64)
    whole = images.dtype.kind in "iu"
    for left in reversed(range(passes)):
        rebuilt = np.asarray(model.reconstruct((np.rint(seen) if whole else seen).astype(images.dtype)), np.float64)
        found = _of_pixels(np.square(factor * (given - rebuilt)))
        if left:
            share = _blurred(np.minimum(found / OFF, 1), REACH).reshape(*found.shape, *(1,) * (images.ndim - 3))
            seen = (1 - share) * given + share * rebuilt
    return found


def _of_pixels(values: Array) -> Array:
    """Returns (n, h, w), means over channels where there are any."""
    return values.mean(-1) if values.ndim == 4 else values


def _tiled(find: Callable[[NDArray[Any]], Array], image: NDArray[Any], tile: int, stride: int) -> Array:
    """Returns (h, w) of one picture."""
    starts = list(itertools.product(*(tile_starts(length, tile, stride) for length in image.shape[:2])))
    total, count = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    size = max(1, AT_ONCE // (tile * tile * (image.shape[2] if image.ndim == 3 else 1)))
    for first in range(0, len(starts), size):
        corners = starts[first : first + size]
        tiles = np.stack([image[i : i + tile, j : j + tile] for i, j in corners])
        for (i, j), found in zip(corners, find(tiles), strict=True):
            total[i : i + tile, j : j + tile] += found
            count[i : i + tile, j : j + tile] += 1
    return total / count


def _blurred(maps: Array, blur: float) -> Array:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(maps, (0, blur, blur), mode="nearest")


def _check(images: NDArray[Any], tile: int | None, stride: int | None, blur: float) -> None:
    if images.ndim not in (3, 4) or not images.size:
        raise ValueError(f"X must be pictures (n, h, w) or (n, h, w, channels); got {images.shape}")
    if tile is not None and not is_integer(tile, 2, min(images.shape[1:3])):
        raise ValueError(f"tile must be an integer from 2 to the pictures' {min(images.shape[1:3])}; got {tile!r}")
    if stride is not None and (tile is None or not is_integer(stride, 1, tile)):
        raise ValueError(f"stride must be an integer from 1 to the tile, and needs one; got {stride!r}")
    if not is_number(blur, low=0):
        raise ValueError(f"blur must be a number of at least 0; got {blur!r}")
