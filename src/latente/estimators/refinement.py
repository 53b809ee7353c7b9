"""Codes that rebuild a sample better than the encoder's own: Gauss-Newton steps through the decoder."""

from __future__ import annotations

__all__ = ["check_refinable", "refined_codes"]

import warnings
from typing import Any

import torch
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import FSQ, VQ, Bottleneck, KSparse
from latente.parts import is_integer

VALUES = 1 << 24  # of a piece's Jacobians, held at a time
START, EASE, TIGHTEN = 1e-2, 0.2, 10.0  # the damping, and what a step that helped, or did not, makes of it


def check_refinable(bottleneck: Bottleneck, steps: Any) -> None:
    """Raises ValueError when there is nothing to move, or no step.

    Args:
        bottleneck: of the model.
        steps: as the user gave them.

    Example:
        >>> check_refinable(VQ(codebook_size=8), 3)
        Traceback (most recent call last):
        ValueError: codes of VQ come from a fixed set, so they cannot be refined; ...
    """
    if isinstance(bottleneck, (VQ, FSQ, KSparse)):
        raise ValueError(
            f"codes of {type(bottleneck).__name__} come from a fixed set, so they cannot be refined; use transform, or "
            "a model with bottleneck=None, 'gaussian' or 'sparse'"
        )
    if not is_integer(steps, low=1):
        raise ValueError(f"steps must be an integer of at least 1; got {steps!r}")


def refined_codes(module: AutoencoderModule, x: Tensor, steps: int) -> Tensor:
    """Returns codes (m, latent_dim) near the encoder's z, each with ||x - d(z)||^2 no larger than the encoder's.

    An encoder answers all samples with one function, so its code of one sample is not the best that the decoder has:
    the amortisation gap. A step of Levenberg (1944) and Marquardt (1963), with the Jacobian J of d at z,

        z <- z + (J^T J + damping * mean(diag(J^T J)) * I)^-1 J^T (x - d(z)),

    is taken where it lowers the sample's error; where it does not, the damping grows.

    Args:
        module: in evaluation mode.
        x: (m, *sample_shape), scaled.
        steps: how many are tried; each costs about as much as decoding latent_dim times.

    Raises:
        ValueError: for a decoder of the user's own with an operation that has no forward derivative in torch.

    Source:
        Cremer, Li, Duvenaud, "Inference suboptimality in variational autoencoders" (2018), on the gap; Kim et al.,
        "Semi-amortized variational autoencoders" (2018), on steps from the encoder's answer.

    Example:
        >>> from latente.bottlenecks import Deterministic
        >>> from latente.distortions import SquaredError
        >>> from torch import nn
        >>> parts = nn.Linear(5, 2), Deterministic().build(2), nn.Linear(2, 5)
        >>> module = AutoencoderModule(*parts, distortion=SquaredError().build((5,))).eval()
        >>> x = torch.randn(3, 5)
        >>> before, after = module.encode(x).mode, refined_codes(module, x, steps=8)
        >>> errors = [(x - module.decode(z)).square().sum(1) for z in (before, after)]
        >>> bool((errors[1] < errors[0]).all())
        True
    """
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script.*", DeprecationWarning)  # torch's own, of its jvp
        x = x.clone()
        z = module.encode(x).mode.clone()
        rows = max(1, VALUES // (x[0].numel() * z.shape[1]))
        return torch.cat([_refined(module, *pair, steps) for pair in zip(x.split(rows), z.split(rows), strict=True)])


def _refined(module: AutoencoderModule, x: Tensor, z: Tensor, steps: int) -> Tensor:
    """Returns refined codes of a piece whose Jacobians fit into memory."""
    damping = torch.full((len(z), 1), START, device=z.device)
    residual = (x - module.decode(z)).flatten(1)
    for _ in range(steps):
        trial = z + _step(module, z, residual, damping)
        rest = (x - module.decode(trial)).flatten(1)
        better = rest.square().sum(1, keepdim=True) < residual.square().sum(1, keepdim=True)  # False for NaN
        z, residual = torch.where(better, trial, z), torch.where(better, rest, residual)
        damping = damping * torch.where(better, EASE, TIGHTEN)
    return z


def _step(module: AutoencoderModule, z: Tensor, residual: Tensor, damping: Tensor) -> Tensor:
    """Returns the damped Gauss-Newton step (m, k) for codes (m, k) and residuals (m, values)."""
    J = _jacobian(module, z)  # (m, k, values)
    normal = J @ J.mT
    scale = normal.diagonal(dim1=1, dim2=2).mean(1, keepdim=True).clamp(min=1e-12)
    normal.diagonal(dim1=1, dim2=2).add_(damping * scale)
    step, info = torch.linalg.solve_ex(normal, (J @ residual[:, :, None])[:, :, 0])
    return torch.where((info == 0)[:, None], step, 0.0)


def _jacobian(module: AutoencoderModule, z: Tensor) -> Tensor:
    """Returns (m, k, values): how each unit of each code moves the decoded sample."""
    units = torch.eye(z.shape[1], device=z.device)
    try:
        moved = [torch.func.jvp(module.decode, (z,), (unit.expand_as(z),))[1] for unit in units]
    except NotImplementedError as error:
        raise ValueError(
            f"codes cannot be refined through this decoder, for torch lacks a derivative: {error}; use transform, or "
            "other operations in your decoder"
        ) from error
    return torch.stack([tangent.flatten(1) for tangent in moved], 1)
