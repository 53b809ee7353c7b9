"""Who multiplies float32 matrices, and how exactly."""

from __future__ import annotations

__all__ = ["onednn_pays", "products_by_onednn", "quick_float32"]

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn

from latente.nn.hardware import cpu_vendor

SMALLEST_PRODUCT = 1_100_000  # multiply-adds; below it oneDNN's start costs more than its products save
LARGEST_ERROR = 1e-5  # of a product, relative: ten times what float32 makes, a hundredth of what bfloat16 makes


def onednn_pays(module: nn.Module, rows: int) -> bool:
    """Returns whether oneDNN multiplies the linear layers' matrices faster than torch's own choice, and as exactly.

    torch takes MKL, whose float32 products run at half the speed of oneDNN's on processors of AMD with AVX-512.

    Args:
        module: its linear layers count.
        rows: of a batch.

    Example:
        >>> onednn_pays(nn.Linear(4, 4), rows=8)  # too small
        False
    """
    sizes = [layer.weight.numel() for layer in module.modules() if isinstance(layer, nn.Linear)]
    if not sizes or sum(sizes) / len(sizes) * rows < SMALLEST_PRODUCT:
        return False
    parameter = next(module.parameters())
    return parameter.device.type == "cpu" and cpu_vendor() == "AuthenticAMD" and _onednn_is_exact()


@contextmanager
def products_by_onednn(on: bool) -> Iterator[None]:
    """Hands float32 products on the CPU to oneDNN inside the block.

    torch does so once it may round them to bfloat16; oneDNN then does not where the processor would gain nothing,
    which `onednn_pays` has verified.

    Args:
        on: False changes nothing.

    Example:
        >>> layer, x = nn.Linear(512, 512), torch.ones(64, 512)
        >>> with products_by_onednn(onednn_pays(layer, rows=64)):
        ...     layer(x).shape
        torch.Size([64, 512])
    """
    with _precision("mkldnn", "bf16", "medium") if on else _unchanged():
        yield


@contextmanager
def quick_float32(on: bool) -> Iterator[None]:
    """Lets a GPU multiply float32 numbers with TF32's ten bits of mantissa inside the block.

    Args:
        on: False changes nothing.

    Example:
        >>> with quick_float32(torch.cuda.is_available()):
        ...     torch.ones(2, 2) @ torch.ones(2, 2)
        tensor([[2., 2.],
                [2., 2.]])
    """
    with _precision("cuda", "tf32", "high") if on else _unchanged():
        yield


@cache
def _onednn_is_exact() -> bool:
    """Returns whether float32 products by oneDNN are as exact as float32 allows; a product in numpy is the measure."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=generator) for shape in ((256, 512), (512, 256)))
    with products_by_onednn(True), torch.no_grad():
        got = (a @ b).numpy()
    expected = a.double().numpy() @ b.double().numpy()
    return bool(abs(got - expected).max() <= LARGEST_ERROR * abs(expected).max())


@contextmanager
def _unchanged() -> Iterator[None]:
    yield


@contextmanager
def _precision(backend: str, name: str, older_name: str) -> Iterator[None]:
    """Sets the precision of matrix products in one of torch's backends inside the block."""
    products: Any = getattr(getattr(torch.backends, backend), "matmul", None)
    if hasattr(products, "fp32_precision"):
        before = products.fp32_precision
        products.fp32_precision = name
        try:
            yield
        finally:
            products.fp32_precision = before
    else:  # torch before 2.9
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(older_name)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
