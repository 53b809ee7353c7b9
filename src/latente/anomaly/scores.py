"""Scores: how unusual the members of a detector find a sample."""

from __future__ import annotations

__all__ = [
    "CodeDistance", "JointDistance", "NearestCodes", "NearestReferences", "ReconstructionError", "Score",
    "robust_scale",
]  # fmt: skip

import abc
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.anomaly.distances import mahalanobis, nearest, shrunk_covariances
from latente.anomaly.views import Views
from latente.parts import Part, is_integer, is_number

SMALLEST = 0.05  # of a residual's scale, relative to the spread of the data
FIRST_SETS, FIRST_SIZE = 8, 16  # of the pass that finds samples far from the others
PER_MAD = 1.4826  # standard deviations in a median absolute deviation of a normal distribution

State = dict[str, Tensor]


class Score(Part, abc.ABC, family="anomaly_score"):
    """Describes a score. Higher is more anomalous here; `AnomalyDetector.score_samples` is its negative.

    A score is fitted to the training samples of each member; what it learned is a dictionary of tensors whose first
    axis is that of the members.

    Example:
        >>> Score.from_string("nearest_codes:10")
        NearestCodes(k=10, references=1000)
    """

    def check(self) -> None:
        """Raises ValueError for settings that make no sense."""

    def check_model(self, model: Any) -> None:
        """Raises ValueError for what is to be trained, an Ensemble or an autoencoder, where it has no such score."""

    @abc.abstractmethod
    def fit(self, views: Views) -> State:
        """Returns what the score needs to know of training samples.

        Args:
            views: n training samples of each member, in random order.
        """

    @abc.abstractmethod
    def __call__(self, views: Views, state: State) -> Tensor:
        """Returns (members, n): how anomalous each member finds the samples.

        Args:
            views: n samples.
            state: what `fit` returned.
        """


def robust_scale(residual: Tensor, x: Tensor, smallest: float = SMALLEST) -> Tensor:
    """Returns (members, 1, values): the scale of each value's residual, 1.4826 times the median absolute deviation.

    It is at least `smallest` times the root mean variance of x, so that values that are rebuilt exactly do not count
    infinitely.

    Args:
        residual: (members, n, values).
        x: (members, n, values).
        smallest: relative to the spread of x.
    """
    middle = residual.median(1, keepdim=True).values
    scale = PER_MAD * (residual - middle).abs().median(1, keepdim=True).values
    least = smallest * x.var(1, keepdim=True, correction=0).mean(2, keepdim=True).sqrt()
    return torch.maximum(scale, torch.where(least > 0, least, 1.0))


@dataclass
class ReconstructionError(Score, name="reconstruction"):
    """The root of the mean squared residual: sqrt(mean_j ((x_j - x_hat_j) / s_j)^2).

    Args:
        weighted: whether s_j is the robust scale of the residual of value j (1.4826 times the median absolute
            deviation); otherwise 1.

    Example:
        >>> x = torch.tensor([[[1.0, 1.0], [2.0, 5.0]]])  # one member, two samples of two values
        >>> score, views = ReconstructionError(weighted=False), Views(x, x_hat=torch.ones_like(x), z=x)
        >>> score(views, score.fit(views))  # sqrt((1 + 16) / 2)
        tensor([[0.0000, 2.9155]])
    """

    weighted: bool = True

    def fit(self, views: Views) -> State:
        scale = robust_scale(views.residual, views.x)
        return {"scale": scale if self.weighted else torch.ones_like(scale)}

    def __call__(self, views: Views, state: State) -> Tensor:
        return (views.residual / state["scale"]).square().mean(2).sqrt()


@dataclass
class CodeDistance(Score, name="code"):
    """The Mahalanobis distance of the code from the mean code, sqrt((z - m)' S^-1 (z - m)).

    S is the covariance of the codes, shrunk as Ledoit & Wolf (2004), "A well-conditioned estimator for
    large-dimensional covariance matrices".

    Example:
        >>> z = torch.randn((1, 100, 2), generator=torch.Generator().manual_seed(0))
        >>> z[0, 7] = 10.0
        >>> score, views = CodeDistance(), Views(z, x_hat=z, z=z)
        >>> int(score(views, score.fit(views)).argmax())
        7
    """

    def fit(self, views: Views) -> State:
        return shrunk_covariances(views.z)

    def __call__(self, views: Views, state: State) -> Tensor:
        return mahalanobis(views.z, state)


@dataclass
class JointDistance(Score, name="joint"):
    """The Mahalanobis distance in the joint space of code and residual, [z, x - x_hat].

    It sees what the reconstruction error misses (codes far from all others) and how residuals and codes go together.
    Source: Denouden, Salay, Czarnecki, Abdelzad, Phan, Vernekar (2018), "Improving reconstruction autoencoder
    out-of-distribution detection with Mahalanobis distance".

    Example:
        >>> x = torch.randn((1, 100, 3), generator=torch.Generator().manual_seed(0))
        >>> x_hat = 0.9 * x
        >>> x_hat[0, 7] = -x[0, 7]  # badly rebuilt
        >>> score, views = JointDistance(), Views(x, x_hat, z=x[:, :, :1])
        >>> int(score(views, score.fit(views)).argmax())
        7
    """

    def fit(self, views: Views) -> State:
        return shrunk_covariances(self._joint(views))

    def __call__(self, views: Views, state: State) -> Tensor:
        return mahalanobis(self._joint(views), state)

    def _joint(self, views: Views) -> Tensor:
        return torch.cat([views.z, views.residual], 2)


