"""What goes into an objective and what comes out."""

from __future__ import annotations

__all__ = ["Batch", "Losses", "Objective", "Progress"]

import abc
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from latente.parts import Part


@dataclass(frozen=True)
class Batch:
    """A batch of scaled samples.

    Attributes:
        x: (batch, *sample_shape), what the encoder sees.
        target: what should come out; x itself unless told otherwise.
        mask: of x's shape, True where a cell is known; None when all are.
        condition: (batch,) labels, or None.

    Example:
        >>> import torch
        >>> x = torch.zeros(4, 3)
        >>> len(Batch(x, target=x))
        4
    """

    x: Tensor
    target: Tensor
    mask: Tensor | None = None
    condition: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Progress:
    """Where training stands: the step now, all steps, and the number of training samples.

    Attributes:
        step: from 0.
        total: steps of the whole training.
        samples: that are trained on.

    Example:
        >>> Progress(step=30, total=120).fraction
        0.25
    """

    step: int = 0
    total: int = 1
    samples: int = 1

    @property
    def fraction(self) -> float:
        """The part of training that is done, in [0, 1]."""
        return min(1.0, self.step / self.total)


@dataclass(frozen=True)
class Losses:
    """The result for a batch, every tensor of shape (batch,).

    Attributes:
        loss: what is minimised (its mean over the batch).
        distortion: summed over the elements of a sample.
        rate: nats, unweighted.
        penalty: all other costs, weighted.
        extra: named scalars to log.

    Example:
        >>> import torch
        >>> one = torch.ones(2)
        >>> Losses(loss=5 * one, distortion=one, rate=2 * one, penalty=0 * one).loss  # beta = 2
        tensor([5., 5.])
    """

    loss: Tensor
    distortion: Tensor
    rate: Tensor
    penalty: Tensor
    extra: dict[str, Tensor] = field(default_factory=dict)


class Objective(Part, abc.ABC, family="objective"):
    """Describes what is minimised, and computes it.

    Example:
        >>> Objective.from_string("contractive:0.5")
        Contractive(weight=0.5, probes=1)
    """

    normal_codes: bool = False  # whether training draws the codes towards N(0, I), so that it can serve as a prior

    @abc.abstractmethod
    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        """Returns the losses of a batch.

        Args:
            module: an AutoencoderModule.
            batch: the batch, scaled.
            progress: where training stands.
        """

    def check(self, module: nn.Module) -> None:
        """Raises ValueError when the module lacks what the objective needs; called before any training."""
