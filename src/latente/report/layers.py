"""What a module is made of, found by sending a sample through it."""

from __future__ import annotations

__all__ = ["Layer", "layers"]

import math
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from latente.bottlenecks import Deterministic, Gaussian
from latente.estimators import Autoencoder
from latente.nn import Residual

SILENT = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout)
NAMES = {"Sigmoid": "sigmoid", "Tanh": "tanh", "LayerNorm": "layer normalisation"} | {
    f"BatchNorm{d}d": "batch normalisation" for d in (1, 2, 3)
}


@dataclass(frozen=True)
class Layer:
    """One layer, or the sample or code between layers.

    Attributes:
        role: "sample", "encoder", "code" or "decoder".
        operation: what it does, in words.
        shape: of what comes out for one sample.
        parameters: trained numbers.
    """

    role: str
    operation: str
    shape: tuple[int, ...]
    parameters: int = 0

    @property
    def values(self) -> int:
        """How many numbers come out for one sample."""
        return math.prod(self.shape)

    @property
    def label(self) -> str:
        """The shape in words, e.g. "64 × 7 × 7"."""
        return " × ".join(map(str, self.shape))


def layers(model: Autoencoder) -> tuple[Layer, ...]:
    """Returns the layers from the sample over the code to the reconstruction.

    Layers with weights count; activations and normalisations are named with the layer before them.

    Args:
        model: fitted.
    """
    module, schema = model.module_, model.schema_
    module.eval()
    x = torch.zeros(1, *schema.sample_shape, device=module.device)
    with torch.no_grad():
        encoder, h = _trace(module.encoder, x, "encoder")
        latent = module.bottleneck(h.float())
        decoder, _ = _trace(module.decoder, latent.z, "decoder")
    first = Layer("sample", "the sample x", schema.sample_shape)
    code = Layer("code", _code_words(model), tuple(latent.z.shape[1:]), _count(module.bottleneck))
    if encoder and isinstance(model.recipe_.bottleneck, Deterministic):  # the last layer's output is the code
        last = encoder.pop()
        code = Layer("code", f"{last.operation}: {code.operation}", code.shape, last.parameters)
    if decoder:
        last = replace(decoder[-1], shape=schema.sample_shape)
        decoder[-1] = replace(last, operation=_with(last.operation, module.output))
    return (first, *encoder, code, *decoder)


def _trace(part: nn.Module, x: Tensor, role: str) -> tuple[list[Layer], Tensor]:
    """Runs a part and lists its layers in the order in which they ran."""
    found: list[Layer] = []

    def note(module: nn.Module, _: Any, out: Any) -> None:
        if isinstance(out, Tensor) and _count(module) and not _is_norm(module):
            found.append(Layer(role, _words(module), tuple(out.shape[1:]), _count(module)))
        elif found:
            last = found[-1]
            more = _count(module) if _is_norm(module) else 0
            found[-1] = replace(last, operation=_with(last.operation, module), parameters=last.parameters + more)

    hooks = [
        module.register_forward_hook(note) for module in dict.fromkeys(_units(part))
    ]  # a module used twice is hooked once
    try:
        out = part(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found, out


def _code_words(model: Autoencoder) -> str:
    part = model.recipe_.bottleneck
    if isinstance(part, Deterministic):
        return "the code z"
    return f"the code z, {'its mean and log variance above' if isinstance(part, Gaussian) else repr(part)}"


def _units(part: nn.Module) -> list[nn.Module]:
    """Returns the modules that count as one: those without parts, and blocks with a skip connection."""
    children = list(part.children())
    if not children or isinstance(part, Residual):
        return [part]
    return [unit for child in children for unit in _units(child)]


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _is_norm(module: nn.Module) -> bool:
    return "Norm" in type(module).__name__


def _with(operation: str, module: nn.Module) -> str:
    """Returns the operation with an activation or normalisation appended."""
    if isinstance(module, SILENT):
        return operation
    name = type(module).__name__
    return f"{operation}, {NAMES.get(name, name)}"


def _words(module: nn.Module) -> str:
    """Returns what a layer with weights does."""
    if isinstance(module, Residual):
        first, *rest = _units(module.block)
        return reduce(_with, rest, _words(first)) + ", skip connection"
    if isinstance(module, nn.Linear):
        return "fully connected"
    if isinstance(module, nn.modules.conv._ConvNd):
        kernel = "×".join(map(str, module.kernel_size))
        stride = "" if max(module.stride) == 1 else f", stride {max(module.stride)}"
        return f"{'transposed ' if module.transposed else ''}convolution {kernel}{stride}"
    return type(module).__name__
