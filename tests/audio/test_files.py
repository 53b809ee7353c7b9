"""Sound files: what goes in comes out, and what cannot be read or written says why."""

from __future__ import annotations

import builtins
import io
import struct
import wave

import numpy as np
import pytest
import scipy.io.wavfile

from latente.audio import (
    ClippingWarning,
    open_sound,
    read_sound,
    resample,
    sound_info,
    stream_sound,
    wav_bytes,
    write_sound,
)
from latente.audio.signals import as_signal, clipped_samples
from latente.metrics import snr

RATE = 8000


@pytest.fixture
def tone():
    t = np.arange(RATE) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


@pytest.mark.parametrize(
    ("encoding", "step"), [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("FLOAT", 0)]
)
def test_wav_keeps_samples_to_its_own_step(tmp_path, tone, encoding, step):
    path = write_sound(tmp_path / "a.wav", tone, RATE, encoding=encoding)
    sound = read_sound(path)
    assert (sound.sample_rate, sound.info.encoding, sound.resampled) == (RATE, encoding, False)
    assert np.abs(sound.samples - tone).max() <= step


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_integer_wavs_are_read_as_the_standard_library_wrote_them(tmp_path, bits):
    values = np.array([0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))], dtype=np.int64)
    raw = values + 128 if bits == 8 else values
    data = b"".join(int(v).to_bytes(bits // 8, "little", signed=bits != 8) for v in raw)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, bits // 8, RATE, 0, "NONE", ""))
        file.writeframes(data)
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav").samples, values / 2 ** (bits - 1), atol=1e-7)


def test_what_is_written_scipy_reads(tmp_path):
    stereo = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 500)).astype(np.float32)
    rate, samples = scipy.io.wavfile.read(write_sound(tmp_path / "a.wav", stereo, 44100))
    assert rate == 44100
    np.testing.assert_allclose(samples.T / 2**15, stereo, atol=2**-15)


@pytest.mark.parametrize("channels", [1, 2])
def test_wav_bytes_are_those_of_a_written_file(tmp_path, channels):
    """The one writer that needs no library against libsndfile's."""
    samples = np.random.default_rng(0).integers(-32768, 32768, (channels, 500)) / 32768
    path = write_sound(tmp_path / "a.wav", samples, 22050)
    assert wav_bytes(samples, 22050) == path.read_bytes()
    loud = scipy.io.wavfile.read(io.BytesIO(wav_bytes(np.array([1.5, -1.5, 0.5]), 8000)))[1]
    np.testing.assert_array_equal(loud, [32767, -32768, 16384])


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_other_formats_and_stereo(tmp_path, tone, suffix):
    path = write_sound(tmp_path / f"a{suffix}", np.stack([tone, -tone]), RATE)
    sound = read_sound(path)
    assert sound.samples.shape == (2, RATE)
    assert sound.info.format == {".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3"}[suffix]
    assert snr(sound.samples[0], tone) > {".flac": 80, ".ogg": 15, ".mp3": 12}[suffix]  # dB
    assert np.abs(read_sound(path, mono=True).samples).max() < 0.05


def test_long_ogg_does_not_overrun_the_encoder(tmp_path):
    path = write_sound(tmp_path / "a.ogg", np.zeros(3_000_000, dtype=np.float32), 44100)
    assert sound_info(path).frames == 3_000_000


def test_resampling_keeps_a_tone_and_says_so(tmp_path, tone):
    sound = read_sound(write_sound(tmp_path / "a.wav", tone, RATE), 22050)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    assert sound.samples.shape == (22050,)
    assert np.abs(sound.samples - expected)[200:-200].max() < 1e-3
    assert sound.resampled
    assert "resampled from 8000 to 22050 Hz" in sound.describe()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [None, 16000, 5512])
def test_streaming_gives_what_reading_gives(tmp_path, rate, channels):
    samples = np.random.default_rng(0).normal(0, 0.1, (channels, 50_001)).astype(np.float32)
    path = write_sound(tmp_path / "a.wav", samples, RATE, encoding="FLOAT")
    whole = np.atleast_2d(read_sound(path, rate).samples)
    pieces = [np.atleast_2d(piece) for piece in stream_sound(path, rate, seconds=0.7)]
    assert len(pieces) > 3
    together = np.concatenate(pieces, axis=-1)
    assert together.shape == whole.shape
    np.testing.assert_allclose(together, whole, atol=0 if rate is None else 2e-6)


