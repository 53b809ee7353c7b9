"""How much arithmetic a module does, from its shapes."""

from __future__ import annotations

__all__ = ["multiply_adds"]

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

FORWARD = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@torch.no_grad()
def multiply_adds(module: nn.Module, run: Callable[[], Any]) -> int:
    """Returns the multiply-adds of all linear layers and convolutions in the module while `run()` runs.

    Each weight counts once for every place where it is applied: rows of a linear layer, positions of a convolution.
    Layers of other types count nothing.

    Args:
        module: what is looked into.
        run: passes data through it, best a single sample.

    Example:
        >>> layer = nn.Conv2d(3, 8, 5)
        >>> multiply_adds(layer, lambda: layer(torch.zeros(1, 3, 32, 32))) == 8 * 3 * 5 * 5 * 28 * 28
        True
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Linear):
            places = output.numel() // layer.out_features
        else:
            at = inputs[0] if isinstance(layer, TRANSPOSED) else output
            places = at.numel() // at.shape[-len(layer.kernel_size) - 1]  # type: ignore[arg-type]
        total += math.prod(layer.weight.shape) * places  # type: ignore[arg-type]

    handles = [
        layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, FORWARD + TRANSPOSED)
    ]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return total
