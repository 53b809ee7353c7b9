"""`ArrayCodec`: arrays to bytes within a bound that always holds, and back."""

from __future__ import annotations

__all__ = ["ArrayCodec", "ArrayInfo", "explain"]

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone

from latente.codec.arrays.allowed import Allowed, check_bound
from latente.codec.arrays.block import worked_shape
from latente.codec.arrays.finite import filled
from latente.codec.arrays.info import ArrayInfo, array_info
from latente.codec.arrays.stream import decode_stream, encode_stream
from latente.codec.arrays.tiles import tile_shape
from latente.codec.container import Container, unpack
from latente.codec.damage import telling_damage
from latente.codec.limits import Limits
from latente.codec.models import Model
from latente.codec.saving import load_codec, save_codec
from latente.parts import is_integer

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive
    from latente.estimators import Autoencoder

SETTINGS = ("max_error", "relative", "psnr", "thorough", "latent_dim", "embed")


class ArrayCodec(BaseEstimator):
    """Compresses arrays of booleans, integers and floating-point values within a bound that holds for every value.

    What is decoded differs from the array by at most the bound, after the cast to the array's type: |x - x'| <= e for
    every finite value. NaN, infinities, and the mask of a masked array and what it hides are kept bit by bit. Several
    ways to predict the values compete for each array: multilevel interpolation, a wavelet transform, integer
    differences, and, after `fit`, an autoencoder. `info` says which won, and why.

    Args:
        max_error: the largest error e; 0 keeps every bit, the sign of zero too.
        relative: whether max_error is a share of the range (largest - smallest finite value) or in the data's unit.
        psnr: instead of max_error, the lowest peak signal-to-noise ratio, 20 log10(range / rmse), in dB.
        thorough: whether all ways to predict are tried on the whole array; several times slower, a little smaller.
        latent_dim: size of the autoencoder's code, for `fit`.
        autoencoder: what `fit` trains instead of its default, an `Autoencoder` of rows of numbers.
        embed: whether a stream that needs the fitted model holds it or refers to it by its hash. Held, its size (some
            megabytes) counts in the competition, so it is used where that pays.
        limits: what `decode` may allocate; None for `Limits()`.
        random_state: decides everything random in `fit`.

    Attributes:
        archive_: what `fit` learned.

    Raises:
        ValueError: from `encode`, for a bound that makes no sense.
        ImportError: from `encode` and `decode`, when the extra `codec` is not installed.

    Example:
        >>> x = np.sin(np.linspace(0, 20, 30_000)).astype(np.float32).reshape(100, 300)
        >>> codec = ArrayCodec(max_error=1e-3)
        >>> data = codec.encode(x)
        >>> bool(np.abs(codec.decode(data) - x).max() <= 1e-3 * np.ptp(x)), len(data) < x.nbytes / 20
        (True, True)
    """

    def __init__(
        self,
        max_error: float = 1e-3,
        relative: bool = True,
        psnr: float | None = None,
        *,
        thorough: bool = False,
        latent_dim: int = 16,
        autoencoder: Autoencoder | None = None,
        embed: bool = False,
        limits: Limits | None = None,
        random_state: Any = None,
    ) -> None:
        self.max_error = max_error
        self.relative = relative
        self.psnr = psnr
        self.thorough = thorough
        self.latent_dim = latent_dim
        self.autoencoder = autoencoder
        self.embed = embed
        self.limits = limits
        self.random_state = random_state

    archive_: Archive

    def fit(self, X: ArrayLike | Sequence[ArrayLike], y: Any = None) -> Self:
        """Learns from an archive of similar arrays: an autoencoder of samples, which then competes for every array.

        Samples of more than 4,096 values are cut into tiles. The streams of a fitted codec refer to what it learned, or
        hold it (`embed`); `save` keeps it.

        Args:
            X: samples along the first axis, or a list of arrays of one shape each. What is encoded later is one such
                sample, or several along new first axes.
            y: ignored.

        Raises:
            ValueError: when there are fewer than two samples, or their shapes differ in the number of axes.
        """
        self.archive_ = learned(X, self.latent_dim, self.autoencoder, self.random_state)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "archive_")

    def save(self, path: str | Path) -> Path:
        """Writes the codec, with what it learned, to a file; `ArrayCodec.load` reads it.

        Args:
            path: of the file, e.g. "climate.latmodel".
        """
        settings = {name: getattr(self, name) for name in SETTINGS}
        model = self.archive_.model if hasattr(self, "archive_") else None
        return save_codec(path, "array-codec", settings, model)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Returns the codec that `save` wrote.

        Args:
            path: of the file.

        Raises:
            CodecError: when the file is damaged or of another kind.
            FileNotFoundError: when it is not there.
        """
        container = load_codec(path, "array-codec", "ArrayCodec")
        with telling_damage(f"{path} cannot be read"):
            codec = cls(**{name: container.header[name] for name in SETTINGS})
            if container.model is not None:
                codec.archive_ = restored_archive(container)
        return codec

    def encode(self, array: ArrayLike) -> bytes:
        """Returns the array as a .lat stream.

        Args:
            array: numbers or booleans of any shape, also a masked array. float16, float32 and float64 are taken, and
                all integers.

        Raises:
            TypeError: for any other type, with what to do.
        """
        check_bound(self.max_error, self.relative, self.psnr)
        x = np.asanyarray(array)
        check_type(x)
        stated = [self.max_error, bool(self.relative), self.psnr]
        archive = getattr(self, "archive_", None)
        return encode_stream(x, self._allowed(x), stated, self.thorough, archive, self.embed)

    def _allowed(self, x: NDArray[Any]) -> Allowed:
        plain = np.ma.getdata(x)
        counted = ~np.ma.getmaskarray(x) if isinstance(x, np.ma.MaskedArray) else None
        if plain.dtype.kind == "f":
            counted = np.isfinite(plain) if counted is None else counted & np.isfinite(plain)
        return Allowed.of(plain if counted is None else plain[counted], self.max_error, self.relative, self.psnr)

    def decode(self, data: bytes) -> NDArray[Any]:
        """Returns the array of a stream that `encode` made, with any codec's settings.

        Args:
            data: the stream.

        Raises:
            CodecError: when the stream is damaged, of another kind or version, larger than the limits allow, or needs
                what another codec learned.
        """
        container = unpack(data, self.limits).expect("array")
        with telling_damage("the array cannot be decoded"):
            return decode_stream(container, self._archive_of(container))

    def _archive_of(self, container: Container) -> Archive | None:
        """What was learned and is needed for a stream."""
        if container.model is None:
            return None
        mine = getattr(self, "archive_", None)
        if mine is not None and mine.model.ref.hash == container.model.hash:
            return mine
        return restored_archive(container, [] if mine is None else [mine.model])

    @staticmethod
    def info(data: bytes) -> ArrayInfo:
        """Returns what a stream holds and how it was predicted, without decoding it.

        Example:
            >>> ArrayCodec.info(ArrayCodec().encode(np.zeros((3, 4)))).why
            'constant'
        """
        return array_info(data)


def learned(X: Any, latent_dim: int, autoencoder: Autoencoder | None, seed: Any) -> Archive:
    """What an archive teaches; see `ArrayCodec.fit`."""
    from latente.codec.arrays.archive import learn

    if not is_integer(latent_dim, low=1):
        raise ValueError(f"latent_dim must be an integer of at least 1; got {latent_dim!r}")
    samples = [np.asanyarray(x) for x in X]
    if len(samples) < 2:
        raise ValueError(f"an archive has at least two samples; got {len(samples)}")
    for x in samples:
        check_type(x)
    shapes = {worked_shape(x.shape) for x in samples}
    if len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"the samples of an archive have the same number of axes; got the shapes {sorted(shapes)[:3]}")
    fields = [whole for x in samples if (whole := as_field(x)) is not None]
    if len(fields) < 2:
        raise ValueError("fewer than two samples of the archive have any finite value")
    smallest = tuple(map(min, zip(*shapes, strict=True)))
    tile = tile_shape(smallest)
    tile = tuple(min(t, n) for t, n in zip(tile, smallest[len(smallest) - len(tile) :], strict=True))
    fitted = None if autoencoder is None else clone(autoencoder)
    return learn(fields, tile, fitted, latent_dim, seed)


def as_field(x: NDArray[Any]) -> NDArray[np.float64] | None:
    """A sample as finite float64 in the shape in which it is predicted; None when nothing in it is finite."""
    plain = np.ma.getdata(x).astype(np.float64).reshape(worked_shape(x.shape))
    valid = np.isfinite(plain) & ~np.ma.getmaskarray(x).reshape(plain.shape)
    if not valid.any():
        return None
    return plain if valid.all() else filled(plain, valid)


def restored_archive(container: Container, known: Sequence[Model] = ()) -> Archive:
    """The archive whose model a stream holds or refers to."""
    from latente.codec.arrays.archive import Archive

    return Archive.of(container.find_model(known))


def check_type(x: NDArray[Any]) -> None:
    """Raises TypeError for arrays that cannot be coded."""
    if x.dtype.kind in "biu" or (x.dtype.kind == "f" and x.dtype.itemsize <= 8):
        return
    if x.dtype.kind == "c":
        raise TypeError(
            f"ArrayCodec takes booleans, integers and float16, float32 or float64; got {x.dtype}: encode x.real and "
            "x.imag, or x.view of the real type"
        )
    raise TypeError(
        f"ArrayCodec takes booleans, integers and float16, float32 or float64; got {x.dtype}: convert it with astype"
    )


def explain(data: bytes) -> str:
    """How a stream's array was predicted, and why, in words.

    Example:
        >>> explain(ArrayCodec().encode(np.arange(1000) % 7))
        'lorenzo of integers: bits per value lorenzo ..., multilevel ...'
    """
    return ArrayCodec.info(data).why
