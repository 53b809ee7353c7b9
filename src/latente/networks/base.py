"""What every network description offers."""

from __future__ import annotations

__all__ = ["Network", "positive_integers"]

import abc
from collections.abc import Sequence
from typing import Any

from torch import nn

from latente.parts import Part, is_integer


class Network(Part, abc.ABC, family="network"):
    """Describes an encoder and its mirror.

    Example:
        >>> Network.from_string("conv:16,32").channels
        (16, 32)
    """

    @abc.abstractmethod
    def build(self, sample_shape: tuple[int, ...], latent_dim: int, features: int) -> tuple[nn.Module, nn.Module]:
        """Makes encoder and decoder.

        Both are `nn.Sequential`s of as many blocks each, block i of the encoder mirrored by block -1 - i of the
        decoder, unless the user brought modules of their own.

        Args:
            sample_shape: (features,), (channels, time) or (channels, height, width).
            latent_dim: the number of values that the decoder receives.
            features: the number of values h that the bottleneck wants from the encoder.

        Returns:
            The encoder, (batch, *sample_shape) -> (batch, features), and the decoder, (batch, latent_dim) ->
            (batch, *sample_shape).

        Raises:
            ValueError: for sizes that make no network.
        """

    def output(self, wanted: str, sample_shape: tuple[int, ...]) -> str:
        """Returns the activation of the decoder's output, "identity", "sigmoid", "tanh" or "clip".

        Args:
            wanted: what the data's scale asks for.
            sample_shape: as in `build`.
        """
        return wanted


def positive_integers(name: str, values: Any) -> tuple[int, ...]:
    """Returns a tuple of positive integers from one integer or a sequence, or raises ValueError naming what it is."""
    several = tuple(values) if isinstance(values, Sequence) else (values,)
    if not all(is_integer(value, low=1) for value in several):
        raise ValueError(f"{name} must be positive integers; got {values!r}")
    return tuple(int(value) for value in several)
