"""Errors between arrays."""

from __future__ import annotations

__all__ = ["explained_variance", "psnr", "squared_error"]


from typing import Any

import numpy as np
from numpy.typing import NDArray


def squared_error(x: Any, x_hat: Any) -> NDArray[np.float64]:
    """Returns (n,): ||x - x_hat||^2, summed over the elements of each sample.

    Args:
        x: (n, ...).
        x_hat: of x's shape and in its units.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> squared_error(np.zeros((2, 3)), np.ones((2, 3)))
        array([3., 3.])
    """
    x, x_hat = np.asarray(x), np.asarray(x_hat)
    _check_same(x, x_hat)
    difference = (x.astype(np.float64) - x_hat).reshape(len(x), -1)
    return np.einsum("nd,nd->n", difference, difference)


def psnr(x: Any, x_hat: Any, data_range: float | None = None) -> NDArray[np.float64]:
    """Returns (n,): the peak signal-to-noise ratio of each sample in dB, 10 log10(data_range^2 / MSE).

    Args:
        x: (n, ...).
        x_hat: of x's shape and in its units.
        data_range: the difference between the largest and the smallest possible value; None is that of unsigned
            integers (255 of bytes), and 1 for floats.

    Raises:
        ValueError: for signed integers or booleans without a data_range, and when the shapes differ.

    Example:
        >>> psnr(np.zeros((1, 4)), np.full((1, 4), 0.1))
        array([20.])
    """
    x = np.asarray(x)
    if data_range is None:
        if x.dtype.kind not in "uf":
            raise ValueError(f"psnr: data_range is the range of possible values; give it for values of {x.dtype}")
        data_range = float(np.iinfo(x.dtype).max) if x.dtype.kind == "u" else 1.0
    with np.errstate(divide="ignore"):
        return 10 * np.log10(data_range**2 * x[0].size / squared_error(x, x_hat))


def explained_variance(x: Any, x_hat: Any) -> float:
    """Returns 1 - sum ||x - x_hat||^2 / sum ||x - mean||^2: 1 is perfect, 0 is as good as the mean sample.

    NaN when all samples are equal.

    Args:
        x: (n, ...).
        x_hat: of x's shape and in its units.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> x = np.array([[0.0], [2.0]])
        >>> explained_variance(x, x), explained_variance(x, np.ones((2, 1)))
        (1.0, 0.0)
    """
    x = np.asarray(x)
    left = squared_error(x, x_hat).sum()
    total = squared_error(x, np.broadcast_to(x.mean(0, dtype=np.float64), x.shape)).sum()
    return float(1 - left / total) if total > 0 else float("nan")


def _check_same(x: Any, x_hat: Any) -> None:
    if x.shape != x_hat.shape:
        raise ValueError(f"x and x_hat must have one shape; got {x.shape} and {x_hat.shape}")
