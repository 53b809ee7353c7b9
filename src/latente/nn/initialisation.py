"""Weights to start from, matched to the activation that follows them.

PyTorch's own default is about a factor sqrt(6) too small for rectifiers; in deep autoencoders that costs more than any
other choice. Sources: Glorot & Bengio (2010) for linear and saturating units; He et al. (2015) for rectifiers;
Klambauer et al. (2017) for SELU.
"""

from __future__ import annotations

__all__ = ["initialise"]

import math

from torch import nn

RECTIFIERS = {"relu", "leaky_relu", "silu", "gelu", "elu", "softplus"}


def initialise(layer: nn.Linear | nn.modules.conv._ConvNd, activation: str, fan_in: float, fan_out: float) -> None:
    """Fills a layer: weights ~ N(0, std^2), biases 0.

    std^2 is 2 / fan_in before a rectifier (He), 1 / fan_in before SELU (LeCun), 2 / (fan_in + fan_out) otherwise
    (Glorot).

    Args:
        layer: a linear or (transposed) convolutional layer.
        activation: the name of the activation that follows.
        fan_in: the number of inputs that one output sees, on average where borders make a difference.
        fan_out: the number of outputs that one input reaches, likewise.

    Example:
        >>> layer = nn.Linear(1000, 500)
        >>> initialise(layer, "relu", fan_in=1000, fan_out=500)
        >>> abs(layer.weight.std().item() / math.sqrt(2 / 1000) - 1) < 0.01
        True
    """
    if activation in RECTIFIERS:
        variance = 2.0 / fan_in
    elif activation == "selu":
        variance = 1.0 / fan_in
    else:
        variance = 2.0 / (fan_in + fan_out)
    nn.init.normal_(layer.weight, std=math.sqrt(variance))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
