"""Pictures with synthetic defects: strokes, stains and turned shapes of many contents."""

from __future__ import annotations

__all__ = ["SyntheticDefects"]

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from latente.corruptions.base import Bounds, Corruption
from latente.parts import is_integer, is_number

UNBOUNDED = (-3.0, 3.0)  # of standardised data
# Lengths are fractions of the shorter side
LENGTH, WIDTH, BEND, SEGMENTS = (0.15, 0.9), (0.01, 0.08), 0.25, 12  # of strokes
HALF_AXES, EXPONENTS = (0.03, 0.35), (1.5, 10.0)  # of shapes
KNOTS, COVERED = (3, 8), (0.02, 0.25)  # of stains: points along each side, and the part of the picture under them
SHARP, SOFT = 0.1, 0.05  # the width of edges: in pixels where sharp, and up to which a thin defect's may be soft
OPAQUE, AGAIN = 0.35, 0.5  # how many are opaque, how many get another defect
ONE, OTHER = 7 / 11, 5 / 9  # of painted defects: one value, not an extreme one; of the rest: another picture
SHIFT = 0.6  # of the range, at most, by which brightness changes


@dataclass
class SyntheticDefects(Corruption, name="synthetic_defects"):
    """Each picture gets a few defects at random places: x~ = (1 - a) x + a c, with opacity a and content c.

    Where: a bent stroke; a stain, where smooth noise exceeds a threshold; or a turned superellipse, which is anything
    from a diamond over an ellipse to a rectangle. Edges are sharp or soft, a third is opaque. What: one random
    value a channel; the lowest or the highest value; a shifted piece of another picture of the batch; or the picture
    itself, darker or brighter. What learns to tell these from the picture finds defects that it has not seen
    (`latente.anomaly.DefectSegmenter`), and an autoencoder that removes them learns what should be there. Sources:
    Zavrtanik, Kristan, Skocaj (2021), "DRAEM: a discriminatively trained reconstruction embedding for surface anomaly
    detection"; Li, Sohn, Yoon, Pfister (2021), "CutPaste: self-supervised learning for anomaly detection and
    localization".

    Args:
        count: defects of a picture, at most; each after the first is there in half of them.
        clean: the fraction of pictures without the first one.
        softest: the largest width of soft edges, as a fraction of the shorter side; half of the defects have sharp
            ones. Edges above 0.05 are no wider than the defect's own half width: a stroke never becomes a haze.
        faintest: the lowest opacity.
        painted: the share of defects of one value, of which 4 in 11 are the lowest or the highest one. Of the others, 5
            in 9 show another picture.

    Example:
        >>> x = torch.rand(100, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> damaged = SyntheticDefects(1, clean=0.2)(x, torch.Generator().manual_seed(0), (0.0, 1.0))
        >>> round(float((damaged == x).flatten(1).all(1).float().mean()), 1)
        0.2
    """

    count: int = 2
    clean: float = 0.2
    softest: float = 0.05
    faintest: float = 0.3
    painted: float = 0.55

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        if x.ndim != 4:
            raise ValueError(
                f"synthetic defects need pictures (batch, channels, height, width); got samples of shape "
                f"{tuple(x.shape[1:])}. For flattened pictures pass data=DataSpec(kind='image', shape=(height, width))"
            )
        draw, found = _Draw(x, generator), x
        for i in range(self.count):
            there = draw(1) >= (self.clean if i == 0 else AGAIN)
            content = _content(found, x, draw, bounds or UNBOUNDED, self.painted)
            found = torch.lerp(found, content, _opacity(x, draw, self.softest, self.faintest) * there)
        return found

    def check(self) -> None:
        if not is_integer(self.count, low=1):
            raise ValueError(f"SyntheticDefects: count must be an integer of at least 1; got {self.count!r}")
        for name in ("clean", "softest", "faintest", "painted"):
            if not is_number(getattr(self, name), 0, 1):
                raise ValueError(f"SyntheticDefects: {name} must be a number in [0, 1]; got {getattr(self, name)!r}")


