"""Batched, deterministic passes through a fitted module, without gradients."""

from __future__ import annotations

__all__ = ["collected", "finite_chunks", "over_batches", "over_chunks"]

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latente.data import NpyWriter, Rows
from latente.data.checks import Finiteness
from latente.nn import multiply_adds, onednn_pays, products_by_onednn

FEWEST, MOST = 64, 2048  # samples in a piece,
WORK = 1 << 24  # which takes about so many multiply-adds
VALUES = 1 << 21  # and holds no more values than this, going in or coming out


def over_batches(
    module: nn.Module, x: Tensor, function: Callable[[Tensor], Tensor], device: torch.device
) -> NDArray[np.float32]:
    """Returns function(x) as an array (n, ...), computed piece by piece in evaluation mode; see `over_chunks`.

    Args:
        module: put into evaluation mode.
        x: (n, ...), anywhere; pieces are moved to the device.
        function: of a piece (m, ...), returns (m, ...).
        device: where to compute.
    """
    return collected(over_chunks(module, [x], function, device), len(x))


def over_chunks(
    module: nn.Module,
    chunks: Iterable[Tensor],
    function: Callable[[Tensor], Tensor],
    device: torch.device,
    rows: int | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Yields function(x) piece by piece, computed in evaluation mode, for samples x that come in chunks.

    Matrix products round differently for different numbers of rows. So all pieces have the same number, the last one
    filled up, and a sample's result does not depend on how many others are passed with it. The number follows from
    the arithmetic that one sample takes. On some processors products with few columns (50 -> 4) round the last digit by
    a row's place in the piece too, which this does not prevent.

    Args:
        module: put into evaluation mode.
        chunks: (m, ...) each, anywhere and of any length; pieces are moved to the device.
        function: of a piece (m, ...), returns (m, ...).
        device: where to compute.
        rows: samples in a piece; None chooses.
    """
    module.eval()
    chunks = iter(chunks)
    first = next(chunks, None)
    if first is None:
        return
    if rows is None:
        with torch.inference_mode():
            rows = _piece_rows(module, function, first[:1].to(device))
    onednn = onednn_pays(module, rows)
    for piece in _pieces(itertools.chain([first], chunks), rows):
        missing = rows - len(piece)
        with torch.inference_mode(), products_by_onednn(onednn):
            if missing:
                piece = torch.cat([piece, piece[-1:].expand(missing, *piece.shape[1:])])
            result = function(piece.to(device))[: rows - missing].float().cpu().numpy()
        yield result


def finite_chunks(rows: Rows, what: str = "X") -> Iterator[NDArray[Any]]:
    """Yields samples (m, ...) in order and in chunks; what is not finite is counted to the end, then raised.

    Args:
        rows: (n, ...), in the user's units.
        what: for the message.

    Raises:
        ValueError: for NaN or infinite values: how many, and where the first one is.
    """
    finite = Finiteness(rows.columns, what)
    for start, chunk in rows.chunks():
        finite.look(start, chunk)
        if finite.first is None:
            yield chunk
    finite.check()


def _pieces(chunks: Iterable[Tensor], rows: int) -> Iterator[Tensor]:
    """Yields all samples in order, so many at a time; the last piece may hold fewer."""
    rest: Tensor | None = None
    for chunk in chunks:
        chunk = chunk if rest is None or not len(rest) else torch.cat([rest, chunk])
        whole = len(chunk) - len(chunk) % rows
        yield from chunk[:whole].split(rows) if whole else ()
        rest = chunk[whole:]
    if rest is not None and len(rest):
        yield rest


def _piece_rows(module: nn.Module, function: Callable[[Tensor], Tensor], sample: Tensor) -> int:
    """Returns how many samples a piece holds, from what a single one (1, ...) takes."""
    results: list[Tensor] = []
    work = multiply_adds(module, lambda: results.append(function(sample)))
    rows = min(MOST, max(FEWEST, WORK // max(1, work)))
    return max(1, min(rows, VALUES // max(sample.numel(), results[0].numel(), 1)))


def collected(pieces: Iterable[NDArray[Any]], samples: int, out: str | Path | None = None) -> NDArray[Any]:
    """Returns the pieces as one array (samples, ...).

    Args:
        pieces: (m, ...) each.
        samples: how many there are in all.
        out: a .npy file that they are written to one by one; what is returned is then a read-only map of it.
    """
    if out is not None:
        with NpyWriter(out, samples) as writer:
            writer.write_all(pieces)
        return np.load(out, mmap_mode="r")
    result, at = np.empty((0,)), 0
    for piece in pieces:
        if len(piece) == samples:
            return piece
        result = result if at else np.empty((samples, *piece.shape[1:]), piece.dtype)
        result[at : at + len(piece)] = piece
        at += len(piece)
    return result
