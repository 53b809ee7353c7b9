"""`LosslessImageCodec`: pictures to bytes and back without any loss."""

from __future__ import annotations

__all__ = ["LosslessImageCodec"]

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from latente.codec.container import Container, pack, unpack
from latente.codec.errors import AlteredError, CodecError
from latente.codec.fields import take_list
from latente.codec.images.lossless.predictors import NetworkPredictor
from latente.codec.images.lossless.stream import WAYS, decode_pixels, encode_pixels
from latente.codec.images.pictures import as_batch, as_pictures, without_channel
from latente.codec.limits import Limits, crc32c
from latente.codec.models import Model, hash_tensors
from latente.files import write_atomically

if TYPE_CHECKING:
    from latente.training import Trainer

KIND, FILE = "image-lossless", "lossless-image-codec"
LARGEST = 1 << 20  # pictures, rows or columns
FOLDER = Path(__file__).parent / "models"  # NAME.safetensors for the model of that id
PHOTOS = "photos-lossless-1"
DAMAGED = (ValueError, TypeError, KeyError, IndexError, OverflowError, ArithmeticError, AttributeError)
Pictures = NDArray[np.uint8]


@lru_cache(maxsize=4)
def released(name: str = PHOTOS) -> Model | None:
    """Returns a model that ships with the package, None where it ships none of that name."""
    from safetensors.numpy import load_file

    path = FOLDER / f"{name}.safetensors"
    return Model(name, load_file(path)) if path.is_file() else None


@lru_cache(maxsize=4)
def predictor_of(model: Model) -> NetworkPredictor:
    """Returns a model's networks; raises AlteredError where they make no sense."""
    try:
        return NetworkPredictor(model.tensors)
    except DAMAGED as error:
        raise AlteredError(f"the model {model.id!r} makes no sense: {error}") from error


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
        >>> bool((codec.decode(codec.encode(picture)) == picture).all())
        True
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
        if max(pictures.shape) > LARGEST:
            raise ValueError(f"at most {LARGEST:,} pictures, rows and columns; got {pictures.shape}")
        model = self.model_ if hasattr(self, "model_") else released()
        predictor = None if model is None else predictor_of(model)
        if predictor is not None and not _suits(predictor, pictures.shape):
            predictor = None
        data = encode_pixels(pictures, predictor)
        if (decode_pixels(data, pictures.shape, predictor) != pictures).any():
            data = encode_pixels(pictures, None, stored=True)
        needed = model if WAYS[data[0]] == "network" else None
        own = hasattr(self, "model_") and self.embed
        crc = crc32c(np.ascontiguousarray(pictures))
        ref = needed if own or needed is None else needed.ref
        return pack(KIND, {"shape": list(pictures.shape)}, {"pixels": data}, ref, {"pixels": crc})

    def decode(self, data: bytes) -> Pictures:
        """Returns the picture of a stream that `encode` made: uint8, (h, w) or (h, w, 3).

        Args:
            data: the stream.

        Raises:
            CodecError: when it is damaged, of another kind or version, larger than the limits allow, or needs a model
                that is not at hand.
            ValueError: when it holds more than one picture.
        """
        pictures = self.decode_many(data)
        if len(pictures) != 1:
            raise ValueError(f"the stream holds {len(pictures)} pictures; use decode_many")
        return pictures[0]

    def decode_many(self, data: bytes) -> Pictures:
        """Returns the pictures of a stream that `encode_many` made: uint8, (n, h, w) or (n, h, w, 3).

        Args:
            data: the stream.

        Raises:
            CodecError: as `decode`.
        """
        container = unpack(data, self.limits).expect(KIND)
        try:
            pictures = self._decoded(container)
        except CodecError:
            raise
        except DAMAGED as error:
            raise AlteredError(f"the pictures cannot be decoded: {error}") from error
        container.check_symbols("pixels", pictures)
        return without_channel(pictures)

    def _decoded(self, container: Container) -> Pictures:
        shape = tuple(take_list(container.header, "shape", int, 4))
        if len(shape) != 4 or shape[3] not in (1, 3) or not all(0 < n <= LARGEST for n in shape):
            raise AlteredError(f"the header's 'shape' is not that of pictures: {shape}")
        container.limits.check_decoded(3 * int(np.prod(shape, dtype=object)), "pictures and their planes")
        predictor = None
        if container.model is not None:
            mine = [self.model_] if hasattr(self, "model_") else []
            predictor = predictor_of(container.find_model([*mine, *filter(None, [released()])]))
            if not _suits(predictor, shape):
                raise AlteredError(f"the model is for other pictures than those of the shape {shape}")
        return decode_pixels(container.section("pixels"), shape, predictor)

    def save(self, path: str | Path) -> Path:
        """Writes the codec with its fitted model to a file; `LosslessImageCodec.load` reads it.

        Args:
            path: of the file.
        """
        model = self.model_ if hasattr(self, "model_") else None
        write_atomically(Path(path), pack(FILE, {"embed": bool(self.embed)}, {}, model))
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Returns the codec that `save` wrote.

        Args:
            path: of the file.

        Raises:
            CodecError: when the file is damaged or of another kind.
            FileNotFoundError: when it is not there.
        """
        container = unpack(Path(path).read_bytes()).expect(FILE)
        codec = cls(embed=bool(container.header.get("embed")))
        if container.model is not None:
            codec.model_ = container.find_model()
            predictor_of(codec.model_)  # so that a damaged model is found here
        return codec
