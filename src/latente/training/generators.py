"""The states of all random generators that training draws from."""

from __future__ import annotations

__all__ = ["generator_states", "restore_generators"]

import torch
from torch import Tensor


def generator_states(own: torch.Generator) -> dict[str, Tensor]:
    """Returns the states of the training's own generator and of torch's global ones."""
    states = {"own": own.get_state(), "cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(own.device)} if own.device.type == "cuda" else {})


def restore_generators(states: dict[str, Tensor], own: torch.Generator) -> None:
    """Sets the generators to what `generator_states` returned."""
    own.set_state(states["own"])
    torch.set_rng_state(states["cpu"])
    if own.device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], own.device)
