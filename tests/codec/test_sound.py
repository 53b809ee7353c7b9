"""WAV files: bit by bit, or to a stated signal-to-noise ratio; read back with Python's own module."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from scipy.signal import lfilter
from tests.codec.conftest import read_wav, write_wav

from latente.codec import ArrayCodec, compress_file, decompress_file, describe_file
from latente.codec.files.linear import from_residuals, to_residuals


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_without_loss_the_file_comes_back_bit_by_bit(width, sound, tmp_path):
    samples = sound.astype(np.int64) * 2 ** (8 * (width - 2)) if width > 1 else sound // 256
    path = write_wav(tmp_path / "x.wav", samples, width)
    with path.open("ab") as file:
        file.write(b"LIST\x04\0\0\0abcd")  # what is after the samples is kept, too
    done = compress_file(path)
    assert decompress_file(done.output, tmp_path / "y.wav").output.read_bytes() == path.read_bytes()
    assert done.kind == "wav"
    assert done.ratio > 1.2


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("snr", [20, 40])
def test_signal_to_noise_is_as_stated(width, snr, sound, tmp_path):
    samples = sound.astype(np.int64) * 256 ** (width - 2) if width > 1 else sound // 128
    path = write_wav(tmp_path / "x.wav", samples, width)
    done = compress_file(path, snr=snr)
    again = read_wav(decompress_file(done.output, tmp_path / "y.wav").output)
    power = np.square(samples.astype(float))
    noise = np.square(again - samples).mean()
    assert noise == 0 or 10 * np.log10(power.mean() / noise) >= snr
    exact = compress_file(path, tmp_path / "exact.lat").compressed_bytes
    assert done.compressed_bytes < exact or (width == 1 and noise == 0)


@pytest.mark.parametrize("shape", [(1, 1), (7, 2), (1024, 1), (8192, 2), (20_000, 3)])
def test_linear_prediction_is_undone_exactly(shape):
    rng = np.random.default_rng(shape[0])
    smooth = np.cumsum(np.cumsum(rng.normal(size=shape), axis=0), axis=0)
    for samples in (np.rint(smooth * 20), rng.integers(-(1 << 23), 1 << 23, shape), np.zeros(shape)):
        needed, left = to_residuals(samples.astype(np.int64))
        np.testing.assert_array_equal(from_residuals(needed, left), samples)
    assert to_residuals(np.full((50, 1), 1 << 40)) is None


@pytest.mark.parametrize(("dtype", "deviation"), [(np.int16, 30.0), (np.int32, 4000.0)])
def test_what_linear_prediction_leaves_is_what_drives_the_sound(dtype, deviation):
    """A resonance driven by noise: no prediction can leave less than the noise, and this one leaves little more."""
    noise = np.random.default_rng(0).normal(0, deviation, 50_000)
    samples = np.rint(lfilter([1], [1, -1.9, 0.95], noise)).astype(dtype)[:, None]
    _, left = to_residuals(samples)
    assert deviation * 0.99 < left.std() < deviation * 1.03
    assert samples.std() > 10 * deviation


def test_linear_prediction_pays_for_a_chord(sound, tmp_path):
    done = compress_file(write_wav(tmp_path / "x.wav", sound))
    assert done.parts[0].method.startswith("linear prediction, then")
    assert describe_file(done.output).parts[0].method == done.parts[0].method
    plain = len(ArrayCodec(max_error=0).encode(sound))
    assert done.compressed_bytes < 0.97 * plain


def test_largest_error(sound, tmp_path):
    path = write_wav(tmp_path / "x.wav", sound)
    done = compress_file(path, max_error=20, relative=False)
    again = read_wav(decompress_file(done.output, tmp_path / "y.wav").output)
    assert 0 < np.abs(again - sound).max() <= 20
    assert done.largest_error == np.abs(again - sound).max()


def test_loud_samples_do_not_wrap_around(tmp_path):
    samples = np.where(np.arange(4000)[:, None] % 40 < 20, (1 << 23) - 1, -(1 << 23))
    done = compress_file(write_wav(tmp_path / "x.wav", samples, 3), max_error=0.01)
    again = read_wav(decompress_file(done.output, tmp_path / "y.wav").output)
    assert np.abs(again - samples).max() <= 0.01 * (1 << 24)


def test_floats_and_other_codes(sound, tmp_path):
    values = (sound / 32768).astype("<f4")
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0, b"WAVE", b"fmt ", 16, 3, 2, 8000, 64000, 8, 32)
    raw = head + struct.pack("<4sI", b"data", values.nbytes) + values.tobytes()
    (tmp_path / "x.wav").write_bytes(raw)
    done = compress_file(tmp_path / "x.wav", max_error=1e-3)
    found = decompress_file(done.output, tmp_path / "y.wav").output.read_bytes()
    again = np.frombuffer(found[44:], "<f4").reshape(-1, 2)
    assert found[:44] == raw[:44]
    assert np.abs(again - values).max() <= 1e-3 * np.ptp(values.astype(float))
    (tmp_path / "law.wav").write_bytes(raw.replace(struct.pack("<HH", 3, 2), struct.pack("<HH", 7, 2), 1))
    law = compress_file(tmp_path / "law.wav")
    assert law.kind == "bytes"
    assert "code 7" in law.notes[0]
