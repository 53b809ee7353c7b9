"""Do the sizes of the parts fit each other and the data?"""

from __future__ import annotations

__all__ = ["codebook_size", "latent_size", "narrow_layer"]

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from latente.bottlenecks import VQ
from latente.diagnostics.data import POOR
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding

KEPT = 0.95  # of the variance, by the components that the advised latent size stands for
SAMPLES_EACH = 16  # for each entry of the advised codebook
FEWEST_EACH = 1  # samples for an entry, below which it can belong to a single one


def latent_size(evidence: Evidence) -> list[Finding]:
    """Looks whether the code can copy its input.

    Args:
        evidence: what was measured.
    """
    model = evidence.model
    k, size = evidence.evaluation.latent_dim, model.schema_.size
    if k < size or size < 2 or model.recipe_.limits_code:
        return []
    wanted = min(size - 1, _components(evidence.passed.x.reshape(len(evidence.passed.x), -1)))
    message = (
        f"The code has {k} numbers, a sample has {size}, and nothing else limits the code: copying is enough. "
        f"{wanted} principal components hold {100 * KEPT:.0f}% of the variance."
    )
    change, explains = evidence.change(latent_dim=wanted), ("nothing to compress", *POOR)
    return [Finding("latent as wide as the data", "warning", message, f"Use latent_dim={wanted}.", change, explains)]


def _components(x: np.ndarray) -> int:
    """Returns how many principal components of x (n, d) hold 95% of its variance."""
    x = x.astype(np.float64) - x.mean(0)
    variance = np.linalg.eigvalsh(x.T @ x)[::-1]
    return int(np.searchsorted(np.cumsum(variance), KEPT * variance.sum())) + 1


def narrow_layer(evidence: Evidence) -> list[Finding]:
    """Looks for a layer that passes fewer numbers than the code has; only layers that stand in a row are looked at.

    Args:
        evidence: what was measured.
    """
    model, k = evidence.model, evidence.evaluation.latent_dim
    x = torch.from_numpy(evidence.passed.x[:2]).to(model.module_.device)
    z = torch.from_numpy(evidence.passed.z[:2]).to(model.module_.device)
    found = [(width, "encoder") for width in _widths(model.module_.encoder, x)]
    found += [(width, "decoder") for width in _widths(model.module_.decoder, z)]
    width, where = min(found, default=(k, ""))
    if width >= min(k, model.schema_.size):
        return []
    message = f"A layer of the {where} passes {width} number{'s' if width > 1 else ''} a sample, the code has {k}."
    wider = "wider hidden layers" if "network" not in model.get_params(deep=False) else "network='auto'"
    advice = f"Use {wider}; or latent_dim={width}, which is what this network amounts to."
    explains = ("dead units", "loss never moved", "too few steps", *POOR)
    return [
        Finding("layer narrower than the code", "warning", message, advice, evidence.change(network="auto"), explains)
    ]


def _widths(network: nn.Module, value: Tensor) -> Iterator[int]:
    """Yields how many numbers for each sample come out of every layer of nested nn.Sequentials."""
    widths: list[int] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(output, Tensor) and len(output):
            widths.append(math.prod(output.shape[1:]))

    hooks = [layer.register_forward_hook(note) for layer in _layers(network)]
    try:
        with torch.no_grad():
            network(value)
    finally:
        for hook in hooks:
            hook.remove()
    yield from widths


def _layers(network: nn.Module) -> Iterator[nn.Module]:
    """Yields the members of nested nn.Sequentials; what else has members may have several ways through."""
    if isinstance(network, nn.Sequential):
        for child in network:
            yield from _layers(child)
    else:
        yield network


def codebook_size(evidence: Evidence) -> list[Finding]:
    """Holds the entries of a codebook against the number of samples.

    Args:
        evidence: what was measured.
    """
    part, n = evidence.model.recipe_.bottleneck, evidence.trained_on
    if not isinstance(part, VQ) or n >= FEWEST_EACH * part.codebook_size:
        return []
    wanted = max(2, 2 ** round(math.log2(n / SAMPLES_EACH)))
    message = (
        f"Each codebook has {part.codebook_size:,} entries for {n:,} training samples, fewer than one sample for an "
        "entry: most stay unused, and the others can stand for a single sample."
    )
    change = evidence.change(bottleneck__codebook_size=wanted)
    explains = ("unused codebook entries", "overfitting", "worse than PCA")
    advice = f"Use codebook_size={wanted}, about {SAMPLES_EACH} samples for an entry."
    return [Finding("codebook larger than the data", "warning", message, advice, change, explains)]
