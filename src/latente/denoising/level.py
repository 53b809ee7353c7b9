"""The level of noise, from noisy data alone."""

from __future__ import annotations

__all__ = ["noise_level"]

import math

import torch
from torch import Tensor

BINS = 24
TAIL = 0.001  # of the predictions, on each side, share the outer bins
ENOUGH = 500  # different values in a bin, so that its mean square is known within about 6%
UNLIKE = 1.5  # times the variance of the other half: noise that depends on the signal
SKEW, SHAPE = 0.5, 0.1  # how far from a Gaussian's 0, and its 1 for deviation by median over deviation by mean square
TO_DEVIATION = 1.4826  # a Gaussian's standard deviation over its median absolute deviation


def noise_level(predicted: Tensor, noisy: Tensor, repeats: float = 1.0) -> float | None:
    """Returns the standard deviation of additive Gaussian noise, or None where the noise does not look like that.

    Noise of variance s^2 that a prediction f has not seen is apart from f's own error: E[(x - f)^2 | f] = s^2 + v(f)
    (Batson, Royer 2019, "Noise2Self"). Where f is surest, on the even background and within strokes, v is small, so the
    mean square in the best bin of f is s^2 or a little more. Only bins count whose differences have the shape of a
    Gaussian: not those of salt and pepper, or of noise that was clipped. The estimate is made twice, for predictions
    below and above the middle of their range; where the two disagree, or any bin has much less, as with Poisson noise,
    there is none. Nor is there one of few values: a bin counts from 500 values on.

    Too large an estimate costs little: what restores with it relies the less on the noisy value.

    Args:
        predicted: (n,) predictions, each made without its noisy value.
        noisy: (n,) those values.
        repeats: how often each value is among them, on average: patches of one recording overlap, and a value that
            comes again says nothing new.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> clean = torch.rand(20_000, generator=generator)
        >>> noise = 0.2 * torch.randn(20_000, generator=generator)
        >>> round(noise_level(clean, clean + noise), 2), noise_level(clean, clean * (1 + noise))
        (0.19, None)
    """
    f, difference = predicted.double(), (noisy - predicted).double()
    ordered, tail = f.sort().values, int(TAIL * len(f))
    low, high = float(ordered[tail]), float(ordered[-1 - tail])
    which = torch.bucketize(f, torch.linspace(low, high, BINS + 1, dtype=torch.float64)[1:-1])
    halves: list[list[tuple[float, float]]] = [[], []]  # what it is at most, by two standard errors, and as it is
    least = math.inf
    for i in range(BINS):
        inside = difference[which == i]
        if len(inside) >= ENOUGH * repeats:
            square = float(inside.square().mean())
            least = min(least, square)
            if _is_gaussian(inside):
                halves[i >= BINS // 2].append((square * (1 + 2 * (2 * repeats / len(inside)) ** 0.5), square))
    if not all(halves):
        return None
    below, above = (min(half)[1] for half in halves)
    return min(below, above) ** 0.5 if max(below, above) <= UNLIKE * least else None


def _is_gaussian(values: Tensor) -> bool:
    """Returns whether values are about as symmetric and as heavy in the tails as a Gaussian's."""
    apart = values - values.mean()
    deviation = float(apart.square().mean().sqrt())
    if deviation == 0:
        return False
    skew = float((apart / deviation).pow(3).mean())
    shape = TO_DEVIATION * float((values - values.median()).abs().median()) / deviation
    return abs(skew) <= SKEW and abs(shape - 1) <= SHAPE
