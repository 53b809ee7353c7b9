"""Sound, pictures and measures of scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import wavfile

from latente.audio.music import (
    MusicMeasures,
    Score,
    agreement,
    draw_piano_roll,
    measure_music,
    onset_accuracy,
    render,
    write_wav,
)


@pytest.fixture
def chord() -> Score:
    return Score(np.array([[76] * 8, [69] * 8]), tempo=60.0)


def test_the_sound_has_the_pitches_of_the_score(chord):
    pytest.importorskip("pretty_midi")
    sound = render(chord, 8000, synth="sine")
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(0.9)
    spectrum = np.abs(np.fft.rfft(sound[:8000]))
    strongest = np.argsort(spectrum)[::-1]
    peaks = [f for f in strongest[:30] if spectrum[f] == spectrum[max(0, f - 5) : f + 6].max()]
    assert {440, 659} <= {int(f) for f in peaks}  # a' and e''
    assert len(sound) / 8000 == pytest.approx(chord.seconds, abs=1.1)


def test_wav_files(chord, tmp_path):
    pytest.importorskip("pretty_midi")
    rate, sound = wavfile.read(write_wav(chord, tmp_path / "a.wav", 16_000, synth="sine"))
    assert (rate, sound.dtype) == (16_000, np.int16)
    silence = write_wav(Score(np.full((1, 4), -1)), tmp_path / "b.wav", synth="sine")
    assert not wavfile.read(silence)[1].any()
    with pytest.raises(ValueError, match="synth must be"):
        render(chord, synth="piano")
    with pytest.raises(ValueError, match="1000 Hz"):
        render(chord, 10)


def test_piano_rolls_show_every_note(chorales):
    figure = draw_piano_roll(chorales[:2], ["one", "two"])
    assert [len(axis.patches) for axis in figure.axes] == [len(score.notes()) for score in chorales[:2]]
    with pytest.raises(ValueError, match="as many titles"):
        draw_piano_roll(chorales[:2], ["one"])
    with pytest.raises(ValueError, match="no score"):
        draw_piano_roll([])


def test_measures_of_what_is_known():
    major, cluster = [67, 64, 60], [62, 61, 60]
    crossed = [60, 64, 55]
    found = measure_music([np.array([major, cluster, crossed, major]).T])
    assert found.triadic == 3 / 4  # all but the cluster; crossed voices are a chord all the same
    assert found.ordered == 3 / 4
    assert found.changing == pytest.approx(7 / 9)
    resting = measure_music([np.array([[67], [-1], [60]])])
    assert (resting.triadic, resting.ordered) == (1.0, 1.0)
    silence = [-1, -1, -1]
    paused = measure_music([np.array([silence, major, silence, cluster, crossed, cluster, silence, silence]).T])
    assert (paused.triadic, paused.ordered) == (2 / 4, 3 / 4)  # silent steps are neither chords nor in order
    assert paused.changing == pytest.approx((3 + 3 + 3 + 3 + 3 + 3) / 21)
    assert measure_music([np.array([silence, silence]).T]) == MusicMeasures(0.0, 0.0, 0.0)


def test_copies_are_found_in_every_transposition(chorales):
    segments = np.stack([score.pitches[:, :32] for score in chorales])
    assert agreement(segments[:3] + 4, segments).tolist() == [1.0, 1.0, 1.0]
    noise = np.random.default_rng(0).integers(40, 80, (5, 4, 32))
    assert agreement(noise, segments).max() < 0.3


def test_holding_notes_gets_no_onset_right(chorales):
    truth = chorales[0].pitches
    assert onset_accuracy(truth, truth) == 1.0
    held = np.repeat(truth[:, :1], truth.shape[1], axis=1)
    assert onset_accuracy(truth, held) < 0.4
    with pytest.raises(ValueError, match="nothing changes"):
        onset_accuracy(held, held)
    with pytest.raises(ValueError, match="cannot be compared"):
        onset_accuracy(truth, truth[:, 1:])
