"""The level of noise, from noisy data alone."""

from __future__ import annotations

__all__ = ["UnknownLevelWarning", "noise_level", "warn_of_unknown", "window_level"]

import math
import warnings

import torch
from torch import Tensor

from latente.data.ranges import outside

BINS = 24
TAIL = 0.001  # of the predictions, on each side, share the outer bins
ENOUGH = 500  # different values in a bin, so that its mean square is known within about 6%
PILED, BARE = 0.02, 0.6  # of the values in a bin at an end of the range: clipped from here on, too even from there
UNLIKE = 1.5  # times the variance of the other half: noise that depends on the signal
SKEW, SHAPE = 0.5, 0.1  # how far from a Gaussian's 0, and its 1 for deviation by median over deviation by mean square
TO_DEVIATION = 1.4826  # a Gaussian's standard deviation over its median absolute deviation

WINDOW, WINDOWS, FEWEST = 7, 1 << 17, 1000  # pixels along a side; windows that are looked at, and that are needed


class UnknownLevelWarning(UserWarning):
    """Warned when the level of the noise could not be told from noisy data: what is restored may be worse than it.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", UnknownLevelWarning)  # compare the result with X yourself
    """


def warn_of_unknown() -> None:
    """Warns on the user's own line, and says what can be done."""
    warnings.warn(
        "the level of the noise could not be estimated (too few values, noise that is not Gaussian or not the same "
        "everywhere, or textures that no neighbour foretells), so the result may be worse than X. Tell the standard "
        "deviation of the noise, in the units of X, as sigma=; or choose j_invariant=False (one pass) or True "
        "(neighbours alone) yourself",
        UnknownLevelWarning,
        stacklevel=outside(),
    )


def noise_level(predicted: Tensor, noisy: Tensor, repeats: float = 1.0) -> float | None:
    """Returns the standard deviation of additive Gaussian noise, or None where the noise does not look like that.

    Noise of variance s^2 that a prediction f has not seen is apart from f's own error: E[(x - f)^2 | f] = s^2 + v(f)
    (Batson, Royer 2019, "Noise2Self"). Where f is surest, on the even background and within strokes, v is small, so the
    mean square in the best bin of f is s^2 or a little more. Only bins count whose differences have the shape of a
    Gaussian: not those of salt and pepper. The estimate is made twice, for predictions below and above the middle of
    their range; where the two disagree, or any bin has much less, as with Poisson noise, there is none. Nor is there
    one of few values: a bin counts from 500 values on.

    Noise that was clipped, as in bytes, is looked at where it was not: a bin in which 2% to 60% of the noisy values are
    the smallest or the largest of all says nothing. Where more are, there is less noise than clipping leaves.

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
    ended = (noisy <= noisy.min()) | (noisy >= noisy.max())
    halves: list[list[tuple[float, float]]] = [[], []]  # what it is at most, by two standard errors, and as it is
    least = math.inf
    for i in range(BINS):
        inside = difference[which == i]
        clipped = len(inside) and PILED <= float(ended[which == i].double().mean()) <= BARE
        if len(inside) >= ENOUGH * repeats and not clipped:
            square = float(inside.square().mean())
            least = min(least, square)
            if _is_gaussian(inside):
                halves[i >= BINS // 2].append((square * (1 + 2 * (2 * repeats / len(inside)) ** 0.5), square))
    if not all(halves):
        return None
    below, above = (min(half)[1] for half in halves)
    return min(below, above) ** 0.5 if max(below, above) <= UNLIKE * least else None


def window_level(images: Tensor, share: float = 1.0) -> float | None:
    """Returns the standard deviation of additive white noise in images, or None where too little of them tells it.

    Windows of 7 x 7 pixels of a picture lie near a subspace of few dimensions; along all others the covariance has the
    variance of the noise. Its largest eigenvalues are dropped until the mean of the others is at most their median
    (Chen, Zhu, Heng 2015, "An efficient statistical method for image noise level estimation"). On textures it is too
    large, but less so than what no neighbour foretells. Windows with the smallest or the largest value of all are left
    out, since noise may have been clipped there.

    Args:
        images: (n, height, width), noisy.
        share: their values over those of the data that they are drawn from; above 1 where they overlap.

    Example:
        >>> ramp = torch.linspace(0, 1, 64).expand(4, 64, 64)
        >>> noise = 0.2 * torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> round(window_level(ramp + noise), 2), window_level((ramp + noise)[:, :20, :20])
        (0.2, None)
    """
    if min(images.shape[1:]) < WINDOW:
        return None
    low, high = images.min(), images.max()
    each = (images.shape[1] - WINDOW + 1) * (images.shape[2] - WINDOW + 1)
    some = images[:: max(1, len(images) * each // WINDOWS)]
    windows = some.unfold(1, WINDOW, 1).unfold(2, WINDOW, 1).reshape(-1, WINDOW**2)
    windows = windows[((windows > low) & (windows < high)).all(1)].double()
    share *= len(some) / len(images)
    if len(windows) < FEWEST * share / -math.expm1(-share):  # a draw of so many leaves out exp(-share) of them
        return None
    values = torch.linalg.eigvalsh(windows.T.cov())  # rising
    for kept in range(len(values), 0, -1):
        mean = float(values[:kept].mean())
        if mean <= float(values[:kept].quantile(0.5)):
            break
    return max(mean, 0.0) ** 0.5 or None


def _is_gaussian(values: Tensor) -> bool:
    """Returns whether values are about as symmetric and as heavy in the tails as a Gaussian's."""
    apart = values - values.mean()
    deviation = float(apart.square().mean().sqrt())
    if deviation == 0:
        return False
    skew = float((apart / deviation).pow(3).mean())
    shape = TO_DEVIATION * float((values - values.median()).abs().median()) / deviation
    return abs(skew) <= SKEW and abs(shape - 1) <= SHAPE
