"""The user's own encoder and decoder."""

from __future__ import annotations

__all__ = ["CustomNetwork", "resolve_network"]

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from latente.networks.auto import Auto
from latente.networks.base import Network
from latente.parts import resolve


@dataclass
class CustomNetwork(Network, name="custom"):
    """A pair of nn.Modules, taken as they are (copied, so that fitting leaves the originals alone).

    Args:
        encoder: (batch, *sample_shape) -> (batch, features); a Gaussian bottleneck wants 2 * latent_dim features.
        decoder: (batch, latent_dim) -> (batch, *sample_shape), without the final activation.

    Raises:
        ValueError: by `build`, for a missing module, or one that maps to another shape.

    Example:
        >>> encoder, decoder = CustomNetwork(nn.Linear(5, 2), nn.Linear(2, 5)).build((5,), 2, 2)
        >>> encoder
        Linear(in_features=5, out_features=2, bias=True)
    """

    encoder: nn.Module | None = None
    decoder: nn.Module | None = None

    def build(self, sample_shape: tuple[int, ...], latent_dim: int, features: int) -> tuple[nn.Module, nn.Module]:
        if self.encoder is None or self.decoder is None:
            raise ValueError(
                "this model was built from the user's own nn.Modules, whose code is not in the file; pass instances: "
                "latente.load(path, encoder=..., decoder=...)"
            )
        encoder, decoder = copy.deepcopy(self.encoder), copy.deepcopy(self.decoder)
        _check_shape("encoder", encoder, sample_shape, (features,))
        _check_shape("decoder", decoder, (latent_dim,), sample_shape)
        return encoder, decoder


def resolve_network(value: Any) -> Network:
    """Returns the network that the user meant: a part, a short string, a pair of nn.Modules; the default for None.

    Args:
        value: a Network, a short string, a pair (encoder, decoder) of nn.Modules, or None.

    Raises:
        TypeError: for anything else, with what is allowed.
        ValueError: for a string that names no network.

    Example:
        >>> type(resolve_network("mlp:64")).__name__, type(resolve_network(None)).__name__
        ('MLP', 'Auto')
    """
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(m, nn.Module) for m in value):
        return CustomNetwork(*value)
    if isinstance(value, nn.Module):
        raise TypeError("network must be a pair (encoder, decoder) of nn.Modules; got a single one")
    return resolve(value, Network, Auto()) or Auto()  # type: ignore[type-abstract]


@torch.no_grad()
def _check_shape(name: str, module: nn.Module, given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Runs two samples of zeros through the module and raises ValueError when the output's shape is not the wanted."""
    was_training = module.training
    module.eval()
    try:
        out = module(torch.zeros(2, *given))
    except Exception as error:  # whatever the user's module raises
        raise ValueError(f"the {name} does not accept a batch of shape (batch, {_text(given)}): {error}") from error
    module.train(was_training)
    if not isinstance(out, torch.Tensor) or tuple(out.shape) != (2, *wanted):
        raise ValueError(
            f"the {name} must map (batch, {_text(given)}) to (batch, {_text(wanted)}); it returned {_what(out)}"
        )


def _what(out: Any) -> str:
    """Returns what a module made of a batch of two."""
    if not isinstance(out, torch.Tensor):
        return type(out).__name__
    if out.shape[:1] != (2,):
        return f"shape {tuple(out.shape)} for a batch of 2"
    return f"shape (batch, {_text(tuple(out.shape[1:]))})"


def _text(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
