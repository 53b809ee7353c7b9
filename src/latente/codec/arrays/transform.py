"""The transform as a predictor: wavelet coefficients, quantised and coded, and corrections where the bound asks."""

from __future__ import annotations

__all__ = ["RATIO", "decode_transform", "encode_transform"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.coefficients import decode_coefficients, encode_coefficients
from latente.codec.arrays.corrections import decode_corrections, encode_corrections
from latente.codec.arrays.wavelet import analysis, synthesis

RATIO = 2.3  # step of the coefficients over the bound; a larger one needs more corrections
DEAD = 0.1  # by how much the interval of 0 is wider on each side, in steps
Field = NDArray[np.float64]
Header = dict[str, Any]
Sections = dict[str, bytes]


def _synthesised(coefficients: NDArray[np.int64], header: Header) -> Field:
    x = synthesis(coefficients.astype(np.float64) * (float(header["ratio"]) * float(header["bound"])))
    x += float(header["offset"])
    return x


def encode_transform(
    x: Field, bound: float, valid: NDArray[np.bool_] | None = None, *, ratio: float = RATIO, correct: bool = True
) -> tuple[Header, Sections, Field]:
    """Codes an array by its wavelet coefficients.

    Args:
        x: float64, finite.
        bound: the largest error allowed, above 0.
        valid: points that count; None: all.
        ratio: step of the coefficients over the bound.
        correct: whether points outside the bound are corrected.

    Returns:
        header, sections, and the array as the decoder will have it.
    """
    header: Header = {"offset": float(f"{x.mean():.4g}"), "bound": bound, "ratio": ratio}
    scaled = analysis(x - header["offset"])
    scaled *= 1 / (ratio * bound)
    magnitude = np.abs(scaled)
    magnitude += 0.5 - DEAD
    coefficients = np.copysign(np.floor(magnitude), scaled).astype(np.int64)
    sections = encode_coefficients(coefficients)
    result = _synthesised(coefficients, header)
    if correct:
        left = x - result
        wrong = np.abs(left) > bound
        if valid is not None:
            wrong &= valid
        fixes = np.where(wrong, np.rint(left * (1 / (2 * bound))), 0)
        sections["corrections"] = encode_corrections(
            (fixes if valid is None else fixes[valid]).ravel().astype(np.int64)
        )
        result += fixes * (2 * bound)
    return header, sections, result


def decode_transform(
    header: Header, sections: Sections, shape: tuple[int, ...], valid: NDArray[np.bool_] | None = None
) -> Field:
    """The inverse of `encode_transform`.

    Raises:
        ValueError: when the sections are damaged.
    """
    result = _synthesised(decode_coefficients(sections, shape), header)
    if sections.get("corrections"):
        fixes = decode_corrections(sections["corrections"], result.size if valid is None else int(valid.sum()))
        if valid is None:
            result += fixes.reshape(shape) * (2 * float(header["bound"]))
        else:
            result[valid] += fixes * (2 * float(header["bound"]))
    return result
