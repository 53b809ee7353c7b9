"""A network that marks damaged pixels, and what it is trained on."""

from __future__ import annotations

__all__ = ["Segmentation", "SegmentationNetwork", "local_contrast"]

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.corruptions import Bounds, SyntheticDefects, resolve_corruption
from latente.nn import UNet
from latente.objectives import Batch, Losses, Objective, Progress

CHANGED = 0.1  # of the range of values: what changes by less is no defect
RANGE = 6.0  # of standardised data
CODE, FURTHER = 64, 3  # values of the code; maps that the restoring network adds to what it restores
NEAR = {"levels": 2, "factor": 2}  # the head that compares a picture with what is restored
SMALL = 16  # pixels: shorter pictures are compared pixel by pixel, not in blocks of four
FAR = {"levels": 4, "factor": 4, "outputs": 1}  # the network of pictures whose parts may be anywhere
CONTRAST = 3.0  # by which the difference is multiplied
SQUARES = (5, 15)  # pixels along each side over which contrast is measured
FAINT, FAINTEST = 0.01, 0.002  # of the range: standard deviations that are a little, and next to nothing


class SegmentationNetwork(nn.Module):
    """Pictures to the log odds that each pixel is damaged, and to what was there before.

    With places, an autoencoder restores the whole picture, and a small convolutional network compares: it sees the
    picture, the restored one, their absolute difference and three further maps of the autoencoder's. Without, a
    convolutional network of four resolutions sees the picture alone, of any size, and its local contrast
    (`local_contrast`) over 5 x 5 and over 15 x 15 pixels, and restores nothing.

    Args:
        sample_shape: (channels, height, width) of the training pictures.
        places: whether all pictures show one kind of thing in one place, so that a pixel's place says something.
        width: channels of the convolutional network at its finest resolution.
        hidden_features: of the autoencoder.
        bounds: of scaled data, or None.

    Example:
        >>> network = SegmentationNetwork((1, 8, 8), True, width=4, hidden_features=16, bounds=(0.0, 1.0))
        >>> restored, log_odds = network(torch.zeros(2, 1, 8, 8))
        >>> restored.shape, log_odds.shape
        (torch.Size([2, 1, 8, 8]), torch.Size([2, 8, 8]))
    """

    generator: torch.Generator | None = None

    def __init__(
        self, sample_shape: tuple[int, int, int], places: bool, width: int, hidden_features: int, bounds: Bounds
    ) -> None:
        super().__init__()
        channels, height, width_ = sample_shape
        self.bounds, self.channels, self.restorer = bounds, channels, None
        if places:
            size, maps = channels * height * width_, channels + FURTHER
            self.restorer = nn.Sequential(
                nn.Flatten(),
                nn.Linear(size, hidden_features),
                nn.SiLU(),
                nn.Linear(hidden_features, CODE),
                nn.Linear(CODE, hidden_features),
                nn.SiLU(),
                nn.Linear(hidden_features, maps * height * width_),
                nn.Unflatten(1, (maps, height, width_)),
            )
        near = NEAR | {"factor": 1} if min(height, width_) < SMALL else NEAR
        maps = (1 + 2 * len(SQUARES)) * channels
        seen, how = (3 * channels + FURTHER, near) if places else (maps, FAR)
        self.head = UNet(seen, 2, width, blocks=1, identity=False, **how)

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor]:
        """Returns what was restored, of x's shape, or None, and the log odds (batch, h, w).

        Args:
            x: (batch, channels, h, w), scaled.
        """
        low, high = self.bounds or (0.0, 0.0)
        if self.restorer is None:
            centred = x - (low + high) / 2
            span = _span(self.bounds)
            contrasts = [found for square in SQUARES for found in local_contrast(centred, span, square)]
            return None, self.head(torch.cat([centred, *contrasts], 1))[:, 0].float()
        restored, further = self.restorer(x).split((self.channels, FURTHER), 1)
        if self.bounds:
            restored = low + (high - low) * restored.sigmoid()
        kept = restored.detach()  # it should show what was there, whatever suits the comparison
        return restored, self.head(torch.cat([x, kept, CONTRAST * (x - kept).abs(), further], 1))[:, 0].float()


def local_contrast(x: Tensor, span: float, square: int = SQUARES[0]) -> tuple[Tensor, Tensor]:
    """Returns u = (x - m) / (2 sqrt(v + (0.01 r)^2)) and l = log((v + (0.002 r)^2) / r^2) / 4 + 1.5, of x's shape each.

    m and v are mean and variance over the square of pixels around each, r the range. What was painted over or wiped
    away lacks the grain and the texture of the picture around it, which are too faint in x itself for a network to see
    soon.
    Source for u, in another form: Jarrett, Kavukcuoglu, Ranzato, LeCun (2009), "What is the best multi-stage
    architecture for object recognition?", local contrast normalisation.

    Args:
        x: (batch, channels, h, w), scaled.
        span: r, the range of scaled values.
        square: pixels along each side of the square, an odd number.

    Example:
        >>> u, l = local_contrast(torch.full((1, 1, 8, 8), 0.3), 1.0)
        >>> u.abs().max() < 1e-4, round(l.mean().item(), 2)
        (tensor(True), -1.61)
    """
    mean = _local_mean(x, square)
    variance = (_local_mean(x * x, square) - mean * mean).clamp(min=0) / span**2
    contrast = (x - mean) / span / (variance + FAINT**2).sqrt() / 2
    return contrast, (variance + FAINTEST**2).log() / 4 + 1.5


def _local_mean(x: Tensor, square: int) -> Tensor:
    padded = F.pad(x, (square // 2,) * 4, mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (1, square), 1), (square, 1), 1)


def _span(bounds: Bounds) -> float:
    """Returns the range of scaled values."""
    return RANGE if bounds is None else bounds[1] - bounds[0]


@dataclass
class Segmentation(Objective, name="segmentation"):
    """loss = sum over pixels of the cross-entropy of damaged or not, plus ||restored - x||^2.

    A pixel is damaged where a channel changed by at least a tenth of the range of values (of standardised data: 0.6).
    Source: Zavrtanik, Kristan, Skocaj (2021), "DRAEM", without its structural similarity and focal weights.

    Args:
        corruption: what damages the pictures.

    Example:
        >>> network = SegmentationNetwork((1, 8, 8), True, width=4, hidden_features=16, bounds=(0.0, 1.0))
        >>> x = torch.zeros(4, 1, 8, 8)
        >>> Segmentation()(network.eval(), Batch(x, x), Progress()).distortion / 64  # knows nothing yet: log 2
        tensor([0.6931, 0.6931, 0.6931, 0.6931], grad_fn=<DivBackward0>)
    """

    corruption: Any = SyntheticDefects.short_name

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        generator = module.generator if module.training else torch.Generator(batch.x.device).manual_seed(0)
        corruption = resolve_corruption(self.corruption)
        damaged = batch.x if corruption is None else corruption(batch.x, generator, module.bounds)
        restored, log_odds = module(damaged)
        changed = ((damaged - batch.x).abs().amax(1) >= CHANGED * _span(module.bounds)).float()
        entropy = F.binary_cross_entropy_with_logits(log_odds, changed, reduction="none").flatten(1).sum(1)
        zero = torch.zeros_like(entropy)
        missed = zero if restored is None else (restored.float() - batch.target).square().flatten(1).sum(1)
        return Losses(entropy + missed, entropy, zero, missed)
