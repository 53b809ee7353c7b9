"""Activations by name."""

from __future__ import annotations

__all__ = ["ACTIVATIONS", "activation"]

from torch import nn

from latente.parts import did_you_mean

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """Makes an activation.

    Raises:
        ValueError: for an unknown name, with the names that exist.

    Example:
        >>> activation("silu")
        SiLU()
    """
    if name not in ACTIVATIONS:
        hint = did_you_mean(str(name), ACTIVATIONS)
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(ACTIVATIONS)}.{hint}")
    return ACTIVATIONS[name]()
