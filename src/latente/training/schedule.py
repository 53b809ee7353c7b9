"""How the learning rate runs, and how large batches and runs are when nobody says."""

from __future__ import annotations

__all__ = [
    "USUAL_LEARNING_RATE",
    "automatic_batch_size",
    "automatic_epochs",
    "automatic_weight_decay",
    "constant",
    "warmup_cosine",
]

import math

USUAL_LEARNING_RATE = 2e-3
SMALLEST_BATCH, LARGEST_BATCH = 32, 256
EPOCHS_AT_ONE = 6_400
FEWEST_EPOCHS, MOST_EPOCHS = 5, 300
WEIGHT_DECAY_AT_ONE, MOST_WEIGHT_DECAY = 80.0, 16.0
MOST_OF_A_STEP = 0.1  # of a weight, lost to decay in one step


def automatic_batch_size(samples: int) -> int:
    """Returns the power of two nearest to a twentieth of the samples, from 32 to 256.

    Smaller batches make small tables take thousands of steps in which next to nothing is computed; held-out errors are
    no better for it (benchmarks/speed/NOTES.md).

    Example:
        >>> [automatic_batch_size(n) for n in (50, 2_000, 60_000)]
        [32, 128, 256]
    """
    size = 2 ** round(math.log2(max(1, samples / 20)))
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, size))


def automatic_epochs(samples: int) -> int:
    """Returns the number of epochs, 6,400 / sqrt(samples), from 5 to 300.

    Few samples are seen often, many less often, and the work grows with the square root of the data. On 8,000 pictures
    more epochs than this fit the training set at the price of the test set.

    Example:
        >>> [automatic_epochs(n) for n in (200, 8_000, 60_000, 1_000_000)]
        [300, 72, 26, 6]
    """
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(EPOCHS_AT_ONE / math.sqrt(max(1, samples)))))


def automatic_weight_decay(samples: int, values: int, learning_rate: float = USUAL_LEARNING_RATE) -> float:
    """Returns the weight decay for a network with normalised layers and a path that starts as PCA, 80 values / samples.

    It is at most 16, and at most 0.1 / learning_rate, so that no step shrinks weights by more than a tenth.

    The fewer samples for each of their values, the sooner a network knows them by heart. Decay can be this strong
    because all that it can take away is what the network has beyond PCA (benchmarks/reconstruction/NOTES.md); where
    nothing started as PCA it would take the network.

    Args:
        samples: how many there are.
        values: in each.
        learning_rate: the peak.

    Example:
        >>> round(automatic_weight_decay(60_000, 784), 2), automatic_weight_decay(100, 100)
        (1.05, 16.0)
    """
    wanted = WEIGHT_DECAY_AT_ONE * values / max(1, samples)
    return min(wanted, MOST_WEIGHT_DECAY, MOST_OF_A_STEP / learning_rate)


def warmup_cosine(step: int, total: int, warmup: float = 0.1, last: float = 0.001) -> float:
    """Returns the factor of the peak learning rate: a linear rise over the warm-up, then half a cosine to `last`.

    Args:
        step: from 0.
        total: all steps.
        warmup: the fraction of all steps that the rise takes.
        last: the factor at the end.

    Example:
        >>> warmup_cosine(10, 100), round(warmup_cosine(55, 100, last=0.0), 3), round(warmup_cosine(100, 100), 3)
        (1.0, 0.5, 0.001)
    """
    rise = max(1.0, warmup * total)
    if step < rise:
        return (step + 1) / (rise + 1)
    done = min(1.0, (step - rise) / max(1.0, total - rise))
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done))


def constant(step: int, total: int) -> float:
    """Returns 1: the learning rate as it is."""
    return 1.0
