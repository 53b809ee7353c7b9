"""Networks compiled for the length of a training."""

from __future__ import annotations

__all__ = ["can_compile", "compiled", "pays"]

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

# What compilation costs, and what it saves in a step: on a CPU measured (benchmarks/speed/NOTES.md), on a GPU assumed.
COSTS = {"cpu": 40.0, "cuda": 60.0}  # seconds
SAVES = {"cpu": 0.0, "cuda": 0.5e-3}  # seconds a step, of work that is no arithmetic
SMALL = {"cpu": 0, "cuda": 1 << 33}  # multiply-adds of a step up to which a GPU waits for its next order


def can_compile(device: torch.device) -> bool:
    """Returns whether torch.compile finds what it needs: a C++ compiler, on a GPU Triton too."""
    compiler = any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
    return compiler and (device.type == "cpu" or importlib.util.find_spec("triton") is not None)


def pays(device: torch.device, steps: int, multiply_adds: int) -> bool:
    """Returns whether compiling saves more time than it takes, judged by the number of steps and their work."""
    kind = device.type
    return kind in COSTS and multiply_adds <= SMALL[kind] and steps * SAVES[kind] > COSTS[kind]


@contextmanager
def compiled(module: nn.Module, on: bool, device: torch.device) -> Iterator[None]:
    """Compiles the module's encoder and decoder inside the block; their weights and names stay what they are.

    On a GPU the compiled networks run as CUDA graphs: one order for all their kernels.

    Args:
        module: an AutoencoderModule, or another module, whose children are then compiled.
        on: whether to.
        device: where it computes.
    """
    networks = [network for network in module.children() if any(True for _ in network.parameters())] if on else []
    mode = "reduce-overhead" if device.type == "cuda" else None
    for network in networks:
        network.compile(mode=mode, dynamic=False)
    try:
        yield
    finally:
        for network in networks:
            network._compiled_call_impl = None
