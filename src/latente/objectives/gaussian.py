"""What an objective of its own for the Gaussian bottleneck needs."""

from __future__ import annotations

__all__ = ["check_gaussian"]

from typing import Any

from latente.bottlenecks import GaussianModule


def check_gaussian(module: Any, name: str, weights: str) -> None:
    """Raises ValueError for a bottleneck that is not Gaussian, or one with settings that the objective would ignore.

    Args:
        module: an AutoencoderModule.
        name: of the objective, for the message.
        weights: what weighs the rate instead of the bottleneck's beta, for the message.
    """
    bottleneck = module.bottleneck
    if not isinstance(bottleneck, GaussianModule):
        raise ValueError(
            f"{name} needs a Gaussian bottleneck; got {type(bottleneck).__name__.strip('_')}. "
            "Pass bottleneck='gaussian'"
        )
    if bottleneck.beta != 1 or bottleneck.free_bits != 0:
        raise ValueError(
            f"{name} would ignore beta={bottleneck.beta:g} and free_bits={bottleneck.free_bits:g}: {weights}. "
            "Use beta=1 and free_bits=0, or the plain objective (None), which has both"
        )
