"""Gradients that are far above their usual length."""

from __future__ import annotations

__all__ = ["SPIKE", "SpikeClip"]

import torch
from torch import Tensor

SPIKE = 5.0  # a gradient is clipped at this multiple of the usual norm
MEMORY = 0.98  # of the running mean


class SpikeClip:
    """Scales a gradient down to a multiple of its running mean norm: acts on spikes, at any scale of the loss.

    Args:
        on_host: whether norms are given as numbers too, so that nothing is computed where nothing is clipped.

    Attributes:
        usual: the running mean; 0 before the first gradient that is not 0.
    """

    def __init__(self, on_host: bool = True) -> None:
        self.on_host = on_host
        self.usual: float | Tensor = 0.0

    def scale(self, norm: Tensor, length: float | None = None) -> Tensor | None:
        """Returns what to divide the gradient by, None for nothing, and counts the norm.

        Args:
            norm: of the whole gradient.
            length: the same as a number; needed when `on_host`.
        """
        if self.on_host and length is not None:
            usual = float(self.usual) or length
            limit = SPIKE * usual
            self.usual = MEMORY * usual + (1 - MEMORY) * min(length, limit)
            return norm / limit if length > limit else None
        before = torch.as_tensor(self.usual, dtype=norm.dtype, device=norm.device)
        usual_norm = torch.where(before == 0, norm, before)
        limit_norm = SPIKE * usual_norm
        self.usual = MEMORY * usual_norm + (1 - MEMORY) * torch.minimum(norm, limit_norm)
        return (norm / limit_norm.clamp(min=1e-30)).clamp(min=1.0)