@dataclass
class NearestCodes(Score, name="nearest_codes"):
    """The mean distance of the code to the k nearest codes of training samples, each unit standardised.

    Args:
        k: how many.
        references: training samples that are searched, random ones.

    Raises:
        ValueError: before training, for a k or references below 1.

    Example:
        >>> z = torch.randn((1, 100, 2), generator=torch.Generator().manual_seed(0))
        >>> z[0, 7] = 10.0
        >>> score, views = NearestCodes(k=3), Views(z, x_hat=z, z=z)
        >>> int(score(views, score.fit(views)).argmax())
        7
    """

    k: int = 5
    references: int = 1000

    def check(self) -> None:
        for name in ("k", "references"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(f"NearestCodes: {name} must be an integer of at least 1; got {getattr(self, name)!r}")

    def fit(self, views: Views) -> State:
        scale = views.z.std(1, keepdim=True, correction=0)
        scale = torch.where(scale > 0, scale, 1.0)
        state = {"scale": scale, "references": views.z[:, : self.references] / scale}
        return state if views.index is None else state | {"index": views.index[:, : self.references]}

    def __call__(self, views: Views, state: State) -> Tensor:
        return nearest(
            views.z / state["scale"], state["references"], self.k, views.index, state.get("index"), state.get("lone")
        )


@dataclass
class NearestReferences(Score, name="nearest"):
    """The distance to the nearest of a few training samples in the space of reconstruction and residual.

    min_i sqrt(|x_hat - x_hat_i|^2 + sum_j (1 + (w / s_j)^2) (r_j - r_ij)^2), r = x - x_hat, s the robust scale of the
    residual; each member has random references i of its own. The reconstruction tells samples apart that differ as the
    data usually does, the residual those that differ as it rarely does: a value that is rebuilt well counts for more.
    With w = 0 it is nearly the distance of the samples themselves. Few references cannot include a cluster of
    anomalies in contaminated data, fewer still where the training samples that a first pass finds farthest from the
    others are left out (`trim`); many follow a complicated normal class. A training sample is held against the
    references other than itself, a new one that equals a reference is as normal as can be. Sources: Sugiyama, Borgwardt
    (2013), "Rapid distance-based outlier detection via sampling"; Pang, Ting, Albrecht (2015), "LeSiNN: Detecting
    anomalies by identifying least similar nearest neighbours".

    Args:
        references: of each member.
        residual: w, what a residual of one robust scale adds, in units of the scaled data.
        trim: the fraction of the training samples that cannot be references, those with the largest mean distance to
            the nearest in eight random sets of 16.
        smallest: the least s_j, relative to the root mean variance of the data: values that are rebuilt nearly exactly
            count for more the smaller it is.

    Raises:
        ValueError: before training, for references below 1, a negative residual or a trim outside [0, 1), or a
            smallest that is not above 0.

    Example:
        >>> x = torch.randn((1, 100, 2), generator=torch.Generator().manual_seed(0))
        >>> x[0, 7] = 10.0
        >>> score, views = NearestReferences(16), Views(x, x_hat=0.9 * x, z=x, index=torch.arange(100)[None])
        >>> int(score(views, score.fit(views)).argmax())
        7
    """

    references: int = 1024
    residual: float = 0.3
    trim: float = 0.0
    smallest: float = SMALLEST

    def check(self) -> None:
        if not is_integer(self.references, low=1):
            raise ValueError(f"NearestReferences: references must be an integer of at least 1; got {self.references!r}")
        if not is_number(self.residual, low=0):
            raise ValueError(f"NearestReferences: residual must be a number of at least 0; got {self.residual!r}")
        if not is_number(self.trim, 0, 1) or self.trim == 1:
            raise ValueError(f"NearestReferences: trim must be in [0, 1); got {self.trim!r}")
        if not is_number(self.smallest, low=0) or self.smallest == 0:
            raise ValueError(f"NearestReferences: smallest must be above 0; got {self.smallest!r}")

    def fit(self, views: Views) -> State:
        scale = robust_scale(views.residual, views.x, self.smallest)
        state = {"weight": self.weight(scale)}
        space = self._space(views, state)
        chosen = [self._usual(own)[: self.references] for own in space]
        state["references"] = torch.stack([own[rows] for own, rows in zip(space, chosen, strict=True)])
        if views.index is not None:
            state["index"] = torch.stack([own[rows] for own, rows in zip(views.index, chosen, strict=True)])
        return state

    def weight(self, scale: Tensor) -> Tensor:
        """Returns what residuals of a robust scale are multiplied by, sqrt(1 + (w / scale)^2)."""
        return (1 + (self.residual / scale).square()).sqrt()

    def _usual(self, space: Tensor) -> Tensor:
        """Returns which samples (n, values) of one member are near others, in their order."""
        everyone = torch.arange(len(space), device=space.device)
        if not self.trim:
            return everyone
        sets = everyone[: FIRST_SETS * FIRST_SIZE].split(FIRST_SIZE)
        found = [nearest(space[None], space[None, rows], 1, everyone[None], rows[None])[0] for rows in sets]
        kept = max(1, round((1 - self.trim) * len(space)))
        return torch.stack(found).mean(0).argsort(stable=True)[:kept].sort().values

    def __call__(self, views: Views, state: State) -> Tensor:
        return nearest(
            self._space(views, state), state["references"], 1, views.index, state.get("index"), state.get("lone")
        )

    def _space(self, views: Views, state: State) -> Tensor:
        return torch.cat([views.x_hat, views.residual * state["weight"]], 2)
