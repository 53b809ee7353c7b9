"""Normalisation layers by name."""

from __future__ import annotations

__all__ = ["NORMALISATIONS", "NORMALIZING", "normalisation"]

from torch import nn

from latente.parts import did_you_mean

NORMALISATIONS = ("batch", "layer")
NORMALIZING = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)  # the layers that they make, and the like


def normalisation(name: str | None, features: int, dimensions: int = 0) -> nn.Module | None:
    """Makes a normalisation layer, or None for None.

    Args:
        name: "batch" (batch normalisation), "layer" (layer normalisation; for convolutions, group normalisation with
            up to eight groups of at least four channels, which treats every sample alone as well) or None.
        features: the number of features or channels.
        dimensions: 0 for features (batch, features), 1 for signals (batch, channels, time), 2 for images.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> normalisation("batch", 8, dimensions=2).num_features
        8
    """
    if name is None:
        return None
    if name not in NORMALISATIONS:
        hint = did_you_mean(str(name), NORMALISATIONS)
        raise ValueError(f"unknown normalization {name!r}; known: batch, layer, None.{hint}")
    if name == "batch":
        return (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d)[dimensions](features)
    if not dimensions:
        return nn.LayerNorm(features)
    # A group of one channel on a map of one pixel would be normalised to nothing.
    groups = next(n for n in (8, 4, 2, 1) if n == 1 or (features % n == 0 and features >= 4 * n))
    return nn.GroupNorm(groups, features)
