"""What any reconstruction has to beat: the mean sample, and PCA at the same latent size."""

from __future__ import annotations

__all__ = ["fit_pca", "mean_error", "pca_error"]

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.errors import squared_error

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

LARGEST_SAMPLE = 20_000  # rows that a baseline is fitted on
LARGEST_EXACT = 2_000  # columns up to which PCA is solved exactly


def mean_error(x: NDArray[Any], reference: NDArray[Any]) -> float:
    """Returns the mean over samples of ||x - mean(reference)||^2.

    Args:
        x: (n, ...).
        reference: (m, ...), the data that the mean is taken of.

    Example:
        >>> mean_error(np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 1.0]]))
        2.0
    """
    mean = reference.mean(0, dtype=np.float64)
    return float(squared_error(x, np.broadcast_to(mean, x.shape)).mean())


def fit_pca(reference: NDArray[Any], components: int) -> PCA:
    """Returns scikit-learn's PCA, fitted on the rows of the flattened reference.

    Fitted on a random 20,000 of the rows where there are more, with a randomised solver where samples have more than
    2,000 values.

    Args:
        reference: (m, ...).
        components: the latent size; at most as many as the reference has rows and columns are used.

    Raises:
        ValueError: for less than two samples or values that are not finite.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(200, 3)) * [5.0, 1.0, 0.1]
        >>> fit_pca(X, 2).components_.shape
        (2, 3)
    """
    from sklearn.decomposition import PCA

    rows = reference.reshape(len(reference), -1)
    if len(rows) > LARGEST_SAMPLE:
        chosen = np.random.default_rng(0).choice(len(rows), LARGEST_SAMPLE, replace=False)
        rows = rows[np.sort(chosen)]
    components = min(components, *rows.shape)
    exact = rows.shape[1] <= LARGEST_EXACT
    solver = "covariance_eigh" if exact else "randomized"
    with np.errstate(divide="ignore", invalid="ignore"):  # rows that are all equal have no variance to explain
        return PCA(components, svd_solver=solver, random_state=0).fit(rows.astype(np.float64 if exact else np.float32))


def pca_error(x: NDArray[Any], reference: NDArray[Any], components: int, target: NDArray[Any] | None = None) -> float:
    """Returns the mean over samples of the squared error that PCA with that many components leaves; see `fit_pca`.

    Args:
        x: (n, ...).
        reference: (m, ...), the data that PCA is fitted on.
        components: the latent size.
        target: (n, ...), what PCA's reconstruction of x is held against; None for x itself.

    Raises:
        ValueError: for samples of another shape than the reference's.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(200, 3)) * [5.0, 1.0, 0.1]
        >>> 0 < pca_error(X, X, 2) < pca_error(X, X, 1) < mean_error(X, X)
        True
    """
    flat, pca = x.reshape(len(x), -1), fit_pca(reference, components)
    wanted = flat if target is None else target.reshape(len(x), -1)
    return float(squared_error(wanted, pca.inverse_transform(pca.transform(flat))).mean())
