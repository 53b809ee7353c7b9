"""Blocks that know shapes, not autoencoders."""

from __future__ import annotations

__all__ = [
    "ACTIVATIONS", "NORMALIZING", "Clip", "ConvBlock", "Residual", "StartedLinear", "UNet", "activation", "dense_block",
    "initialise", "multiply_adds", "normalisation", "onednn_pays", "products_by_onednn", "quick_float32",
]  # fmt: skip

from latente.nn.activations import ACTIVATIONS, activation
from latente.nn.clip import Clip
from latente.nn.conv import ConvBlock
from latente.nn.initialisation import initialise
from latente.nn.mlp import Residual, dense_block
from latente.nn.normalisation import NORMALIZING, normalisation
from latente.nn.products import onednn_pays, products_by_onednn, quick_float32
from latente.nn.started import StartedLinear
from latente.nn.unet import UNet
from latente.nn.work import multiply_adds