class _Draw:
    """Random numbers of shape (batch, channels, 1, 1) for pictures."""

    def __init__(self, x: Tensor, generator: torch.Generator | None) -> None:
        self.batch, self.generator, self.device = len(x), generator, x.device

    def __call__(self, channels: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Returns uniform numbers in [low, high)."""
        shape = (self.batch, channels, 1, 1)
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=self.device)

    def log(self, channels: int, low: float, high: float) -> Tensor:
        """Returns numbers in [low, high) whose logarithm is uniform."""
        return self(channels, math.log(low), math.log(high)).exp()

    def normal(self, channels: int, knots: int = 1) -> Tensor:
        """Returns (batch, channels, knots, knots), standard normal."""
        return torch.randn(self.batch, channels, knots, knots, generator=self.generator, device=self.device)

    def order(self, count: int) -> Tensor:
        return torch.randperm(count, generator=self.generator, device=self.device)

    def below(self, low: int, high: int) -> int:
        """Returns one integer in [low, high) for the whole batch."""
        return int(torch.randint(low, high, (1,), generator=self.generator, device=self.device))


def _opacity(x: Tensor, draw: _Draw, softest: float, faintest: float) -> Tensor:
    """Returns (batch, 1, h, w) in [0, 1]."""
    side = min(x.shape[2:])
    makers, parts = (_stroke, _stain, _shape), []
    sizes = [len(part) for part in torch.arange(len(x)).tensor_split(len(makers))]
    for maker, size in zip(draw.order(len(makers)).tolist(), sizes, strict=True):
        parts.append(makers[maker](x[:size], _Draw(x[:size], draw.generator)))
    inside = torch.cat(parts)[draw.order(len(x))]
    least, chosen = 2 * SHARP / side, draw(1) < 0.5
    soft = draw.log(1, SHARP / side, max(softest, least))
    soft = torch.minimum(soft, inside.amax((2, 3), keepdim=True).clamp(min=max(SOFT, least)))
    opacity = (4 * inside / torch.where(chosen, SHARP / side, soft)).sigmoid()
    most = opacity.amax((2, 3), keepdim=True).clamp(min=1e-6)
    return torch.where(draw(1) < OPAQUE, opacity / most, opacity * draw(1, faintest, 1.0))


def _content(found: Tensor, x: Tensor, draw: _Draw, bounds: tuple[float, float], painted: float) -> Tensor:
    """Returns (batch, channels, h, w): what shows where there is a defect."""
    low, high = bounds
    kind, channels = draw(1), x.shape[1]
    one, extreme = draw(channels, low, high), torch.where(draw(1) < 0.6, low, high)
    shift = (draw.below(0, x.shape[2]), draw.below(0, x.shape[3]))
    other = torch.roll(x[draw.order(len(x))], shift, (2, 3))
    content = (found + (high - low) * draw(1, -SHIFT, SHIFT)).clamp(low, high)
    shares = (painted + (1 - painted) * OTHER, painted, painted * ONE)
    for share, choice in zip(shares, (other, extreme, one), strict=True):
        content = torch.where(kind < share, choice, content)
    return content


def _places(x: Tensor) -> tuple[Tensor, Tensor, float, float]:
    """Returns rows (h, 1) and columns (w,) of pixels and the picture's sides, in units of the shorter side."""
    (h, w), side = x.shape[2:], min(x.shape[2:])
    rows, columns = ((torch.arange(length, device=x.device) + 0.5) / side for length in (h, w))
    return rows[:, None], columns, h / side, w / side


def _stroke(x: Tensor, draw: _Draw) -> Tensor:
    """Returns (batch, 1, h, w): how far pixels lie inside a bent stroke, negative outside."""
    rows, columns, high, wide = _places(x)
    angle, length = draw(1, 0, 2 * math.pi), draw(1, *LENGTH)
    middle = torch.cat([draw(1) * high, draw(1) * wide], 1)
    half, bend = torch.cat([angle.sin(), angle.cos()], 1) * length / 2, draw.normal(2) * BEND * length
    steps = torch.linspace(-1, 1, SEGMENTS + 1).tolist()
    points = [middle + t * half + (1 - t * t) * bend for t in steps]  # (batch, 2, 1, 1) each
    nearest = torch.full_like(x[:, :1], torch.inf)
    for start, end in itertools.pairwise(points):
        step = end - start
        down, right = rows - start[:, :1], columns - start[:, 1:]
        along = down * step[:, :1] + right * step[:, 1:]
        along = (along / step.square().sum(1, keepdim=True).clamp(min=1e-9)).clamp(0, 1)
        distance = (down - along * step[:, :1]).square() + (right - along * step[:, 1:]).square()
        nearest = torch.minimum(nearest, distance)
    return draw(1, *WIDTH).clamp(min=1 / min(x.shape[2:])) / 2 - nearest.sqrt()


def _stain(x: Tensor, draw: _Draw) -> Tensor:
    """Returns (batch, 1, h, w): by how much smooth noise exceeds a threshold, about in units of the shorter side."""
    knots, covered = draw.below(*KNOTS), draw(1, *COVERED)
    noise = F.interpolate(draw.normal(1, knots), x.shape[2:], mode="bicubic", align_corners=True)
    values = noise.flatten(1)
    places = (covered[:, 0, 0, 0] * (values.shape[1] - 1)).long().tolist()  # of the threshold, from the largest value
    each = [own.kthvalue(len(own) - place).values for own, place in zip(values, places, strict=True)]
    return (noise - torch.stack(each)[:, None, None, None]) / knots if each else noise


def _shape(x: Tensor, draw: _Draw) -> Tensor:
    """Returns (batch, 1, h, w): how far pixels lie inside a superellipse, negative outside."""
    rows, columns, high, wide = _places(x)
    down, right = rows - draw(1) * high, columns - draw(1) * wide
    angle, a, b = draw(1, 0, math.pi), draw.log(1, *HALF_AXES), draw.log(1, *HALF_AXES)
    u = (down * angle.sin() + right * angle.cos()) / a
    v = (down * angle.cos() - right * angle.sin()) / b
    power = draw.log(1, *EXPONENTS)
    radius = (u.abs().clamp(1e-6, 1e3) ** power + v.abs().clamp(1e-6, 1e3) ** power) ** (1 / power)
    return (1 - radius) * torch.minimum(a, b)
