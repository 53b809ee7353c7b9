"""Scores of several distances together."""

from __future__ import annotations

__all__ = ["ChannelResidual", "CombinedDistance"]

from dataclasses import dataclass

import torch
from torch import Tensor

from latente.anomaly.distances import mahalanobis
from latente.anomaly.scores import JointDistance, Score, State
from latente.anomaly.views import Views
from latente.parts import is_integer

LEAST = 0.05  # of a channel's usual square, relative to that of all


@dataclass
class CombinedDistance(Score, name="combined"):
    """Three distances in one: the joint one, that from the mean, and the length of the residual.

        sqrt((joint^2 / a + |x - m|^2 / b + |x - x_hat|^2 / c) / 3)

    joint is `JointDistance`, m the mean training sample, and a, b, c are the medians of the three squares over
    training samples, so that each counts the same for a usual one. The joint distance finds what breaks the rule by
    which values go together, however little; the distance from the mean finds levels that the autoencoder has learned
    because the training data held many of them; the residual takes what is rebuilt badly as it is, however often that
    happens. It is the score of `SeriesDetector` for series of one channel.

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


@dataclass
class ChannelResidual(Score, name="channels"):
    """How badly each channel of a window is rebuilt, the worst channels first.

        (mean over channels c of (|x_c - x_hat_c|^2 / a_c)^2)^(1/4)

    a_c is the root mean square of |x_c - x_hat_c|^2 over training windows, at least a twentieth of the mean over all
    channels. So a channel that stands still and jumps now and then has to jump farther than it does, and one anomalous
    channel is not lost among many. It is the score of `SeriesDetector` for several channels.

    Args:
        channels: of a window, whose values are step by step, the channels of one step side by side.

    Raises:
        ValueError: before training, for less than one channel; in training, for windows that have no whole number of
            steps.

    Example:
        >>> x = torch.randn((1, 100, 6), generator=torch.Generator().manual_seed(0))
        >>> x[0, 7, 1::2] += 5  # the second channel of three steps
        >>> score, views = ChannelResidual(2), Views(x, x_hat=0.1 * x, z=x)
        >>> int(score(views, score.fit(views)).argmax())
        7
    """

    channels: int = 1

    def check(self) -> None:
        if not is_integer(self.channels, low=1):
            raise ValueError(f"ChannelResidual: channels must be an integer of at least 1; got {self.channels!r}")

    def fit(self, views: Views) -> State:
        if views.x.shape[2] % self.channels:
            raise ValueError(
                f"ChannelResidual: windows of {views.x.shape[2]} values have no whole number of steps of "
                f"{self.channels} channels"
            )
        squares = self._squares(views)
        usual = squares.square().mean(1, keepdim=True).sqrt()
        usual = torch.maximum(usual, LEAST * squares.mean((1, 2), keepdim=True))
        return {"usual": torch.where(usual > 0, usual, 1.0)}

    def __call__(self, views: Views, state: State) -> Tensor:
        return (self._squares(views) / state["usual"]).square().mean(2).sqrt().sqrt()

    def _squares(self, views: Views) -> Tensor:
        """Returns (members, n, channels): the squared residual of each channel."""
        return views.residual.square().unflatten(2, (-1, int(self.channels))).sum(2)
