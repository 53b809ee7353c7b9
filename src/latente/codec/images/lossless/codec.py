"""`LosslessImageCodec`: pictures to bytes and back without any loss."""

from __future__ import annotations

__all__ = ["LosslessImageCodec"]

import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from latente.codec.damage import telling_damage
from latente.codec.errors import AlteredError
from latente.codec.images.info import ImageInfo
from latente.codec.images.lossless.predictors import NetworkPredictor
from latente.codec.images.lossless.stream import checked_pixels, read_plane, way_of
from latente.codec.images.pictures import as_batch, as_pictures, check_size, only_one, shape_in, without_channel
from latente.codec.limits import Limits, crc32c
from latente.codec.models import Model, hash_tensors
from latente.codec.saving import load_codec, save_codec
from latente.codec.streams import ContainerReader, ContainerWriter

if TYPE_CHECKING:
    from latente.training import Trainer

KIND, FILE = "image-lossless", "lossless-image-codec"
Pictures = NDArray[np.uint8]


@lru_cache(maxsize=4)
def predictor_of(model: Model) -> NetworkPredictor:
    """Returns a model's networks; raises AlteredError where they make no sense."""
    with telling_damage(f"the model {model.id!r} makes no sense"):
        found = NetworkPredictor(model.tensors)
    return found


def _suits(predictor: NetworkPredictor, shape: tuple[int, ...]) -> bool:
    """Whether networks can see pictures (n, height, width, channels)."""
    return shape[3] == predictor.colours and predictor.size in (None, shape[1:3])


