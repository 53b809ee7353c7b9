"""A score of several distances together."""

from __future__ import annotations

__all__ = ["CombinedDistance"]

from dataclasses import dataclass

import torch
from torch import Tensor

from latente.anomaly.distances import mahalanobis
from latente.anomaly.scores import JointDistance, Score, State
from latente.anomaly.views import Views


@dataclass
class CombinedDistance(Score, name="combined"):
    """Three distances in one: the joint one, that from the mean, and the length of the residual.

        sqrt((joint^2 / a + |x - m|^2 / b + |x - x_hat|^2 / c) / 3)

    joint is `JointDistance`, m the mean training sample, and a, b, c are the medians of the three squares over
    training samples, so that each counts the same for a usual one. The joint distance finds what breaks the rule by
    which values go together, however little; the distance from the mean finds levels that the autoencoder has learned
    because the training data held many of them; the residual takes what is rebuilt badly as it is, however often that
    happens. It is the score of `SeriesDetector`.

    Example:
        >>> x = torch.randn((1, 100, 3), generator=torch.Generator().manual_seed(0))
        >>> x_hat = 0.9 * x
        >>> x_hat[0, 7] = -x[0, 7]  # badly rebuilt
        >>> score, views = CombinedDistance(), Views(x, x_hat, z=x[:, :, :1])
        >>> int(score(views, score.fit(views)).argmax())
        7
    """

    def fit(self, views: Views) -> State:
        state = JointDistance().fit(views) | {"center": views.x.mean(1, keepdim=True)}
        usual = self._squares(views, state).median(1, keepdim=True).values
        return state | {"usual": torch.where(usual > 0, usual, 1.0)}

    def __call__(self, views: Views, state: State) -> Tensor:
        return (self._squares(views, state) / state["usual"]).mean(2).sqrt()

    def _squares(self, views: Views, state: State) -> Tensor:
        """Returns (members, n, 3): the squares of the distances."""
        joint = mahalanobis(torch.cat([views.z, views.residual], 2), state).square()
        return torch.stack([joint, (views.x - state["center"]).square().sum(2), views.residual.square().sum(2)], 2)