def test_one_sample_and_the_same_sample_rate(tmp_path):
    path = write_sound(tmp_path / "a.wav", np.array([0.5]), RATE)
    np.testing.assert_allclose(read_sound(path).samples, [0.5])
    assert read_sound(path, 16000).samples.shape == (2,)


def test_clipping_and_silence_are_told(tmp_path):
    loud = np.clip(2 * np.sin(np.arange(1000) / 30), -1, 1)
    sound = read_sound(write_sound(tmp_path / "a.wav", loud, RATE))
    assert sound.clipped == int((np.abs(loud) == 1).sum())
    assert "clipped" in sound.describe()
    assert read_sound(write_sound(tmp_path / "b.wav", np.zeros(9), RATE)).silent
    assert clipped_samples(np.array([1, 0.5, 1, 1, 0.5, -1, -1, -1], dtype=np.float32)) == 3


def test_too_loud_is_cut_with_a_warning_but_not_in_float_files(tmp_path):
    with pytest.warns(ClippingWarning, match=r"1 of 3 samples beyond full scale"):
        path = write_sound(tmp_path / "a.wav", np.array([0.0, 1.5, -0.5]), RATE)
    np.testing.assert_allclose(read_sound(path).samples, [0, 1, -0.5], atol=1e-4)
    path = write_sound(tmp_path / "b.wav", np.array([0.0, 1.5, -0.5]), RATE, encoding="FLOAT")
    np.testing.assert_array_equal(read_sound(path).samples, np.array([0, 1.5, -0.5], dtype=np.float32))


def test_nan_is_refused_both_ways_and_nothing_is_left(tmp_path):
    bad = np.array([0.0, np.nan, 0.0, np.inf], dtype=np.float32)
    with pytest.raises(ValueError, match="2 samples that are NaN or infinite, the first at index 1"):
        write_sound(tmp_path / "a.wav", bad, RATE)
    assert list(tmp_path.iterdir()) == []
    scipy.io.wavfile.write(tmp_path / "b.wav", RATE, bad)
    with pytest.raises(ValueError, match=r"b.wav .* the first at index 1"):
        read_sound(tmp_path / "b.wav")


def test_a_writer_that_fails_leaves_the_old_file(tmp_path, tone):
    path = write_sound(tmp_path / "a.wav", tone, RATE)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="stop"), open_sound(path, RATE) as writer:  # noqa: PT012
        writer.write(tone[:100])
        raise RuntimeError("stop")
    with pytest.raises(ValueError, match="nothing to write"), open_sound(path, RATE):
        pass
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_sound(tmp_path):
    (tmp_path / "text.wav").write_text("this is a text, not a sound\n" * 9)
    (tmp_path / "empty.wav").write_bytes(b"")
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    (tmp_path / "header.wav").write_bytes(header + b"data" + struct.pack("<I", 0))
    with pytest.raises(ValueError, match=r"text.wav cannot be read as sound .*known: WAV"):
        read_sound(tmp_path / "text.wav")
    with pytest.raises(ValueError, match="empty.wav is empty"):
        read_sound(tmp_path / "empty.wav")
    with pytest.raises(ValueError, match="header.wav holds no samples"):
        read_sound(tmp_path / "header.wav")
    with pytest.raises(FileNotFoundError, match="no such sound file"):
        sound_info(tmp_path / "none.wav")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_sound(tmp_path)


def test_a_file_that_was_cut_off(tmp_path, tone):
    path = write_sound(tmp_path / "a.flac", np.random.default_rng(0).normal(0, 0.1, 90_000), RATE)
    path.write_bytes(path.read_bytes()[:-40_000])
    with pytest.raises(ValueError, match=r"a.flac is (cut off|damaged)"):
        read_sound(path)