class LosslessImageCodec(BaseEstimator):
    """Compresses 8-bit pictures so that every pixel comes back.

    Pixels are coded from coarse to fine, each predicted from known ones around it; what is left is coded with tables
    that adapt. A network of `fit` predicts, or linear predictions that are fitted to the picture, or the four nearest
    pixels alone, or zstd packs the pixels as they are: the smallest wins. All that decides is integers, so a stream
    decodes on every machine.

    Args:
        embed: whether a stream that needs a fitted model holds it or refers to it by its hash.
        trainer: how `fit` trains; None sees about 120,000 pictures.
        limits: what `decode` may allocate; None for `Limits()`.
        random_state: the seed of `fit`; None is 0.

    Attributes:
        model_: what `fit` learned.

    Raises:
        ImportError: from `encode` and `decode`, when the extra `codec` is not installed.

    Example:
        >>> picture = np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3)
        >>> codec = LosslessImageCodec()
        >>> data = codec.encode(picture)
        >>> bool((codec.decode(data) == picture).all()), LosslessImageCodec.info(data).exact
        (True, True)
    """

    model_: Model

    def __init__(
        self, *, embed: bool = False, trainer: Trainer | None = None, limits: Limits | None = None,
        random_state: int | None = None,
    ) -> None:  # fmt: skip
        self.embed = embed
        self.trainer = trainer
        self.limits = limits
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Trains networks for the user's own kind of pictures.

        Args:
            X: (n, h, w) or (n, h, w, 3), uint8. Up to 4,096 pixels a picture, the networks know their places and code
                pictures of this size only.
            y: ignored.

        Raises:
            TypeError: when they are no such pictures.
            ValueError: when their sizes differ.
        """
        from latente.codec.images.lossless.model import fit_lossless

        tensors = fit_lossless(as_batch(X), trainer=self.trainer, seed=self.random_state or 0)
        self.model_ = Model(f"lossless-{hash_tensors(tensors)[:12]}", tensors)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def encode(self, image: ArrayLike) -> bytes:
        """Returns a picture as a .lat stream.

        Args:
            image: uint8, (h, w) grey or (h, w, 3).

        Raises:
            TypeError: for any other array.
        """
        return self._encode(as_pictures(image))

    def encode_many(self, images: ArrayLike) -> bytes:
        """Returns pictures of equal size as one stream with one header.

        Args:
            images: uint8, (n, h, w) or (n, h, w, 3), or a list.

        Raises:
            TypeError: for any other array.
            ValueError: for pictures of different sizes.
        """
        return self._encode(as_batch(images))

    def _encode(self, pictures: Pictures) -> bytes:
        file = io.BytesIO()
        self.write(file, pictures)
        return file.getvalue()

    def write(
        self,
        file: BinaryIO,
        pictures: Pictures,
        fields: Mapping[str, Any] | None = None,
        extras: Mapping[str, tuple[bytes, int]] | None = None,
    ) -> None:
        """Writes a stream, as `encode` returns it, to a file; for files of pictures.

        Args:
            file: open for writing bytes.
            pictures: (n, height, width, channels).
            fields: more of the header.
            extras: content of more sections and the CRC of what it decodes to, by their names.
        """
        check_size(pictures.shape)
        model = getattr(self, "model_", None)
        predictor = None if model is None else predictor_of(model)
        if predictor is not None and not _suits(predictor, pictures.shape):
            predictor = None
        data = checked_pixels(pictures, predictor)
        needed = model if way_of(data) == "network" else None
        ref = needed if self.embed or needed is None else needed.ref
        with ContainerWriter(file, KIND, {"shape": list(pictures.shape)} | dict(fields or {}), ref) as writer:
            writer.write("pixels", data, crc32c(np.ascontiguousarray(pictures)))
            for name, (content, crc) in (extras or {}).items():
                writer.write(name, content, crc)

    def decode(self, data: bytes) -> Pictures:
        """Returns the picture of a stream that `encode` made: uint8, (h, w) or (h, w, 3).

        Args:
            data: the stream.

        Raises:
            CodecError: when it is damaged, of another kind or version, larger than the limits allow, or needs a model
                that is not at hand.
            ValueError: when it holds more than one picture.
        """
        return only_one(self.decode_many(data))

    def decode_many(self, data: bytes) -> Pictures:
        """Returns the pictures of a stream that `encode_many` made: uint8, (n, h, w) or (n, h, w, 3).

        Args:
            data: the stream.

        Raises:
            CodecError: as `decode`.
        """
        return without_channel(self.read(ContainerReader(io.BytesIO(data), self.limits)))

    def read(self, reader: ContainerReader) -> Pictures:
        """Returns the pictures of a reader's stream, (n, height, width, channels).

        Args:
            reader: of a stream of kind `image-lossless`.
        """
        reader.expect(KIND)
        with telling_damage("the pictures cannot be decoded"):
            pictures = self._decoded(reader)
        return pictures

    def _decoded(self, reader: ContainerReader) -> Pictures:
        shape = shape_in(reader.header)
        reader.limits.check_decoded(3 * int(np.prod(shape, dtype=object)), "pictures and their planes")
        predictor = None
        if reader.model is not None:
            model = reader.load_model([self.model_] if hasattr(self, "model_") else [])
            predictor = None if model is None else predictor_of(model)
            if predictor is not None and not _suits(predictor, shape):
                raise AlteredError(f"the model is for other pictures than those of the shape {shape}")
        return read_plane(reader, "pixels", shape, predictor)

    @staticmethod
    def info(data: bytes) -> ImageInfo:
        """Returns what a stream says of its pictures, without decoding it.

        Args:
            data: the stream.

        Raises:
            CodecError: when it is damaged or of another kind.
        """
        reader = ContainerReader(io.BytesIO(data)).expect(KIND)
        return ImageInfo(shape_in(reader.header), len(data), reader.model)

    def save(self, path: str | Path) -> Path:
        """Writes the codec with its fitted model to a file; `LosslessImageCodec.load` reads it.

        Args:
            path: of the file.
        """
        return save_codec(path, FILE, {"embed": bool(self.embed)}, getattr(self, "model_", None))

    @property
    def model(self) -> Model | None:
        """What `fit` learned; None without it."""
        return getattr(self, "model_", None)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Returns the codec that `save` wrote.

        Args:
            path: of the file.

        Raises:
            CodecError: when the file is damaged or of another kind.
            FileNotFoundError: when it is not there.
        """
        container = load_codec(path, FILE, "LosslessImageCodec")
        codec = cls(embed=bool(container.header.get("embed")))
        if container.model is not None:
            codec.model_ = container.find_model()
            predictor_of(codec.model_)  # so that a damaged model is found here
        return codec
