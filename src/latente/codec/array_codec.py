"""`ArrayCodec`: arrays to bytes within a bound that always holds, and back."""

from __future__ import annotations

__all__ = ["ArrayCodec", "ArrayInfo", "explain"]

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from latente.codec.arrays.bounds import Allowed, check_bound
from latente.codec.arrays.info import ArrayInfo, info_of
from latente.codec.arrays.stream import decode_stream, encode_stream
from latente.codec.container import unpack
from latente.codec.errors import AlteredError, CodecError
from latente.codec.limits import Limits

DAMAGED = (ValueError, TypeError, KeyError, IndexError, OverflowError, ArithmeticError, AttributeError)


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
        limits: what `decode` may allocate; None for `Limits()`.

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
        limits: Limits | None = None,
    ) -> None:
        self.max_error = max_error
        self.relative = relative
        self.psnr = psnr
        self.thorough = thorough
        self.limits = limits

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
        return encode_stream(x, self._allowed(x), [self.max_error, bool(self.relative), self.psnr], self.thorough)

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
            CodecError: when the stream is damaged, of another kind or version, or larger than the limits allow.
        """
        container = unpack(data, self.limits).expect("array")
        try:
            return decode_stream(container)
        except CodecError:
            raise
        except DAMAGED as error:
            raise AlteredError(f"the array cannot be decoded: {error}") from error

    @staticmethod
    def info(data: bytes) -> ArrayInfo:
        """Returns what a stream holds and how it was predicted, without decoding it.

        Example:
            >>> ArrayCodec.info(ArrayCodec().encode(np.zeros((3, 4)))).why
            'constant'
        """
        container = unpack(data).expect("array")
        try:
            return info_of(container, len(data))
        except DAMAGED as error:
            raise AlteredError(f"the stream's header cannot be read: {error}") from error


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
        'multilevel of integers: ... bits per value ...'
    """
    return ArrayCodec.info(data).why
