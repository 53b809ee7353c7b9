"""How strong white noise is, told from the noisy data alone."""

from __future__ import annotations

__all__ = ["noise_level"]

from torch import Tensor

QUARTER = 0.31864  # of a standard normal variable's absolute values lie below it
LEAST = 0.01


def noise_level(x: Tensor) -> Tensor:
    """Returns the deviation of white Gaussian noise in each sample, one number each, at least 0.01.

    sigma = the lower quartile of |d| / (0.319 sqrt(6)^k), d the second differences x[i-1] - 2 x[i] + x[i+1] along one
    axis, and of those along the next: k axes. They are 0 where the clean sample is straight along one axis at least;
    the median of their absolute values is the usual robust estimate, the quartile still holds where most of a sample
    has texture. Where noise is clipped at the bounds of the data the estimate is too small.

    Sources: Immerkaer (1996), "Fast noise variance estimation"; Donoho, Johnstone (1994), "Ideal spatial adaptation by
    wavelet shrinkage".

    Args:
        x: (batch, channels, *size); axes of fewer than 3 positions are left alone.

    Returns:
        (batch, 1, ...), of as many axes as x.

    Example:
        >>> import torch
        >>> x = 0.3 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> round(noise_level(x + torch.linspace(0, 1, 64)).item(), 1)
        0.3
    """
    differences, scale = x, QUARTER
    for axis in range(2, x.ndim):
        length = x.shape[axis] - 2
        if length > 0:
            before, middle, after = (differences.narrow(axis, start, length) for start in range(3))
            differences, scale = before - 2 * middle + after, scale * 6**0.5
    values = differences.abs().flatten(1)
    quartile = values.kthvalue(max(1, values.shape[1] // 4), dim=1).values
    return (quartile / scale).clamp(min=LEAST).view(-1, *(1,) * (x.ndim - 1))
