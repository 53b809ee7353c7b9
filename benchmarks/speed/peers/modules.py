"""The networks that people write in plain PyTorch, for all libraries that take an nn.Module."""

from __future__ import annotations

__all__ = ["coder", "flat_unit", "networks"]

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import nn

from speed.task import Task

ACTIVATIONS = {"silu": nn.SiLU, "relu": nn.ReLU}


def flat_unit(x: NDArray) -> NDArray[np.float32]:
    """Pictures (n, 28, 28) of bytes as rows of floats in [0, 1]; floats as float32."""
    rows = x.reshape(len(x), -1)
    return rows.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else rows.astype(np.float32)


def coder(widths: tuple[int, ...], activation: str) -> list[nn.Module]:
    """Linear layers with activations between them, none after the last."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), ACTIVATIONS[activation]()]
    return layers[:-1]


def networks(task: Task, size: int, bounded: bool = True) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of a task; the decoder ends in a sigmoid where the data is in [0, 1]."""
    end: list[nn.Module] = [nn.Sigmoid()] if bounded else []
    if task.channels:
        return _convolutional(task, end)
    widths = (size, *task.hidden, task.latent)
    encoder = coder(widths, task.activation)
    return nn.Sequential(*encoder), nn.Sequential(*coder(widths[::-1], task.activation), *end)


def _convolutional(task: Task, end: list[nn.Module]) -> tuple[nn.Module, nn.Module]:
    """Strided 3x3 convolutions on 28x28 pixels, dense layers, and the mirror with transposed convolutions."""
    act, channels, side = ACTIVATIONS[task.activation], (1, *task.channels), 28
    down: list[nn.Module] = [nn.Unflatten(1, (1, 28, 28))]
    up: list[nn.Module] = [nn.Flatten(), *end]
    for i, (a, b) in enumerate(pairwise(channels)):
        half = -(-side // 2)
        down += [nn.Conv2d(a, b, 3, 2, 1), act()]
        step = [nn.ConvTranspose2d(b, a, 3, 2, 1, output_padding=side - (2 * half - 1))]
        up = [*step, *([act()] if i else []), *up]
        side = half
    widths = (channels[-1] * side**2, *task.hidden, task.latent)
    encoder = [*down, nn.Flatten(), *coder(widths, task.activation)]
    middle = [*coder(widths[::-1], task.activation), act(), nn.Unflatten(1, (channels[-1], side, side))]
    return nn.Sequential(*encoder), nn.Sequential(*middle, *up)
