"""The idx reader against arrays written here byte by byte, and every way a file can be broken."""

from __future__ import annotations

import gzip
import hashlib
import struct

import numpy as np
import pytest

from latente.datasets.idx import parse_idx, read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[array.dtype.str[1:]], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("shape", [(5,), (0, 3), (2, 3), (2, 3, 4), (1, 2, 1, 3)])
def test_round_trip_of_every_dtype(code, shape):
    array = np.random.default_rng(0).normal(scale=50, size=shape).astype(code)
    read = parse_idx(idx_bytes(array), "x")
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert np.array_equal(read, array)
    assert read.flags.writeable


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_plain_and_gzipped_files(tmp_path, pack):
    content = idx_bytes(IMAGES)
    (tmp_path / "images").write_bytes(pack(content))
    read = read_idx(tmp_path / "images", hashlib.sha256(content).hexdigest())
    assert np.array_equal(read, IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no idx file"),
        (b"\x00\x00\x08", "no idx file"),
        (b"\x89PNG\r\n\x1a\n", r"no idx file: it starts with '89504e47'"),
        (b"\x00\x00\x07\x01\x00\x00\x00\x00", "unknown idx dtype 0x07; allowed are 0x08, 0x09, 0x0b"),
        (b"\x00\x00\x08\x03\x00\x00\x00\x02", "ends in its header: 8 bytes, 3 dimensions need 16"),
        (idx_bytes(IMAGES)[:-1], r"has 39 bytes, its header \(\(2, 3, 4\) uint8\) promises 40"),
        (idx_bytes(IMAGES) + b"\x00", "has 41 bytes, .* promises 40"),
        (b"\x00\x00\x0e\x02" + b"\xff" * 8, "has 12 bytes, .* promises 147573952520"),
    ],
)
def test_broken_content(content, message):
    with pytest.raises(ValueError, match=message) as raised:
        parse_idx(content, "labels.gz")
    assert str(raised.value).startswith("labels.gz ")


def flipped(packed, position):
    return packed[:position] + bytes([packed[position] ^ 0xFF]) + packed[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:3],
        lambda packed: flipped(packed, 2),
        lambda packed: flipped(packed, 14),
        lambda packed: flipped(packed, -5),
        lambda packed: packed + b"rubbish",
    ],
    ids=["half", "stub", "method", "body", "checksum", "tail"],
)
def test_damaged_gzip(tmp_path, damage):
    path = tmp_path / "images.gz"
    path.write_bytes(damage(gzip.compress(idx_bytes(IMAGES))))
    with pytest.raises(ValueError, match="images.gz is damaged gzip data .* a fresh copy is needed"):
        read_idx(path)


def test_other_content_than_promised(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(IMAGES))
    with pytest.raises(ValueError, match="images is not the original file: .* expected 00"):
        read_idx(path, "00" * 32)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
