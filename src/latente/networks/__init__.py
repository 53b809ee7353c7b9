"""Networks: from a sample shape and a number of latent features, an encoder and its mirror."""

from __future__ import annotations

__all__ = ["MLP", "Auto", "Conv", "CustomNetwork", "LinearPath", "Network", "WithLinearPath", "resolve_network"]

from latente.networks.auto import Auto
from latente.networks.base import Network
from latente.networks.conv import Conv
from latente.networks.custom import CustomNetwork, resolve_network
from latente.networks.linear_path import LinearPath, WithLinearPath
from latente.networks.mlp import MLP
