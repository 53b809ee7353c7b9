"""`ImageCodec`: pictures to bytes and back, with a learned model that ships with the package or is the user's own."""

from __future__ import annotations

__all__ = ["ImageCodec"]

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from latente.codec.damage import telling_damage
from latente.codec.errors import AlteredError
from latente.codec.images.info import ImageInfo
from latente.codec.images.integers import QUALITIES
from latente.codec.images.pictures import as_batch, as_pictures, only_one, without_channel
from latente.codec.images.registry import NEWEST, is_released, released, released_for
from latente.codec.images.stream import KIND, Header
from latente.codec.images.ways import AnyModel, decode_pictures, model_from, preview, write_pictures
from latente.codec.limits import Limits
from latente.codec.models import Model
from latente.codec.saving import load_codec, save_codec
from latente.codec.streams import ContainerReader
from latente.parts import is_number
from latente.training import Trainer

FILE = "image-codec"  # kind of what `save` writes
SENSELESS = "the picture cannot be decoded"
PIECE = 1 << 22  # values that are compared at a time
Picture = NDArray[np.uint8]


class ImageCodec(BaseEstimator):
    """Compresses pictures with a learned transform and context model; one model for all qualities.

    A lapped transform that training changed from the DCT makes coefficients, a context model predicts each from those
    coded before it, a small network corrects what is decoded. What decides probabilities runs in integers, so a stream
    decodes to the same symbols on every machine; pixels may differ by rounding.

    Without `fit`, the model that ships with the package is used.

    Args:
        embed: whether a stream holds a fitted model or refers to it by its hash; that of the package is never held.
        trainer: how `fit` trains; None for about 1,500 steps, or 3,000 where tiny pictures are coded as wholes.
        limits: what `decode` may allocate; None for `Limits()`.
        random_state: decides everything random in `fit`.

    Attributes:
        model_: what `fit` learned, or the chosen model of the package.

    Raises:
        ImportError: from `encode` and `decode`, when the extra `codec` is not installed.

    Example:
        >>> from latente.codec.images.exporting import export
        >>> from latente.codec.images.module import ImageModule
        >>> codec = ImageCodec()
        >>> codec.model_ = export(ImageModule(), [])  # untrained; `fit` trains one, `pretrained` has one
        >>> picture = np.full((30, 40, 3), 99, np.uint8)
        >>> data = codec.encode(picture, quality=0.8)
        >>> codec.decode(data).shape, ImageCodec.info(data).quality
        ((30, 40, 3), 0.80...)
    """

    def __init__(
        self,
        *,
        embed: bool = False,
        trainer: Trainer | None = None,
        limits: Limits | None = None,
        random_state: Any = None,
    ) -> None:
        self.embed = embed
        self.trainer = trainer
        self.limits = limits
        self.random_state = random_state

    model_: AnyModel

    @classmethod
    def pretrained(cls, name: str = NEWEST, **arguments: Any) -> Self:
        """Returns a codec with a model that ships with the package.

        Args:
            name: of the model.
            arguments: of the constructor.

        Raises:
            MissingModelError: when there is none of that name.
        """
        codec = cls(**arguments)
        codec.model_ = released(name)
        return codec

    def fit(self, X: ArrayLike | Sequence[ArrayLike], y: Any = None) -> Self:
        """Trains a model for the user's own kind of pictures, from that of the package where it ships one.

        Tiny pictures of one size (at most 1,024 values each; at least 2,000 pictures, and twice as many as each has
        values) get a model that codes each as a whole, and no pictures of another size.

        Args:
            X: pictures, (n, h, w) or (n, h, w, 3), or a list of (h, w) and (h, w, 3), uint8. Training sees crops of up
                to 128 x 128 pixels, at most 20,000 and 256 MB of them.
            y: ignored.

        Raises:
            TypeError: when they are no such pictures.
            ValueError: when there are fewer than two.
        """
        from latente.codec.images.fitting import fitted

        self.model_ = fitted(X, self.trainer, self.random_state)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    @property
    def model(self) -> Model:
        """The tensors with which it encodes, and their id."""
        return self._model.model

    @property
    def is_released(self) -> bool:
        """Whether its model ships with the package."""
        return is_released(self._model)

    @property
    def _model(self) -> AnyModel:
        return self.model_ if hasattr(self, "model_") else released()

    def save(self, path: str | Path) -> Path:
        """Writes the codec with its model to a file; `ImageCodec.load` reads it.

        Args:
            path: of the file, e.g. "slices.latmodel".
        """
        return save_codec(path, FILE, {"embed": bool(self.embed)}, self._model.model)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Returns the codec that `save` wrote.

        Args:
            path: of the file.

        Raises:
            CodecError: when the file is damaged or of another kind.
            FileNotFoundError: when it is not there.
        """
        container = load_codec(path, FILE, "ImageCodec")
        if container.model is None:
            raise AlteredError(f"{path} lacks its model")
        codec = cls(embed=bool(container.header.get("embed")))
        codec.model_ = model_from(container.find_model())
        codec.model_.check()  # so that a damaged model is found here
        return codec

    def encode(self, image: ArrayLike, quality: float = 0.5, *, psnr: float | None = None) -> bytes:
        """Returns a picture as a .lat stream.

        Args:
            image: uint8, (h, w) grey or (h, w, 3) red, green, blue.
            quality: from 0 (small) to 1 (good); about 0.1 to 3 bits a pixel for photographs.
            psnr: instead of a quality, the lowest peak signal-to-noise ratio, 10 log10(255^2 / mean squared error), in
                dB; the smallest quality that keeps it is searched for, which takes twenty times as long.

        Raises:
            TypeError: for any other array.
            ValueError: for a quality that is none, or a psnr that the codec does not reach.
        """
        return self._encode(as_pictures(image), quality, psnr)

    def encode_many(self, images: ArrayLike, quality: float = 0.5, *, psnr: float | None = None) -> bytes:
        """Returns pictures of equal size as one stream with one header.

        Args:
            images: uint8, (n, h, w) or (n, h, w, 3), or a list.
            quality: as for `encode`.
            psnr: as for `encode`, of all pictures together.
        """
        return self._encode(as_batch(images), quality, psnr)

    def _encode(self, pictures: Picture, quality: float, psnr: float | None) -> bytes:
        file = io.BytesIO()
        self.write(file, pictures, quality, psnr)
        return file.getvalue()

    def write(
        self,
        file: BinaryIO,
        pictures: Picture,
        quality: float,
        psnr: float | None = None,
        fields: Mapping[str, Any] | None = None,
        extras: Mapping[str, tuple[bytes, int]] | None = None,
    ) -> None:
        """Writes a stream, as `encode` returns it, to a file; for files of pictures.

        Args:
            file: open for writing bytes.
            pictures: (n, height, width, channels).
            quality: as for `encode`.
            psnr: as for `encode`.
            fields: more of the header; see `stream.write_pictures`.
            extras: more sections; see `stream.write_pictures`.
        """
        model = self._model
        level = as_level(quality) if psnr is None else _level_for(pictures, psnr, model)
        write_pictures(file, pictures, level, model, bool(self.embed) and not is_released(model), fields, extras)

    def decode(self, data: bytes) -> Picture:
        """Returns the picture of a stream that `encode` made: uint8, (h, w) or (h, w, 3).

        Args:
            data: the stream.

        Raises:
            CodecError: when the stream is damaged, of another kind or version, larger than the limits allow, or needs
                a model that is not at hand.
            ValueError: when it holds more than one picture.
        """
        return only_one(self.decode_many(data))

    def decode_many(self, data: bytes) -> Picture:
        """Returns the pictures of a stream that `encode_many` made: uint8, (n, h, w) or (n, h, w, 3).

        Args:
            data: the stream.

        Raises:
            CodecError: as `decode`.
        """
        return without_channel(self.read(ContainerReader(io.BytesIO(data), self.limits)))

    def read(self, reader: ContainerReader) -> Picture:
        """Returns the pictures of a reader's stream, (n, height, width, channels).

        Args:
            reader: of a stream of kind `image`.
        """
        reader.expect(KIND)
        with telling_damage(SENSELESS):
            pictures = decode_pictures(reader, self._model_of(reader), self.limits or Limits())
        return pictures

    def _model_of(self, reader: ContainerReader) -> AnyModel:
        """The model that a stream needs: its own, the fitted one, or one that ships with the package."""
        if reader.model is None:
            raise AlteredError("the stream does not say which model it needs")
        mine = getattr(self, "model_", None)
        if mine is not None and mine.model.ref.hash == reader.model.hash:
            return mine
        if reader.model.embedded:
            model = reader.load_model()
            return model_from(model if model is not None else Model("none", {}))
        return released_for(reader.model)

    @staticmethod
    def info(data: bytes) -> ImageInfo:
        """Returns what a stream says of its pictures, without decoding it.

        Args:
            data: the stream.

        Raises:
            CodecError: when it is damaged or of another kind.
        """
        return info_of(ContainerReader(io.BytesIO(data)).expect(KIND), len(data))


def info_of(reader: ContainerReader, size: int) -> ImageInfo:
    """What a reader's stream says of its pictures.

    Args:
        reader: of a stream of kind `image`.
        size: of the stream in bytes.
    """
    header = Header.from_json(reader.header)
    if reader.model is None:
        raise AlteredError("the stream does not say which model it needs")
    return ImageInfo(header.shape, size, reader.model, header.quality / QUALITIES)


def as_level(quality: float) -> int:
    """Returns the integer that a stream states for a quality in [0, 1]; raises ValueError for anything else."""
    if not is_number(quality, 0, 1):
        raise ValueError(f"quality must be a number in [0, 1]; got {quality!r}")
    return round(quality * QUALITIES)


def psnr_of(pictures: Picture, others: Picture) -> float:
    """Returns 10 log10(255^2 / mean squared error), infinite for equal pictures."""
    a, b = pictures.reshape(-1), others.reshape(-1)
    squared = 0
    for at in range(0, a.size, PIECE):  # no copy of all in a wider type: pictures may be large
        difference = a[at : at + PIECE].astype(np.int32) - b[at : at + PIECE]
        squared += int(np.square(difference).sum(dtype=np.int64))
    return float(10 * np.log10(255**2 * a.size / squared)) if squared else float("inf")


def _level_for(pictures: Picture, psnr: float, model: AnyModel) -> int:
    """The smallest quality with a PSNR; see `ImageCodec.encode`."""
    if not is_number(psnr, 0, 200):
        raise ValueError(f"psnr must be a number of dB in [0, 200]; got {psnr!r}")
    best = psnr_of(pictures, preview(pictures, QUALITIES, model))
    if best < psnr:
        raise ValueError(
            f"the codec reaches {best:.2f} dB at quality 1 on this picture, not {psnr:g} dB; ask for less, or use "
            "LosslessImageCodec (on the command line --lossless)"
        )
    low, high = 0, QUALITIES  # high keeps it
    while low < high:
        middle = (low + high) // 2
        if psnr_of(pictures, preview(pictures, middle, model)) >= psnr:
            high = middle
        else:
            low = middle + 1
    return high
