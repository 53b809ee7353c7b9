"""What single steps show: the loss that an epoch begins with and its highest one, and how large weights are."""

from __future__ import annotations

__all__ = ["Pulse", "weight_scale"]

import torch
from torch import Tensor, nn


class Pulse:
    """The first and the highest batch loss since the last `reset`.

    Attributes:
        first: before the first update; None before there was a step.
        highest: of all batches.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.first: float | Tensor | None = None
        self.highest: float | Tensor | None = None

    def add(self, loss: float | Tensor) -> None:
        """Counts a batch's mean loss: a number, or a tensor that stays where it is."""
        if self.first is None or self.highest is None:
            self.first = self.highest = loss
        elif isinstance(loss, Tensor):
            self.highest = torch.maximum(torch.as_tensor(self.highest, device=loss.device, dtype=loss.dtype), loss)
        else:
            self.highest = max(float(self.highest), loss)

    def result(self) -> tuple[float, float] | tuple[None, None]:
        """Returns the first and the highest loss; None without a step."""
        return (None, None) if self.first is None or self.highest is None else (float(self.first), float(self.highest))

    def state(self) -> dict[str, Tensor]:
        """Returns what `load` takes."""
        named = zip(("pulse.first", "pulse.highest"), self.result(), strict=True)
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in named if value is not None}

    def load(self, state: dict[str, Tensor]) -> None:
        """Takes up what `state` returned; nothing where an older version wrote it."""
        first, highest = state.get("pulse.first"), state.get("pulse.highest")
        self.first, self.highest = (None if value is None else float(value) for value in (first, highest))


def weight_scale(module: nn.Module) -> float:
    """Returns the median over weight matrices and kernels of the root mean square of their entries; 0 without any.

    Matrices that start at 0 throughout have no size yet and do not count. Adam moves every weight by about the learning
    rate, so their ratio is the part of itself by which a weight changes in one step.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> nn.init.constant_(layer.weight, 0.5) is layer.weight, weight_scale(layer)
        (True, 0.5)
    """
    large = [p.detach().float() for p in module.parameters() if p.requires_grad and p.ndim > 1]
    scales = [float(p.square().mean().sqrt()) for p in large if p.numel()]
    sizes = [scale for scale in scales if scale]
    return float(torch.tensor(sizes).median()) if sizes else 0.0
