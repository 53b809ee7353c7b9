"""Blocks of values in files: their bytes as the page has them, and what is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from latente.codec import AlteredError, CodecError, compress_file, crc32c, unpack
from latente.codec.arrays.allowed import Allowed
from latente.codec.arrays.content import encode_content
from latente.codec.arrays.heads import unpack_head
from latente.codec.bounds import Target
from latente.codec.files.base import Settings
from latente.codec.files.coder import code_block, explain_block, read_block

WAVE = np.sin(np.arange(5000) / 70).reshape(50, 100).astype(np.float32)
SETTINGS = Settings()


@pytest.fixture(scope="module")
def block() -> bytes:
    return code_block(WAVE, Target(max_error=1e-3), SETTINGS).content


def test_a_block_has_no_container_of_its_own(block):
    values = read_block(block, WAVE.shape, WAVE.dtype, SETTINGS)
    assert np.abs(values - WAVE).max() <= 1e-3
    first, check, length = struct.unpack("<BII", block[:9])
    assert (first, check) == (3, crc32c(values))
    assert set(unpack_head(block[9 : 9 + length])) == {"blocks"}
    assert explain_block(block).text.startswith(("transform", "multilevel"))


def test_every_cut_and_flip_of_a_block_is_an_error_or_the_original(block):
    whole = read_block(block, WAVE.shape, WAVE.dtype, SETTINGS).tobytes()
    places = np.random.default_rng(0).integers(0, len(block), 60).tolist()
    flips = [block[:at] + bytes([block[at] ^ 1 << at % 8]) + block[at + 1 :] for at in places]
    for wrong in [block[:at] for at in (*range(12), *places)] + flips:
        try:
            assert read_block(wrong, WAVE.shape, WAVE.dtype, SETTINGS).tobytes() == whole
        except CodecError:
            continue


def test_a_block_of_another_shape_or_type_or_with_a_mask_is_refused(block):
    for shape, dtype in (((50, 99), "f4"), ((50, 100), "f8"), ((50, 100), "V4"), ((50, 100), "?")):
        with pytest.raises(AlteredError):
            read_block(block, shape, np.dtype(dtype), SETTINGS)
    content = encode_content(np.ma.masked_greater(WAVE, 0.9), Allowed(1e-3))
    masked = struct.pack("<BI", 3, content.check) + content.to_bytes()
    with pytest.raises(AlteredError, match="a block becomes MaskedArray"):
        read_block(masked, WAVE.shape, WAVE.dtype, SETTINGS)


def test_small_files_are_small(tmp_path):
    np.save(tmp_path / "wave.npy", WAVE[:2])
    done = compress_file(tmp_path / "wave.npy", max_error=1e-3)
    (block,) = unpack(done.output.read_bytes()).sections.values()
    assert done.compressed_bytes - len(block) < 100
    (tmp_path / "note.txt").write_text("a short note")
    assert compress_file(tmp_path / "note.txt").compressed_bytes < 90
