"""Which arithmetic to train in."""

from __future__ import annotations

__all__ = ["PRECISIONS", "autocast", "choose_precision", "without_traces"]

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn

from latente.nn.hardware import cpu_flags
from latente.objectives import Batch, Objective, Progress

PRECISIONS = ("auto", "float32", "bfloat16")
SMALLEST_MODULE = 100_000  # parameters; below it the conversions cost more than the products save
LARGEST_DIFFERENCE = 0.02  # of the first batch's loss


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Returns the context in which forward passes run."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def choose_precision(wanted: str, module: nn.Module, objective: Objective, batch: Batch, device: torch.device) -> str:
    """Returns "float32" or "bfloat16".

    "auto" takes bfloat16 where the hardware multiplies it, the module is large enough to gain, and the first batch's
    distortion is the same within 2%. Depends on shapes, hardware and data only, never on a timing.
    """
    if wanted != "auto":
        return wanted
    size = sum(p.numel() for p in module.parameters())
    if size < SMALLEST_MODULE or not _hardware_has_bfloat16(device):
        return "float32"
    losses = {}
    for precision in ("float32", "bfloat16"):
        with without_traces(module), autocast(device, precision):  # both draw the same
            losses[precision] = float(objective(module, batch, Progress()).distortion.mean())
    difference = abs(losses["bfloat16"] - losses["float32"])
    return "bfloat16" if difference <= LARGEST_DIFFERENCE * abs(losses["float32"]) else "float32"


@contextmanager
def without_traces(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards mode and generator are as if nothing had happened."""
    was_training, generator = module.training, getattr(module, "generator", None)
    state = None if generator is None else generator.get_state()
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(was_training)
        if generator is not None:
            generator.set_state(state)


def _hardware_has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and not cpu_flags().isdisjoint({"avx512_bf16", "amx_bf16"})
