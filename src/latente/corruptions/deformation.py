"""Pictures turned, stretched, shifted and bent."""

from __future__ import annotations

__all__ = ["Deformation"]

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from latente.corruptions.base import Bounds, Corruption
from latente.parts import is_number

KNOTS = 5  # along each side, of the field that bends
INTERPOLATIONS = ("bilinear", "bicubic")
LARGEST = {"rotation": 180.0, "scale": 0.9, "shift": 1.0, "bend": 1.0}


@dataclass
class Deformation(Corruption, name="deformation"):
    """Turns, stretches, shifts and bends each picture at random; what comes in from outside repeats the border.

    As a corruption the clean picture stays the target; inside `latente.objectives.Augmented` the deformed picture is
    the target too, so that a model sees more pictures than there are. Source of the bending: Simard, Steinkraus, Platt
    (2003), "Best practices for convolutional neural networks applied to visual document analysis".

    Args:
        rotation: the largest angle, in degrees.
        scale: width and height change by a factor in [1 - scale, 1 + scale], each by its own.
        shift: the largest shift along each axis, as a fraction of the side.
        bend: the standard deviation of the displacements at 5 x 5 points, as a fraction of the side; between them it is
            interpolated (bicubic).
        interpolation: "bilinear" or "bicubic", how values between pixels are found. Bilinear results are smoother than
            pictures are; bicubic ones keep their edges, are slower, and are clipped to each picture's own range.

    Example:
        >>> Deformation(rotation=5, bend=0.02)
        Deformation(rotation=5, scale=0.05, shift=0.03, bend=0.02, interpolation='bilinear')
        >>> still = Deformation(0, 0, 0, 0)
        >>> x = torch.arange(9.0).reshape(1, 1, 3, 3)
        >>> bool(torch.allclose(still(x), x, atol=1e-5))
        True
    """

    rotation: float = 5.0
    scale: float = 0.05
    shift: float = 0.03
    bend: float = 0.0
    interpolation: str = "bilinear"

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        if x.ndim != 4:
            raise ValueError(
                f"a deformation needs pictures (batch, channels, height, width); got samples of shape "
                f"{tuple(x.shape[1:])}. For flattened pictures pass data=DataSpec(kind='image', shape=(height, width))"
            )
        places = F.affine_grid(self._maps(x, generator), list(x.shape), align_corners=False)
        if self.bend:
            places = places + self._field(x, generator)
        deformed = F.grid_sample(x, places, mode=self.interpolation, padding_mode="border", align_corners=False)
        if self.interpolation == "bilinear":
            return deformed
        return deformed.clamp(x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True))

    def _maps(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns (batch, 2, 3): affine maps from places in the result to places in x; its borders are at -1 and 1."""
        turn, *rest = (2 * torch.rand(5, len(x), generator=generator, device=x.device, dtype=x.dtype) - 1).unbind()
        angle = turn * math.radians(self.rotation)
        wide, high = (1 + self.scale * draw for draw in rest[:2])
        right, down = (2 * self.shift * draw for draw in rest[2:])
        ratio = x.shape[2] / x.shape[3]  # a turn keeps lengths in pixels, not in fractions of the sides
        first = torch.stack([wide * angle.cos(), -ratio * wide * angle.sin(), right], 1)
        second = torch.stack([high * angle.sin() / ratio, high * angle.cos(), down], 1)
        return torch.stack([first, second], 1)

    def _field(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns (batch, height, width, 2): smooth displacements."""
        knots = torch.randn(len(x), 2, KNOTS, KNOTS, generator=generator, device=x.device, dtype=x.dtype)
        field = F.interpolate(2 * self.bend * knots, x.shape[2:], mode="bicubic", align_corners=True)
        return field.permute(0, 2, 3, 1)

    def check(self) -> None:
        for name, largest in LARGEST.items():
            value = getattr(self, name)
            if not is_number(value, 0.0, largest):
                raise ValueError(f"Deformation: {name} must be a number in [0, {largest:g}]; got {value!r}")
        if self.interpolation not in INTERPOLATIONS:
            allowed = " or ".join(map(repr, INTERPOLATIONS))
            raise ValueError(f"Deformation: interpolation must be {allowed}; got {self.interpolation!r}")
