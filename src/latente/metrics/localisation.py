"""How well a map of scores points at the defects in a picture."""

from __future__ import annotations

__all__ = ["per_region_overlap", "pixel_auroc"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import is_number

Array = NDArray[np.float64]


def pixel_auroc(masks: Any, maps: Any) -> float:
    """Returns the area under the ROC curve over all pixels of all pictures together.

    It is the chance that a pixel of a defect scores higher than one beside it, ties counted half. Large defects weigh
    as much as they have pixels; `per_region_overlap` weighs all alike.

    Args:
        masks: (n, h, w) 1 or True inside defects.
        maps: (n, h, w) higher where it looks more anomalous.

    Raises:
        ValueError: for shapes that differ, masks that are not 0 and 1 or of one value only, maps that are not finite.

    Example:
        >>> pixel_auroc([[[0, 1], [0, 0]]], [[[0.1, 0.9], [0.2, 0.3]]])
        1.0
    """
    from scipy.stats import rankdata

    inside, scores = _pixels(masks, maps)
    defect = inside.ravel()
    m, k = int(defect.sum()), int((~defect).sum())
    ranks = rankdata(scores.ravel())
    return float((ranks[defect].sum() - m * (m + 1) / 2) / (m * k))


def per_region_overlap(masks: Any, maps: Any, *, max_fpr: float = 0.3) -> float:
    """Returns PRO: the area under the mean overlap of defects over the false positive rate, up to `max_fpr`, over it.

    A defect is a region of connected pixels, also over corners. At each threshold its overlap is the share of its
    pixels that score at least as high; the mean over all defects of all pictures is plotted against the share of pixels
    beside defects that do. The area is trapezoidal; random scores give about max_fpr / 2, 1 is perfect.

    Source: Bergmann, Batzner, Fauser, Sattlegger, Steger (2021), "The MVTec anomaly detection dataset", section 5.1.

    Args:
        masks: (n, h, w) 1 or True inside defects.
        maps: (n, h, w) higher where it looks more anomalous.
        max_fpr: the largest false positive rate that counts, in (0, 1].

    Raises:
        ValueError: as `pixel_auroc` does, and for a max_fpr outside (0, 1].

    Example:
        >>> per_region_overlap([[[0, 1], [0, 0]]], [[[0.1, 0.9], [0.2, 0.3]]])
        1.0
    """
    if not is_number(max_fpr, 0, 1) or max_fpr == 0:
        raise ValueError(f"max_fpr must be above 0 and at most 1; got {max_fpr!r}")
    inside, scores = _pixels(masks, maps)
    weights = _region_weights(inside).ravel()
    order = np.argsort(-scores.ravel(), kind="stable")
    sorted_scores = scores.ravel()[order]
    last = np.append(np.flatnonzero(np.diff(sorted_scores)), len(order) - 1)  # equal scores are reached together
    overlap = np.concatenate([[0.0], np.cumsum(weights[order])[last]])
    beside = ~inside.ravel()
    fpr = np.concatenate([[0.0], np.cumsum(beside[order])[last] / beside.sum()])
    within = fpr <= max_fpr
    x = np.append(fpr[within], max_fpr)
    y = np.append(overlap[within], np.interp(max_fpr, fpr, overlap))
    return float(np.trapezoid(y, x) / max_fpr)


def _pixels(masks: Any, maps: Any) -> tuple[NDArray[np.bool_], Array]:
    """Returns masks and maps, checked."""
    inside, scores = np.asarray(masks), np.asarray(maps, dtype=np.float64)
    if inside.ndim != 3 or inside.shape != scores.shape:
        raise ValueError(f"masks and maps must have one shape (n, h, w); got {inside.shape} and {scores.shape}")
    if inside.dtype.kind not in "buif" or not np.isin(inside, (0, 1)).all():
        raise ValueError("masks must hold only 0 (normal) and 1 (defect)")
    if not np.isfinite(scores).all():
        raise ValueError(f"maps must be finite; {int((~np.isfinite(scores)).sum())} pixels are not")
    inside = inside.astype(bool)
    if inside.all() or not inside.any():
        raise ValueError("masks must have pixels inside and beside defects; all of these are of one kind")
    return inside, scores


def _region_weights(inside: NDArray[np.bool_]) -> Array:
    """Returns (n, h, w): 1 / (pixels of the region * number of regions) inside, 0 beside."""
    from scipy.ndimage import label

    joined = np.zeros((3, 3, 3), dtype=bool)
    joined[1] = True  # within a picture, over edges and corners
    regions, count = label(inside, joined)
    sizes = np.bincount(regions.ravel())
    weights: Array = 1.0 / (sizes[regions] * float(count))
    return np.where(inside, weights, 0.0)
