"""Distances in the spaces of several members at once."""

from __future__ import annotations

__all__ = ["mahalanobis", "nearest", "shrunk_covariances"]

import numpy as np
import torch
from torch import Tensor

EQUAL = 1e-5  # squared distances below this, relative to the squared lengths, are those of a sample to itself
SMALLEST = 1e-6  # of a variance, relative to the largest


def nearest(x: Tensor, references: Tensor, k: int) -> Tensor:
    """Returns (members, n): the mean distance to the k nearest references that are not the sample itself.

    Args:
        x: (members, n, values).
        references: (members, m, values).
        k: how many; all references where there are fewer.
    """
    return torch.stack([_nearest(own, others, k) for own, others in zip(x, references, strict=True)])


def _nearest(x: Tensor, references: Tensor, k: int) -> Tensor:
    """Returns (n,) for one member; all members at once would take more memory and no less time."""
    lengths = x.square().sum(1, keepdim=True) + references.square().sum(1)
    squared = torch.addmm(lengths, x, references.T, alpha=-2)
    squared = torch.where(squared > EQUAL * lengths, squared, torch.inf)
    if k == 1:
        found = squared.amin(1, keepdim=True)
    else:
        found = squared.topk(min(k, squared.shape[1]), dim=1, largest=False, sorted=False).values
    return torch.where(found.isinf(), 0.0, found).sqrt().mean(1)


def shrunk_covariances(x: Tensor) -> dict[str, Tensor]:
    """Returns mean (members, 1, values) and factor (members, values, values) with factor factor' = S^-1.

    S is Ledoit and Wolf's estimate of the covariance of the standardised values.

    Args:
        x: (members, n, values).
    """
    from sklearn.covariance import ledoit_wolf

    mean = x.mean(1, keepdim=True)
    spread = x.std(1, keepdim=True, correction=0).double()
    spread = torch.maximum(spread, SMALLEST * spread.amax(2, keepdim=True))
    spread = torch.where(spread > 0, spread, 1.0)
    factors = []
    for own, scale in zip((x - mean).double(), spread, strict=True):
        covariance = ledoit_wolf((own / scale).numpy(), assume_centered=True)[0]
        covariance += SMALLEST * max(float(np.trace(covariance)) / len(covariance), SMALLEST) * np.eye(len(covariance))
        factor = torch.linalg.cholesky(torch.linalg.inv(torch.from_numpy(covariance)))
        factors.append(factor / scale.T)
    return {"mean": mean, "factor": torch.stack(factors).float()}


def mahalanobis(x: Tensor, state: dict[str, Tensor]) -> Tensor:
    """Returns (members, n): sqrt((x - m)' S^-1 (x - m)).

    Args:
        x: (members, n, values).
        state: what `shrunk_covariances` returned.
    """
    return torch.bmm(x - state["mean"], state["factor"]).square().sum(2).sqrt()
