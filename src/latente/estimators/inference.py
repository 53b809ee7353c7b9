"""Batched, deterministic passes through a fitted module, without gradients."""

from __future__ import annotations

__all__ = ["over_batches"]

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

VALUES = 1 << 21  # of input handled in one piece


def over_batches(
    module: nn.Module, x: Tensor, function: Callable[[Tensor], Tensor], device: torch.device
) -> NDArray[np.float32]:
    """Returns function(x) as an array (n, ...), computed piece by piece in evaluation mode.

    Args:
        module: put into evaluation mode.
        x: (n, ...), anywhere; pieces are moved to the device.
        function: of a piece (m, ...), returns (m, ...).
        device: where to compute.
    """
    module.eval()
    rows = max(1, min(4096, VALUES // max(1, math.prod(x.shape[1:]))))
    with torch.inference_mode():
        pieces = [function(x[i : i + rows].to(device)).float().cpu().numpy() for i in range(0, len(x), rows)]
    return np.concatenate(pieces)
