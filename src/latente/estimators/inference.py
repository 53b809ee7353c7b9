"""Batched, deterministic passes through a fitted module, without gradients."""

from __future__ import annotations

__all__ = ["over_batches"]

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

ROWS = {"cpu": 64}  # samples in a piece; larger ones are no faster there
ROWS_ELSEWHERE = 1024
VALUES = 1 << 21  # but no more values than this


def over_batches(
    module: nn.Module,
    x: Tensor,
    function: Callable[[Tensor], Tensor],
    device: torch.device,
    *,
    values: int | None = None,
) -> NDArray[np.float32]:
    """Returns function(x) as an array (n, ...), computed piece by piece in evaluation mode.

    Matrix products round differently for different numbers of rows. So all pieces have the same number, the last one
    filled up, and a sample's result does not depend on how many others are passed with it.

    Args:
        module: put into evaluation mode.
        x: (n, ...), anywhere; pieces are moved to the device.
        function: of a piece (m, ...), returns (m, ...).
        device: where to compute.
        values: of a sample where it is largest; None takes the size of x's samples.
    """
    module.eval()
    size = math.prod(x.shape[1:]) if values is None else values
    rows = max(1, min(ROWS.get(device.type, ROWS_ELSEWHERE), VALUES // max(1, size)))
    pieces = []
    with torch.inference_mode():
        for start in range(0, len(x), rows):
            piece = x[start : start + rows]
            missing = rows - len(piece)
            if missing:
                piece = torch.cat([piece, piece[-1:].expand(missing, *piece.shape[1:])])
            pieces.append(function(piece.to(device))[: rows - missing].float().cpu().numpy())
    return np.concatenate(pieces)
