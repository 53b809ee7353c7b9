"""Whole arrays as streams of the container, which say themselves what they are.

The container's one section "array" holds four bytes n, n bytes of a header (`heads`), then what `content` describes.
"""

from __future__ import annotations

__all__ = ["content_of", "decode_stream", "encode_stream", "stream_of"]

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.allowed import Allowed
from latente.codec.arrays.content import Content, decode_content, encode_content
from latente.codec.bounds import six_digits
from latente.codec.container import Container, pack
from latente.codec.errors import AlteredError
from latente.codec.fields import take_list, take_text

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive
    from latente.codec.models import Model, ModelRef

SECTION = "array"
Array = NDArray[Any]


def encode_stream(
    x: Array, allowed: Allowed, stated: list[Any], thorough: bool, archive: Archive | None = None, embed: bool = False
) -> bytes:
    """Returns a container of kind "array".

    Args:
        x: an array or a masked array of a type that can be coded.
        allowed: the bound of its values.
        stated: the bound as the user stated it, for the header.
        thorough: whether all plans are tried on the whole array.
        archive: what was learned from an archive, whose autoencoder competes.
        embed: whether the archive's model becomes part of the stream where it is used, or is referred to.
    """
    content = encode_content(
        x, allowed, thorough=thorough, archive=archive, embed=embed, tell_exact=not allowed.lossless
    )
    model: Model | ModelRef | None = None
    if archive is not None and content.needs_model:
        model = archive.model if embed else archive.model.ref
    return stream_of(x, content, allowed, stated, model)


def stream_of(x: Array, content: Content, allowed: Allowed, stated: list[Any], model: Model | ModelRef | None) -> bytes:
    """Returns a container of kind "array" of an array that was coded; see `encode_stream`."""
    error = six_digits(allowed.absolute)
    data = content.to_bytes(dtype=x.dtype.str, shape=list(x.shape), bound=stated, error=error)
    return pack("array", {}, {SECTION: data}, model, symbols={SECTION: content.check})


def content_of(container: Container) -> Content:
    """What a container of kind "array" holds.

    Raises:
        ValueError: when it is damaged.
    """
    check = container.contents[SECTION].symbols if SECTION in container.contents else None
    return Content.from_bytes(container.section(SECTION), -1 if check is None else check)


def decode_stream(container: Container, archive: Archive | None = None) -> Array:
    """Returns the array of a container of kind "array".

    Args:
        container: the stream.
        archive: the model that it refers to, where it does.

    Raises:
        CodecError: when something in it does not fit; other errors mean the same.
    """
    content = content_of(container)
    dtype, shape = np.dtype(take_text(content.head, "dtype")), tuple(take_list(content.head, "shape", int, 64))
    if any(n < 0 for n in shape) or dtype.kind not in "biuf":
        raise AlteredError(f"the header states the shape {shape} and the type {dtype}")
    container.limits.check_decoded(math.prod(shape) * dtype.itemsize, "the array")
    result = decode_content(content, shape, dtype.newbyteorder("="), archive)
    return result.astype(dtype, copy=False)
