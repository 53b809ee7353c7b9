"""First weights of a linear path: the principal components of the training data."""

from __future__ import annotations

__all__ = ["start_linear_path"]

import math

import numpy as np
import torch
from torch import nn

from latente.autoencoder import AutoencoderModule
from latente.data import Source
from latente.metrics import fit_pca
from latente.networks import WithLinearPath

LOOKED_AT = 10_000  # samples,
VALUES = 1 << 25  # of at most so many values in all


def start_linear_path(module: AutoencoderModule, source: Source, seed: int) -> None:
    """Makes the linear paths of encoder and decoder PCA, in place.

    Nothing happens without such paths, for a single sample, or where the decoder's outputs are logits.

    With components v_j (rows), the mean m and s^2 the mean variance of the components: W = v / s, b = -W m, W' = s v^T,
    b' = m. So codes have mean 0 and, on average over their elements, variance 1; distances between them are those of
    PCA's. A variance of 1 for each element overfits sooner (benchmarks/reconstruction/NOTES.md).

    Args:
        module: with fresh weights.
        source: the scaled training data; up to 10,000 random samples are looked at, their targets.
        seed: decides which.
    """
    encoder, decoder = _path(module.encoder), _path(module.decoder)
    if encoder is None or decoder is None or module.distortion.from_logits:
        return
    wanted = max(2, min(LOOKED_AT, len(source), VALUES // math.prod(source.sample_shape)))
    samples = next(iter(source.batches(wanted, seed))).target.flatten(1).cpu().numpy()
    if len(samples) < 2:
        return
    pca = fit_pca(samples, min(module.bottleneck.latent_dim, module.bottleneck.features))
    used = pca.explained_variance_ > 1e-12 * pca.explained_variance_.max(initial=0.0)
    scale = float(np.sqrt(pca.explained_variance_[used].mean())) if used.any() else 1.0
    axes, mean = torch.from_numpy(pca.components_[used]), torch.from_numpy(pca.mean_)
    encoder.start(axes / scale, -axes @ mean / scale)
    decoder.start(scale * axes.T, mean)


def _path(network: nn.Module) -> WithLinearPath | None:
    """Returns the block with a linear path that is all of the network, or None."""
    only = network[0] if isinstance(network, nn.Sequential) and len(network) == 1 else network
    return only if isinstance(only, WithLinearPath) else None
