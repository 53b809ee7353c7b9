"""Distances in the spaces of several members at once."""

from __future__ import annotations

__all__ = ["mahalanobis", "nearest", "shrunk_covariances"]

import numpy as np
import torch
from torch import Tensor

EQUAL = 1e-5  # distances below this, relative to the length, are rounding
SMALLEST = 1e-6  # of a variance, relative to the largest


def nearest(
    x: Tensor,
    references: Tensor,
    k: int,
    index: Tensor | None = None,
    known: Tensor | None = None,
    lone: Tensor | None = None,
) -> Tensor:
    """Returns (members, n): the mean distance to the k nearest references that are not the sample itself.

    A reference that equals a sample is a neighbour at distance 0 like any other, unless it has the sample's own index
    or is a lone one. A sample without any other reference has distance 0.

    Args:
        x: (members, n, values).
        references: (members, m, values).
        k: how many; all references where there are fewer.
        index: (members, n), which training samples these are; None for new ones.
        known: (members, m), which training samples the references are.
        lone: (members, m), which references stand for any sample that equals them, and are left out for it.
    """
    found = []
    for member, (own, others) in enumerate(zip(x, references, strict=True)):
        same = None if index is None or known is None else _places(index[member], known[member])
        found.append(_nearest(own, others, k, same, None if lone is None else lone[member]))
    return torch.stack(found)


def _places(index: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Returns which of the samples (n,) are among the references (m,), all different, and where these are."""
    ordered, order = known.sort()
    at = torch.searchsorted(ordered, index.contiguous()).clamp(max=len(known) - 1)
    rows = torch.nonzero(ordered[at] == index).flatten()
    return rows, order[at[rows]]


def _nearest(x: Tensor, references: Tensor, k: int, same: tuple[Tensor, Tensor] | None, lone: Tensor | None) -> Tensor:
    """Returns (n,) for one member; all members at once would take more memory and no less time.

    |x - r|^2 - |x|^2 finds the nearest references r. It rounds small distances badly, so those are computed anew.
    """
    squared = torch.addmm(references.square().sum(1), x, references.T, alpha=-2)
    if same is not None:
        squared[same] = torch.inf
    count = min(k if lone is None else k + 1, squared.shape[1])
    if count == 1:
        found, at = _least(squared)
    else:
        found, at = squared.topk(count, dim=1, largest=False, sorted=False)
    distances = (x[:, None] - references[at]).square().sum(2).sqrt().masked_fill(found.isinf(), torch.inf)
    if lone is not None:
        itself = lone[at] & (distances <= EQUAL * x.square().sum(1, keepdim=True).sqrt())
        distances = distances.masked_fill(itself, torch.inf).sort(1).values[:, :k]
    others = distances < torch.inf
    return torch.where(others, distances, 0.0).sum(1) / others.sum(1).clamp(min=1)


def _least(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the least value of each row and where it first is, (n, 1) each; on a processor, numpy finds it sooner."""
    if x.device.type != "cpu":
        return x.min(1, keepdim=True)
    at = torch.from_numpy(x.detach().numpy().argmin(1))[:, None]
    return x.gather(1, at), at


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
