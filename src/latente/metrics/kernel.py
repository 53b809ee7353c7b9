"""The maximum mean discrepancy: how far two sets of points are from having one distribution."""

from __future__ import annotations

__all__ = ["median_bandwidth", "rbf_mmd", "rbf_mmd_threshold"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.points import as_points, check_count, same_columns
from latente.parts import is_number


def median_bandwidth(a: Any, b: Any) -> float:
    """Returns the median of all distances between different points of a and b together; 1 where it is zero.

    Args:
        a: (n, d).
        b: (m, d).

    Raises:
        ValueError: for shapes that do not fit, or values that are not finite.

    Example:
        >>> median_bandwidth([[0.0], [1.0]], [[3.0]])
        2.0
    """
    from scipy.spatial.distance import pdist

    return float(np.median(pdist(_pooled(a, b)[0]))) or 1.0


def rbf_mmd(a: Any, b: Any, *, bandwidth: float | None = None) -> float:
    """Returns the unbiased estimate of the squared maximum mean discrepancy, which may be a little below zero.

        MMD^2 = mean k(a, a') + mean k(b, b') - 2 mean k(a, b),   k(x, y) = exp(-||x - y||^2 / (2 bandwidth^2))

    the first two over different points. Zero in expectation exactly when both have one distribution, 2 at most. All
    (n + m)^2 kernel values are held at once: half a GiB for 4,000 points each. Source: Gretton, Borgwardt, Rasch,
    Schoelkopf, Smola (2012), "A kernel two-sample test", equation 3.

    Args:
        a: (n, d), n at least 2.
        b: (m, d), m at least 2.
        bandwidth: of the kernel, in the points' units; None takes the median distance of all points.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or a bandwidth that is not positive.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rbf_mmd(rng.normal(size=(500, 2)), rng.normal(size=(500, 2))) < 0.005
        True
    """
    kernel, n = _kernel(a, b, bandwidth)
    return float(_statistics(kernel, _signs(len(kernel), n)[:, None], n)[0])


def rbf_mmd_threshold(
    a: Any,
    b: Any,
    *,
    bandwidth: float | None = None,
    level: float = 0.95,
    permutations: int = 200,
    random_state: int = 0,
) -> float:
    """Returns what `rbf_mmd` stays below in 95 of 100 cases when a and b have one distribution.

    The quantile of MMD^2 over random divisions of all points into two sets of the given sizes. Source: Gretton et al.
    (2012), section 5.

    Args:
        a: (n, d), n at least 2.
        b: (m, d), m at least 2.
        bandwidth: as in `rbf_mmd`.
        level: of the quantile, in (0, 1).
        permutations: how many divisions.
        random_state: decides them.

    Raises:
        ValueError: as `rbf_mmd` does, and for a level or a number of permutations that makes no sense.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(200, 2)), 1 + rng.normal(size=(200, 2))
        >>> 10 * rbf_mmd_threshold(a, b) < rbf_mmd(a, b)
        True
    """
    if not is_number(level, 0, 1) or level in (0, 1):
        raise ValueError(f"level must be a number between 0 and 1; got {level!r}")
    check_count(permutations, "permutations", 1, 100_000)
    kernel, n = _kernel(a, b, bandwidth)
    rng = np.random.default_rng(random_state)
    signs = _signs(len(kernel), n)
    divisions = np.stack([rng.permutation(signs) for _ in range(permutations)], axis=1)
    return float(np.quantile(_statistics(kernel, divisions, n), level))


def _pooled(a: Any, b: Any) -> tuple[NDArray[np.float64], int]:
    """Returns all points, and how many are of a."""
    first, second = as_points(a, "a"), as_points(b, "b")
    same_columns(first, second, ("a", "b"))
    return np.concatenate([first, second]), len(first)


def _kernel(a: Any, b: Any, bandwidth: float | None) -> tuple[NDArray[np.float64], int]:
    """Returns (n + m, n + m): the kernel of all pairs with a zero diagonal; and n."""
    from scipy.spatial.distance import pdist, squareform

    points, n = _pooled(a, b)
    if n < 2 or len(points) - n < 2:
        raise ValueError(f"a and b must hold at least 2 points each; got {n} and {len(points) - n}")
    distances = pdist(points)
    width = (float(np.median(distances)) or 1.0) if bandwidth is None else bandwidth
    if not is_number(width) or width <= 0:
        raise ValueError(f"bandwidth must be a positive number or None; got {bandwidth!r}")
    return squareform(np.exp(-0.5 * np.square(distances / width))), n


def _signs(total: int, n: int) -> NDArray[np.float64]:
    return np.where(np.arange(total) < n, 1.0, 0.0)


def _statistics(kernel: NDArray[np.float64], first: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Returns (p,): MMD^2 of each division; `first` (n + m, p) is 1 where a point belongs to the first set."""
    m = len(kernel) - n
    to_first = kernel @ first  # (n + m, p)
    aa = (first * to_first).sum(0)
    ab = to_first.sum(0) - aa
    bb = kernel.sum() - aa - 2 * ab
    return aa / (n * (n - 1)) + bb / (m * (m - 1)) - 2 * ab / (n * m)
