"""What any reconstruction has to beat: the mean sample, and PCA at the same latent size."""

from __future__ import annotations

__all__ = ["mean_error", "pca_error"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.errors import squared_error

LARGEST_SAMPLE = 20_000  # rows that a baseline is fitted on
LARGEST_EXACT = 2_000  # columns up to which PCA is solved exactly


def mean_error(x: NDArray[Any], reference: NDArray[Any]) -> float:
    """Returns the mean over samples of ||x - mean(reference)||^2.

    Args:
        x: (n, ...).
        reference: (m, ...), the data that the mean is taken of.
    """
    mean = reference.mean(0, dtype=np.float64)
    return float(squared_error(x, np.broadcast_to(mean, x.shape)).mean())


def pca_error(x: NDArray[Any], reference: NDArray[Any], components: int) -> float:
    """Returns the mean over samples of the squared error that PCA with that many components leaves.

    Fitted on the reference; on a random 20,000 of its rows where it has more, with a randomised solver where samples
    have more than 2,000 values.

    Args:
        x: (n, ...).
        reference: (m, ...).
        components: the latent size; at most as many as the reference has rows and columns are used.
    """
    from sklearn.decomposition import PCA

    x2, reference2 = x.reshape(len(x), -1), reference.reshape(len(reference), -1)
    if len(reference2) > LARGEST_SAMPLE:
        rows = np.random.default_rng(0).choice(len(reference2), LARGEST_SAMPLE, replace=False)
        reference2 = reference2[np.sort(rows)]
    components = min(components, *reference2.shape)
    exact = reference2.shape[1] <= LARGEST_EXACT
    solver = "covariance_eigh" if exact else "randomized"
    pca = PCA(components, svd_solver=solver, random_state=0).fit(reference2.astype(np.float64 if exact else np.float32))
    return float(squared_error(x2, pca.inverse_transform(pca.transform(x2))).mean())
