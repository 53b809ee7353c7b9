"""The floor: the raw matrix products (or convolutions) of the layers, and nothing else.

Of each layer the forward product and the two backward products, for the weights and for the input; the first layer has
no input gradient. No bias, activation, loss, optimiser or data; the operands lie in memory, results go to buffers that
are there already (convolutions return new ones).
"""

from __future__ import annotations

__all__ = ["layers_of", "measure_floor"]

from collections.abc import Callable
from itertools import pairwise

import torch

from speed.measure import cpu_seconds
from speed.task import Task

Pass = Callable[[], None]
SECONDS = 4.0  # of CPU time a measurement takes at least


def layers_of(task: Task, size: int = 784, side: int = 28) -> list[tuple[str, tuple[int, ...]]]:
    """The layers in order: ("dense", (in, out)), ("down", (in, out, side before)), ("up", (in, out, side after)).

    Example:
        >>> layers_of(Task("a", "", "floor", hidden=(512,), latent=32))
        [('dense', (784, 512)), ('dense', (512, 32)), ('dense', (32, 512)), ('dense', (512, 784))]
    """
    down: list[tuple[str, tuple[int, ...]]] = []
    sides, channels = [side], (1, *task.channels)
    for a, b in pairwise(channels):
        down.append(("down", (a, b, sides[-1])))
        sides.append(-(-sides[-1] // 2))
    flat = channels[-1] * sides[-1] ** 2 if task.channels else size
    widths = (flat, *task.hidden, task.latent)
    dense = [("dense", pair) for pair in pairwise(widths)]
    mirror = [("dense", (b, a)) for a, b in reversed(list(pairwise(widths)))]
    up = [("up", (b, a, before)) for _, (a, b, before) in reversed(down)]
    return [*down, *dense, *mirror, *up]


def _dense(sizes: tuple[int, ...], batch: int, dtype: torch.dtype, first: bool) -> Pass:
    a, b = sizes
    x, weight = torch.randn(batch, a, dtype=dtype), torch.randn(b, a, dtype=dtype)
    y, dx, dw = torch.empty(batch, b, dtype=dtype), torch.empty_like(x), torch.empty_like(weight)
    dy = torch.randn(batch, b, dtype=dtype)

    def run() -> None:
        torch.mm(x, weight.t(), out=y)
        torch.mm(dy.t(), x, out=dw)
        if not first:
            torch.mm(dy, weight, out=dx)

    return run


def _convolution(kind: str, sizes: tuple[int, ...], batch: int, dtype: torch.dtype, first: bool) -> Pass:
    a, b, side = sizes
    small, up = -(-side // 2), kind == "up"
    extra = [side - (2 * small - 1)] * 2 if up else [0, 0]
    source, target = (small, side) if up else (side, small)
    last = torch.channels_last
    x = torch.randn(batch, a, source, source, dtype=dtype).contiguous(memory_format=last)
    dy = torch.randn(batch, b, target, target, dtype=dtype).contiguous(memory_format=last)
    shape = (a, b, 3, 3) if up else (b, a, 3, 3)
    weight = torch.randn(shape, dtype=dtype).contiguous(memory_format=last)
    how = ([2, 2], [1, 1], [1, 1], up, extra, 1)

    def run() -> None:
        torch.ops.aten.convolution(x, weight, None, *how)
        torch.ops.aten.convolution_backward(dy, x, weight, None, *how, [not first, True, False])

    return run


def _passes(task: Task, batch: int) -> list[Pass]:
    dtype = {"bfloat16": torch.bfloat16}.get(task.precision, torch.float32)
    layers = layers_of(task)
    return [
        _dense(sizes, batch, dtype, i == 0) if kind == "dense" else _convolution(kind, sizes, batch, dtype, i == 0)
        for i, (kind, sizes) in enumerate(layers)
    ]


def _seconds(passes: list[Pass], steps: int) -> float:
    start = cpu_seconds()
    for _ in range(steps):
        for run in passes:
            run()
    return cpu_seconds() - start


def measure_floor(task: Task) -> dict[str, float]:
    """CPU seconds and rate of the raw products, after a warm-up.

    Precision "oneDNN" is float32 too, but lets torch hand the products to oneDNN where its own choice, MKL, does not
    use the widest instructions (AMD). What rounds more there: processors with bfloat16 tiles (AMX).
    """
    if task.precision == "oneDNN":
        torch.set_float32_matmul_precision("medium")
    batch = task.batch or 128
    with torch.no_grad():
        passes = _passes(task, batch)
        once = max(1e-5, _seconds(passes, 3) / 3)
        once = max(1e-5, _seconds(passes, 3) / 3)
        steps = max(5, int(SECONDS / once))
        used = _seconds(passes, steps)
    rows = task.rows or 60_000
    rate = steps * batch / used
    return {"rate": rate, "epoch_cpu": rows / rate, "batch": batch}
