"""`ImageCodec`: pictures to bytes and back, with a learned model that ships with the package or is the user's own."""

from __future__ import annotations

__all__ = ["ImageCodec"]

import io
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from latente.codec.errors import AlteredError, CodecError, NotOursError
from latente.codec.images.integers import QUALITIES
from latente.codec.images.model import ImageModel, model_of
from latente.codec.images.module import ImageModule
from latente.codec.images.stream import KIND, decode_pictures, encode_pictures
from latente.codec.limits import Limits
from latente.codec.models import Model
from latente.codec.streams import ContainerReader
from latente.parts import is_number

DAMAGED = (ValueError, TypeError, KeyError, IndexError, OverflowError, ArithmeticError, AttributeError, StopIteration)


class ImageCodec(BaseEstimator):
    """Draft."""

    def __init__(self, *, embed: bool = False, limits: Limits | None = None, random_state: Any = None) -> None:
        self.embed = embed
        self.limits = limits
        self.random_state = random_state

    model_: ImageModel

    @classmethod
    def of(cls, module: ImageModule, id: str) -> Self:
        """Returns a codec of a trained module."""
        codec = cls()
        codec.model_ = ImageModel(model_of(module, id))
        return codec

    def encode(self, image: ArrayLike, quality: float = 0.5) -> bytes:
        """Returns a picture as a .lat stream."""
        return encode_pictures(as_pictures(image), as_quality(quality), self.model_, self.embed)

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """Returns the picture."""
        limits = self.limits or Limits()
        try:
            with ContainerReader(io.BytesIO(data), limits) as reader:
                if reader.kind != KIND:
                    raise NotOursError(f"this stream is of kind {reader.kind!r}; wanted: {KIND!r}")
                pictures = decode_pictures(reader, self.model_, limits)
        except CodecError:
            raise
        except DAMAGED as error:
            raise AlteredError(f"the picture cannot be decoded: {error}") from error
        picture = pictures[0]
        return picture[..., 0] if picture.shape[-1] == 1 else picture


def as_quality(quality: float) -> int:
    """The stream's integer for a quality in [0, 1]."""
    if not is_number(quality, 0, 1):
        raise ValueError(f"quality must be a number in [0, 1]; got {quality!r}")
    return round(quality * QUALITIES)


def as_pictures(image: ArrayLike) -> NDArray[np.uint8]:
    """One picture as (1, height, width, channels)."""
    x = np.asarray(image)
    if x.dtype != np.uint8 or x.size == 0 or not (x.ndim == 2 or (x.ndim == 3 and x.shape[2] in (1, 3))):
        raise TypeError(f"wanted uint8 (h, w) or (h, w, 3), not empty; got {x.dtype} {x.shape}")
    return x[None, ..., None] if x.ndim == 2 else x[None]
