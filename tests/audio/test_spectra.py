"""Spectra against scipy and closed forms; inverses; the transformers as scikit-learn wants them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from latente.audio import (
    MFCC,
    STFT,
    LogMel,
    draw_spectrogram,
    draw_waveform,
    griffin_lim,
    hz_to_mel,
    istft,
    mel_filters,
    mel_to_hz,
    stft,
    write_sound,
)  # fmt: skip
from latente.metrics import si_sdr, snr


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, n).astype(np.float32) for n in (1, 127, 128, 129, 4000)]


def test_stft_is_scipys(clips):
    x, n_fft, hop = clips[-1], 256, 64
    window = scipy.signal.get_window("hann", n_fft)
    frames = [np.pad(x, n_fft // 2 + 64)[64 + t * hop : 64 + t * hop + n_fft] for t in range(60)]
    expected = np.fft.rfft(np.array(frames) * window, axis=1).T
    found = stft(torch.from_numpy(x), n_fft, hop).numpy()
    assert found.shape == (129, 1 + -(-4000 // 64))
    np.testing.assert_allclose(found[:, :60], expected, atol=1e-4)


@pytest.mark.parametrize(("n_fft", "hop"), [(512, 128), (200, 80), (16, 8), (512, 256)])
def test_every_sample_comes_back(clips, n_fft, hop):
    transformer = STFT(n_fft, hop)
    again = transformer.inverse_transform(transformer.transform(clips), lengths=[len(c) for c in clips])
    for clip, back in zip(clips, again, strict=True):
        np.testing.assert_allclose(back, clip, atol=2e-6)


def test_batches_of_signals_and_errors():
    x = torch.randn(2, 3, 1000, generator=torch.Generator().manual_seed(0))
    assert stft(x).shape == (2, 3, 257, 9)
    torch.testing.assert_close(istft(stft(x), 1000), x, atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="reach 1024 samples"):
        istft(stft(x), 2000)
    with pytest.raises(ValueError, match="even integer"):
        stft(x, 33)
    with pytest.raises(ValueError, match="half of n_fft, 256"):
        stft(x, 512, 512)


def test_griffin_lim_finds_a_signal_of_these_magnitudes():
    t = np.arange(8000) / 8000
    x = torch.from_numpy(scipy.signal.chirp(t, 200, 1, 2000).astype(np.float32))
    magnitude = stft(x).abs()
    y = griffin_lim(magnitude, 8000)
    assert float((stft(y).abs() - magnitude).norm() / magnitude.norm()) < 0.1
    assert torch.equal(griffin_lim(magnitude, 8000), y)


def test_mels():
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(np.linspace(0, 8000, 9))), np.linspace(0, 8000, 9), atol=1e-9)
    assert abs(float(hz_to_mel(1000.0)) - 1000) < 0.1  # the scale's own definition
    filters = mel_filters(20, 512, 8000)
    peaks = filters.argmax(1) * 8000 / 512
    np.testing.assert_allclose(peaks, mel_to_hz(np.linspace(0, hz_to_mel(4000.0), 22))[1:-1], atol=8)
    np.testing.assert_allclose(filters[:, 20:200].sum(0), 1, atol=1e-5)  # neighbours add up
    with pytest.raises(ValueError, match="too many for frames of 64"):
        mel_filters(80, 64, 16000)
    with pytest.raises(ValueError, match="f_max <= 4000 Hz"):
        mel_filters(20, 512, 8000, f_max=5000)


def test_mfcc_is_the_cosine_transform_of_log_mel(clips):
    levels, cepstra = LogMel(30).transform(clips), MFCC(12, n_mels=30).transform(clips)
    for level, found in zip(levels, cepstra, strict=True):
        n = np.arange(30)
        basis = np.sqrt(2 / 30) * np.cos(np.pi * np.outer(np.arange(12), n + 0.5) / 30)
        basis[0] /= np.sqrt(2)
        np.testing.assert_allclose(found, level @ basis.T, atol=1e-3)


def test_inverses_sound_alike():
    t = np.arange(8000) / 8000
    clip = sum(np.sin(2 * np.pi * f * t) for f in (300, 600, 900, 1200)) * np.hanning(8000)
    levels = LogMel(40).transform([clip])[0]
    loud = levels > levels.max() - 20
    for transformer in (LogMel(40), MFCC(40)):
        (back,) = transformer.inverse_transform(transformer.transform([clip]), lengths=[8000])
        assert back.shape == (8000,)
        assert np.abs(LogMel(40).transform([back])[0] - levels)[loud].mean() < 1.5  # dB


def test_scikit_learns_conventions(tmp_path, clips):
    for transformer in (STFT(256, 64), LogMel(20), MFCC(12)):
        assert repr(clone(transformer)) == repr(transformer)
        shapes = [f.shape for f in transformer.fit_transform(clips)]
        assert shapes[-1][1] == shapes[0][1]
    array = np.random.default_rng(0).normal(size=(4, 800))
    pipeline = make_pipeline(MFCC(), FunctionTransformer(lambda X: X.mean(1)))
    assert pipeline.fit_transform(array).shape == (4, 13)
    assert pipeline.set_params(mfcc__n_mfcc=5).fit_transform(array).shape == (4, 5)
    path = write_sound(tmp_path / "a.wav", clips[-1], 8000, encoding="FLOAT")
    for name in (path, str(path)):
        np.testing.assert_array_equal(MFCC().transform([name])[0], MFCC().transform([clips[-1]])[0])


@pytest.mark.parametrize(
    ("clips", "error", "message"),
    [
        ([], ValueError, "at least one clip"),
        ("a.wav", TypeError, r"write \[it\]"),
        (np.zeros(5), TypeError, r"write \[it\]"),
        (3, TypeError, "list of signals"),
        ([np.zeros(5), np.array([np.nan])], ValueError, "clip 1 has 1 samples that are NaN"),
    ],
)
def test_what_are_no_clips(clips, error, message):
    with pytest.raises(error, match=message):
        MFCC().transform(clips)


def test_settings_that_make_no_sense():
    for transformer, message in (
        (MFCC(50), "n_mfcc must be an integer from 1 to n_mels, 40"),
        (LogMel(0), "n_mels of at least 1"),
        (STFT(31), "n_fft must be an even"),
        (LogMel(sample_rate=1.5), "whole number of Hz"),
    ):
        with pytest.raises(ValueError, match=message):
            transformer.fit()
    with pytest.raises(ValueError, match=r"shape \(frames, 13\)"):
        MFCC().inverse_transform([np.zeros((4, 12))])
    with pytest.raises(ValueError, match="one for each clip"):
        STFT().inverse_transform([np.zeros((4, 257))], lengths=[1, 2])


def test_silence_is_the_floor():
    assert (LogMel(floor_db=-60).transform([np.zeros(1000)])[0] == -60).all()


def test_si_sdr_and_snr_against_another_library():
    import fast_bss_eval

    rng = np.random.default_rng(0)
    s = rng.normal(size=(3, 4000))
    y = 0.7 * s + 0.3 * rng.normal(size=s.shape)
    expected = fast_bss_eval.si_sdr(s[:, None], y[:, None], zero_mean=False)
    np.testing.assert_allclose(si_sdr(y, s), np.ravel(expected), atol=1e-6)
    np.testing.assert_allclose(si_sdr(5 * y, s), si_sdr(y, s))
    np.testing.assert_allclose(snr(s + 0.1 * s, s), 20)
    assert np.isnan(si_sdr(y[0], 0 * s[0]))
    assert si_sdr(0 * y[0], s[0]) != si_sdr(0 * y[0], s[0]) or si_sdr(0 * y[0], s[0]) == -np.inf
    with pytest.raises(ValueError, match="same shape"):
        snr(y, s[0])


def test_figures_of_long_and_short_sounds(tmp_path):
    for n in (1, 100, 100_000):
        draw_waveform(np.zeros((2, n)) if n > 2 else np.zeros(n), 8000).savefig(tmp_path / "a.png")
        figure = draw_spectrogram(np.sin(np.arange(n) / 3), 8000)
        figure.savefig(tmp_path / "b.png")
    (image,) = figure.axes[0].images
    assert image.get_array().shape[1] <= 2000
    assert abs(image.get_array().mean(1).argmax() * 8000 / 512 - 8000 / (2 * np.pi * 3)) < 16
