"""What a stream says about itself."""

from __future__ import annotations

__all__ = ["ArrayInfo", "array_info", "explained"]

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from latente.codec.arrays.stream import content_of
from latente.codec.container import Container, unpack
from latente.codec.damage import telling_damage

WORDS = {
    "t": "transform", "m": "multilevel", "l": "lorenzo", "a": "autoencoder", "am": "mean of the archive",
}  # fmt: skip
OF = {"integers": " of integers", "steps": " of multiples of a step", "palette": " of ranks", "bits": " of the bits"}


@dataclass(frozen=True)
class ArrayInfo:
    """What a stream holds and how its array was predicted.

    Attributes:
        shape: of the array.
        dtype: of the array, as numpy writes it.
        bound: what was stated, in words.
        max_error: the absolute bound that follows, in the data's unit, to six digits; 0: every bit is kept; None where
            a PSNR was stated, which bounds no single value.
        exact: whether every bit comes back, by the bound or because it cost nothing.
        why: which prediction won, and the bits per value of those that it was compared with.
        plans: number of blocks by their prediction, or by how they are kept without one.
        autoencoder_share: share of the samples or tiles that the autoencoder predicted.
        model: id and hash of the fitted model that decoding needs, or None.
        original_bytes: of the array.
        compressed_bytes: of the stream.

    Example:
        >>> from latente.codec import ArrayCodec
        >>> info = ArrayCodec.info(ArrayCodec(max_error=0).encode(np.arange(12.0)))
        >>> info.shape, info.bound, info.autoencoder_share
        ((12,), 'every bit is kept', 0.0)
    """

    shape: tuple[int, ...]
    dtype: str
    bound: str
    max_error: float | None
    exact: bool
    why: str
    plans: dict[str, int]
    autoencoder_share: float
    model: tuple[str, str] | None
    original_bytes: int
    compressed_bytes: int

    @property
    def ratio(self) -> float:
        """How many times smaller the stream is than the array."""
        return self.original_bytes / self.compressed_bytes


def _stated(bound: list[Any], absolute: float) -> str:
    max_error, relative, psnr = bound
    if psnr is not None:
        return f"PSNR of at least {psnr:g} dB"
    if absolute == 0:
        return "every bit is kept"
    return f"error of at most {max_error:g}" + (" of the range" if relative else "")


def _plan(fields: dict[str, Any]) -> str:
    """What predicts a block; an autoencoder none of whose codes are sent is no more than the archive's mean."""
    plan = fields.get("plan", fields["kind"])
    return WORDS["am"] if plan == "autoencoder" and not fields["dims"] else str(plan)


def _why(fields: dict[str, Any]) -> str:
    if "plan" not in fields:
        return {"special": "nothing but special values", "bytes": "bytes, packed by zstd"}.get(
            fields["kind"], fields["kind"]
        )
    trials = sorted(fields["trials"].items(), key=lambda item: item[1])
    compared = ", ".join(f"{_words(name)} {bits:g}" for name, bits in trials)
    return f"{_plan(fields)}{OF.get(fields['kind'], '')}: bits per value {compared}"


def _words(name: str) -> str:
    """A plan's short name in words."""
    if name in WORDS:
        return WORDS[name]
    extra = f"axis {name[1:]} alone" if name[0] == "m" else f"step of {name[1:]} bounds"
    return f"{WORDS[name[0]]} ({extra})"


def explained(head: dict[str, Any]) -> str:
    """Which prediction won in the largest block and why, and what the autoencoder predicted.

    Args:
        head: header of an array, with its blocks.
    """
    share = _share(head["blocks"])
    predicted = f"; autoencoder: {100 * share:.0f}% of it" if share else ""
    return _reason(head["blocks"]) + predicted


def _reason(blocks: list[dict[str, Any]]) -> str:
    largest = max(blocks, key=lambda block: sum(block["lengths"].values()), default=None)
    return "no values" if largest is None else _why(largest)


def _share(blocks: list[dict[str, Any]]) -> float:
    """Share of the samples or tiles that the autoencoder predicted."""
    return sum(float(block.get("share", 0.0)) for block in blocks) / max(1, len(blocks))


def array_info(stream: bytes) -> ArrayInfo:
    """Returns what a stream that `ArrayCodec.encode` made says of itself.

    Args:
        stream: its bytes.

    Raises:
        CodecError: when it is damaged or of another kind.
    """
    container = unpack(stream).expect("array")
    with telling_damage("the stream's header cannot be read"):
        return _info_of(container, len(stream))


def _info_of(container: Container, size: int) -> ArrayInfo:
    header = content_of(container).head
    blocks = header["blocks"]
    shape, dtype = tuple(header["shape"]), np.dtype(header["dtype"])
    names = [_plan(block) for block in blocks]
    return ArrayInfo(
        shape,
        dtype.str,
        _stated(header["bound"], header["error"]),
        None if header["bound"][2] is not None and header["error"] else float(header["error"]),
        header["error"] == 0 or "exact" in header,
        _reason(blocks),
        dict(Counter(names)),
        _share(blocks),
        None if container.model is None else (container.model.id, container.model.hash),
        math.prod(shape) * dtype.itemsize,
        size,
    )
