"""Which of the two kinds of model codes pictures: position by position on a grid, or tiny ones as wholes."""

from __future__ import annotations

__all__ = ["AnyModel", "decode_pictures", "model_from", "preview", "write_pictures"]

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.images import stream
from latente.codec.images.model import ImageModel
from latente.codec.images.whole import stream as whole
from latente.codec.images.whole.model import FORMAT, WholeModel
from latente.codec.limits import Limits
from latente.codec.models import Model
from latente.codec.streams import ContainerReader

AnyModel = ImageModel | WholeModel
Pictures = NDArray[np.uint8]


def model_from(model: Model) -> AnyModel:
    """Returns what encoder and decoder run, of the kind that the tensors say.

    Args:
        model: of a stream or a file.

    Raises:
        NewerVersionError: for tensors of a network that this version does not know.
        AlteredError: for tensors that are no image model.
    """
    stated = model.tensors.get("format")
    is_whole = stated is not None and stated.dtype == np.int32 and stated.tolist() == [FORMAT]
    return WholeModel(model) if is_whole else ImageModel(model)


def write_pictures(
    file: BinaryIO,
    pictures: Pictures,
    quality: int,
    model: AnyModel,
    embed: bool = False,
    fields: Mapping[str, Any] | None = None,
    extras: Mapping[str, tuple[bytes, int]] | None = None,
) -> None:
    """Writes a stream; see `stream.write_pictures`.

    Args:
        file: open for writing bytes.
        pictures: (n, height, width, channels).
        quality: from 0 to QUALITIES.
        model: of the coefficients.
        embed: whether the stream holds the model.
        fields: more of the header.
        extras: more sections.

    Raises:
        ValueError: for pictures that the model does not code.
    """
    if isinstance(model, WholeModel):
        whole.write_pictures(file, pictures, quality, model, embed, fields, extras)
    else:
        stream.write_pictures(file, pictures, quality, model, embed, fields, extras)


def preview(pictures: Pictures, quality: int, model: AnyModel) -> Pictures:
    """Returns what pictures would be after encoding and decoding; nothing is coded.

    Args:
        pictures: (n, height, width, channels).
        quality: from 0 to QUALITIES.
        model: of the coefficients.
    """
    if isinstance(model, WholeModel):
        return whole.preview(pictures, quality, model)
    return stream.preview(pictures, quality, model)


def decode_pictures(reader: ContainerReader, model: AnyModel, limits: Limits) -> Pictures:
    """Returns (n, height, width, channels); see `stream.decode_pictures`.

    Args:
        reader: of the stream, of kind `image`.
        model: that it needs.
        limits: what may be allocated.
    """
    if isinstance(model, WholeModel):
        return whole.decode_pictures(reader, model, limits)
    return stream.decode_pictures(reader, model, limits)
