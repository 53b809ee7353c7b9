"""Figures of long sound: the same columns as of the whole, in bounded memory, and short sounds are seen."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from latente.audio import draw_spectrogram, draw_waveform, read_sound, stft, write_sound
from latente.audio.overviews import AT_ONCE, extremes, loudest_power, sound_pieces

HOUR = 3600 * 8000


@pytest.mark.parametrize("length", [1, 50, 5000, AT_ONCE, 3 * AT_ONCE + 1])
@pytest.mark.parametrize("columns", [7, 2000])
def test_columns_are_those_of_the_whole(length, columns):
    x = np.random.default_rng(0).normal(size=length).astype(np.float32)
    pieces = np.array_split(x, min(length, 5))
    low, high, width = extremes([piece[None] for piece in pieces], length, columns)
    expected = [x[i : i + width] for i in range(0, length, width)]
    np.testing.assert_array_equal(low[0], [part.min() for part in expected])
    np.testing.assert_array_equal(high[0], [part.max() for part in expected])
    power = stft(torch.from_numpy(x), 64, 32).abs().square().numpy()
    width = -(-power.shape[1] // columns)
    expected = np.maximum.reduceat(power, np.arange(0, power.shape[1], width), axis=1)
    np.testing.assert_allclose(loudest_power(iter(pieces), length, 64, 32, columns), expected, rtol=1e-4, atol=1e-3)


def test_an_hour_in_bounded_memory():
    x = np.zeros(HOUR, np.int16)
    x[HOUR // 2] = 16384  # a single click
    tracemalloc.start()
    wave, spectrum = draw_waveform(x, 8000), draw_spectrogram(x, 8000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # as floats the samples have 115 MB, the spectra 230 MB
    (area,) = wave.axes[0].collections
    assert area.get_datalim(wave.axes[0].transData).y1 == 0.5
    level = spectrum.axes[0].images[0].get_array()
    assert level.shape[1] <= 2000
    assert int((level > -40).any(0).sum()) in (1, 2)
    assert abs(int(level[100].argmax()) / level.shape[1] - 0.5) < 0.01


@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_is_drawn_as_its_samples(tmp_path, channels):
    x = np.random.default_rng(0).uniform(-0.9, 0.9, (channels, 300_000))
    path = write_sound(tmp_path / "a.wav", x, 22050)
    samples = read_sound(path).samples
    for draw, data in (
        (draw_waveform, lambda figure: figure.axes[-1].collections[0].get_paths()[0].vertices),
        (draw_spectrogram, lambda figure: figure.axes[0].images[0].get_array()),
    ):
        figure = draw(path)
        np.testing.assert_allclose(data(figure), data(draw(samples, 22050)), atol=1e-3)
        assert figure.axes[0].get_xlim() == draw(samples, 22050).axes[0].get_xlim()
    assert draw_spectrogram(path, 8000).axes[0].get_ylim() == (0, 4)


def test_what_cannot_be_drawn(tmp_path):
    for draw in (draw_waveform, draw_spectrogram):
        with pytest.raises(ValueError, match="sample_rate must be"):
            draw(np.zeros(10))
        with pytest.raises(ValueError, match="n at least 1"):
            draw(np.zeros(0), 8000)
        with pytest.raises(ValueError, match="transpose"):
            draw(np.zeros((100, 2)), 8000)
        with pytest.raises(FileNotFoundError, match="no such sound file"):
            draw(tmp_path / "none.wav")
        late = np.zeros(AT_ONCE + 5)
        late[-1] = np.nan
        with pytest.raises(ValueError, match=rf"from sample {AT_ONCE}\) has 1 samples that are NaN .* index 4"):
            draw(late, 8000)
    assert sound_pieces([[0, 1, 2]], 8000).length == 3
