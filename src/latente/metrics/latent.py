"""Statistics of codes."""

from __future__ import annotations

__all__ = ["active_units"]

from typing import Any

import numpy as np
from numpy.typing import NDArray


def active_units(codes: NDArray[Any], threshold: float = 0.01) -> NDArray[np.bool_]:
    """Returns (latent_dim,): which units vary over the data, Var_x(mode_j(x)) > threshold.

    The threshold is Burda, Grosse & Salakhutdinov's (2016), "Importance weighted autoencoders", for codes whose prior
    has unit variance.

    Args:
        codes: (n, latent_dim).
        threshold: of the variance.

    Example:
        >>> active_units(np.array([[0.0, 1.0], [0.0, -1.0]]))
        array([False,  True])
    """
    return codes.reshape(len(codes), -1).var(0, dtype=np.float64) > threshold
