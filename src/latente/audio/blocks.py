"""Long signals processed in overlapping blocks."""

from __future__ import annotations

__all__ = ["cut_blocks", "overlap_blocks"]

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from latente.parts import is_integer

Block = NDArray[np.float32]


def overlap_blocks(
    process: Callable[[Block], Block], pieces: Iterable[Block], block: int, overlap: int, context: int = 0
) -> Iterator[Block]:
    """Yields what a function makes of a signal, block by block; neighbouring blocks are faded into each other.

    In the overlap of two results a and b comes a + w (b - a), w rising from 0 to 1 linearly. Where both agree, that is
    exactly a: the identity returns the signal bit for bit, and so does a function that looks at most `context` samples
    to either side compute what it would of the whole signal.

    Args:
        process: (..., n) -> (..., n): what is done to a block; any leading axes, the same for every block. It may add
            axes, e.g. one for sources.
        pieces: (n,) or (channels, n) of any lengths, in their order, as `stream_sound` yields them.
        block: samples that the function sees at once.
        overlap: samples that neighbouring blocks share, at most half of a block.
        context: samples at an inner edge of a block that are taken from its neighbour alone; at most overlap / 2.

    Yields:
        (..., m): together as long as the signal.

    Raises:
        ValueError: for sizes that do not go together, or a result of another length than the block's.

    Source: overlap-add, Rabiner & Gold (1975), "Theory and application of digital signal processing".

    Example:
        >>> signal = np.random.default_rng(0).normal(size=1000).astype(np.float32)
        >>> out = overlap_blocks(lambda x: x, [signal[:300], signal[300:]], block=256, overlap=64)
        >>> bool((np.concatenate(list(out)) == signal).all())
        True
    """
    _check(block, overlap, context)
    fade = np.zeros(overlap, dtype=np.float32)
    ramp = overlap - 2 * context
    fade[context : overlap - context] = (np.arange(ramp, dtype=np.float32) + 0.5) / max(ramp, 1)
    fade[overlap - context :] = 1.0
    tail: Block | None = None
    for samples, last in cut_blocks(pieces, block, block - overlap):
        out = np.asarray(process(samples))
        if out.shape[-1] != samples.shape[-1]:
            raise ValueError(f"process must keep the length {samples.shape[-1]} of a block; it returned {out.shape}")
        if tail is not None:
            shared = tail.shape[-1]
            out = np.concatenate([_faded(tail, out[..., :shared], fade), out[..., shared:]], axis=-1)
        keep = out.shape[-1] if last else block - overlap
        yield out[..., :keep]
        tail = out[..., keep:]


def _faded(a: Block, b: Block, fade: Block) -> Block:
    """Returns a faded into b: exactly a where they agree and where the weight is 0, exactly b where it is 1."""
    return np.where(fade == 1, b, a + fade * (b - a)).astype(b.dtype, copy=False)


def cut_blocks(pieces: Iterable[Block], block: int, hop: int) -> Iterator[tuple[Block, bool]]:
    """Yields blocks that start a hop apart, and whether each is the last, which may be shorter.

    The last one is never shorter than what it shares with its neighbour.

    Args:
        pieces: (n,) or (channels, n) of any lengths, in their order.
        block: samples of a block.
        hop: samples between the beginnings of two.

    Example:
        >>> [(block.tolist(), last) for block, last in cut_blocks([np.arange(3), np.arange(3, 5)], 2, 2)]
        [([0, 1], False), ([2, 3], False), ([4], True)]
    """
    held: Block | None = None
    for piece in pieces:
        held = piece if held is None else np.concatenate([held, piece], axis=-1)
        while held.shape[-1] > block:
            yield held[..., :block], False
            held = held[..., hop:]
    if held is not None:
        yield held, True


def _check(block: int, overlap: int, context: int) -> None:
    if not is_integer(block, low=2):
        raise ValueError(f"block must be an integer of at least 2; got {block!r}")
    if not is_integer(overlap, low=0, high=block // 2):
        raise ValueError(f"overlap must be an integer from 0 to half of the block, {block // 2}; got {overlap!r}")
    if not is_integer(context, low=0, high=overlap // 2):
        raise ValueError(f"context must be an integer from 0 to half of the overlap, {overlap // 2}; got {context!r}")