def ogg_crc(page):
    """The checksum of an Ogg page (RFC 3533): polynomial 0x04c11db7, no reflection, its own field as zeros."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def promise_more(path, samples):
    """Makes the last page of an Ogg file say that it ends that much later."""
    content = bytearray(path.read_bytes())
    at = content.rfind(b"OggS")
    end = int.from_bytes(content[at + 6 : at + 14], "little") + samples
    content[at + 6 : at + 14] = end.to_bytes(8, "little")
    content[at + 22 : at + 26] = bytes(4)
    content[at + 22 : at + 26] = ogg_crc(content[at:]).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("channels", [1, 2])
def test_an_ogg_file_that_ends_before_its_header_says(tmp_path, channels):
    samples = np.random.default_rng(0).normal(0, 0.1, (channels, 100_000))
    path = write_sound(tmp_path / "a.ogg", samples, RATE)
    whole = read_sound(path).samples
    promise_more(path, 3000)
    assert sound_info(path).frames == 103_000
    message = r"\d+ of its 103000 samples \(0.3\d s, 2.\d%\) are missing at its end; what is there is read"
    for rate in (None, 2 * RATE):
        with pytest.warns(UserWarning, match=message):
            sound = read_sound(path, rate)
        assert 100_000 <= sound.info.frames < 100_500  # the last block is whole: its end was cut off by the header
        with pytest.warns(UserWarning, match=message):
            together = np.concatenate(list(stream_sound(path, rate, seconds=0.7)), axis=-1)
        assert together.shape[-1] == sound.info.frames * (1 if rate is None else 2)
        np.testing.assert_allclose(together, sound.samples, atol=0 if rate is None else 2e-6)
        if rate is None:
            np.testing.assert_array_equal(sound.samples[..., :100_000], whole)
    promise_more(path, 97_000)
    with pytest.raises(
        ValueError, match=r"a.ogg is cut off: \d+ of its 200000 samples \(12 s, (49.9|50.0)%\) are missing"
    ):
        read_sound(path)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (np.zeros(0), ValueError, "n at least 1"),
        (np.zeros((2, 3, 4)), ValueError, "shape"),
        (np.zeros((100, 2)), ValueError, "transpose"),
        (np.array(["a"]), TypeError, "real numbers"),
        (np.zeros(3, dtype=complex), TypeError, "real numbers"),
    ],
)
def test_what_is_no_signal(samples, error, message):
    with pytest.raises(error, match=message):
        as_signal(samples)


def test_settings_that_do_not_go_together(tmp_path, tone):
    with pytest.raises(ValueError, match=r"sound goes to .wav.*Did you mean '.wav'"):
        write_sound(tmp_path / "a.wave", tone, RATE)
    with pytest.raises(ValueError, match="have no encoding 'VORBIS'"):
        write_sound(tmp_path / "a.wav", tone, RATE, encoding="VORBIS")
    with pytest.raises(ValueError, match=r"mp3 cannot hold 1 channels at 9999 Hz"):
        write_sound(tmp_path / "a.mp3", tone, 9999)
    with pytest.raises(ValueError, match="whole number of Hz"):
        resample(tone, 8000, 0)
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_sound(tmp_path / "x" / "a.wav", tone, RATE)


def test_without_the_extra_the_error_names_it(tmp_path, tone, monkeypatch):
    path = write_sound(tmp_path / "a.wav", tone, RATE)
    real = builtins.__import__

    def refuse(name, *rest, **named):
        if name in ("soundfile", "soxr"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr("importlib.import_module", refuse)
    with pytest.raises(ImportError, match=r"soundfile; install it with: pip install 'latente\[audio\]'"):
        read_sound(path)
    with pytest.raises(ImportError, match="changing a sample rate needs soxr"):
        resample(tone, RATE, 16000)
    assert resample(tone, RATE, RATE) is not None


@pytest.mark.parametrize(("channels", "frames"), [(2, 1), (2, 65_537), (6, 4), (6, 65_540), (8, 65_537), (12, 3)])
def test_no_length_is_taken_for_a_transposed_array(tmp_path, channels, frames):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)
    with open_sound(tmp_path / "a.wav", 44100, channels, encoding="FLOAT") as writer:
        for start in range(0, frames, 1 << 16):
            writer.write(samples[:, start : start + (1 << 16)])
    np.testing.assert_array_equal(read_sound(tmp_path / "a.wav").samples, samples)
    assert read_sound(tmp_path / "a.wav", mono=True).samples.shape == (frames,)
    assert read_sound(tmp_path / "a.wav", 16000).samples.shape == (channels, -(-frames * 160 // 441))


@pytest.mark.parametrize("rate", [None, 16000])
def test_a_last_piece_of_one_stereo_frame_is_streamed(tmp_path, rate):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 441_001)).astype(np.float32)
    path = write_sound(tmp_path / "a.wav", samples, 44100, encoding="FLOAT")
    whole = read_sound(path, rate).samples
    together = np.concatenate(list(stream_sound(path, rate)), axis=-1)
    np.testing.assert_allclose(together, whole, atol=0 if rate is None else 2e-6)


def test_two_channels_of_one_sample_are_a_signal_and_many_rows_are_not():
    assert as_signal(np.zeros((2, 1))).shape == (2, 1)
    assert as_signal(np.zeros((6, 4))).shape == (6, 4)
    with pytest.raises(ValueError, match="transpose"):
        as_signal(np.zeros((9, 2)))
