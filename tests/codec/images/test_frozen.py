"""Streams that were written once: what they decode to may never change, whatever the next versions do.

The PNG files beside them are what was decoded then. Lossy pixels may differ by a rounding between machines; symbols may
not, and their CRC is in the stream.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latente.codec import ImageCodec, LosslessImageCodec

FROZEN = Path(__file__).parent / "frozen"


def stored(name: str) -> tuple[bytes, np.ndarray]:
    with Image.open(FROZEN / f"{name}.png") as image:
        return (FROZEN / f"{name}.lat").read_bytes(), np.asarray(image).astype(int)


@pytest.mark.parametrize("name", ["photos-1-low", "photos-1-high"])
def test_pictures_of_the_shipped_model(name: str) -> None:
    stream, before = stored(name)
    assert np.abs(ImageCodec().decode(stream).astype(int) - before).max() <= 1


def test_tiny_pictures_as_wholes() -> None:
    """The stream holds its model of pictures 5 x 4, a small one; it has large tables, so it is packed."""
    stream = lzma.decompress((FROZEN / "whole.lat.xz").read_bytes())
    with Image.open(FROZEN / "whole.png") as image:
        before = np.asarray(image).astype(int).reshape(-1, 5, 4)
    assert len(before) == 64
    assert np.abs(ImageCodec().decode_many(stream).astype(int) - before).max() <= 1


def test_lossless_pictures() -> None:
    stream, before = stored("lossless")
    assert np.array_equal(LosslessImageCodec().decode(stream), before)


def test_a_picture_file_without_a_loss(tmp_path: Path) -> None:
    from latente.codec import decompress_file

    back = decompress_file(FROZEN / "file.lat", tmp_path / "file.png").output
    with Image.open(back) as ours, Image.open(FROZEN / "file.png") as before:
        assert np.array_equal(np.asarray(ours), np.asarray(before))
        assert ours.info == before.info
