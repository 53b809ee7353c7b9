"""Folders with files that cannot be used, and long files in bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from latente.audio import LeftOutWarning, write_sound
from latente.audio.clips import load_clips, packed_clip
from latente.audio.collecting import warn_left_out
from latente.audio.separation.drawing import read_recordings
from latente.audio.separation.pairs import read_pairs
from latente.audio.signals import resample

RATE = 8000


@pytest.fixture
def folder(tmp_path):
    """Two recordings, and what is none: a text, an empty file, silence, two samples, and what macOS leaves behind."""
    for i in range(2):
        write_sound(tmp_path / f"good{i}.wav", np.sin(np.arange(RATE) / (3 + i)), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    write_sound(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    write_sound(tmp_path / "two.wav", np.ones(2) / 2, RATE)
    (tmp_path / "._good0.wav").write_text("resource fork")
    return tmp_path


def test_what_cannot_be_used_is_left_out_and_named(folder):
    with pytest.warns(LeftOutWarning, match=r"speech: 4 of 6 recordings left out: .*empty.wav is empty") as caught:
        recordings = read_recordings(folder, RATE, "speech")
    assert [len(group) for group in recordings.groups] == [2]
    message = str(caught[0].message)
    assert "silence.wav is silent" in message
    assert message.endswith("; and 1 more")
    for path in folder.glob("good*"):
        path.unlink()
    with pytest.raises(ValueError, match="speech: none of the 4 recordings can be used: .*is empty"):
        read_recordings(folder, RATE, "speech")


def test_paths_in_a_list_follow_the_same_rule_and_arrays_do_not(folder):
    with pytest.warns(LeftOutWarning, match=r"1 of 2 recordings left out: .*text.wav cannot be read"):
        recordings = read_recordings([folder / "good0.wav", folder / "text.wav"], RATE)
    assert len(recordings.groups) == 1
    with pytest.raises(ValueError, match=r"the source\[1\] has 1 samples that are NaN"):
        read_recordings([np.ones(RATE), np.array([0, np.nan])], RATE)
    with pytest.raises(ValueError, match="the list of recordings is empty"):
        read_recordings([], RATE)


def test_pairs_stay_together(folder):
    good, bad = folder / "good0.wav", folder / "text.wav"
    with pytest.warns(LeftOutWarning, match=r"2 of 3 pairs left out"):
        first, second = read_pairs([good, bad, good], [good, good, bad], RATE)
    assert [len(side) for side in (first, second)] == [1, 1]
    with pytest.raises(ValueError, match="none of the 1 pairs can be used"):
        read_pairs([bad], [good], RATE)


def test_no_reason_no_warning(recwarn):
    warn_left_out("speech", [], 3)
    assert not recwarn


def test_a_long_file_is_read_in_pieces(tmp_path):
    rng, seconds = np.random.default_rng(0), 90
    sound = (rng.normal(0, 0.1, (2, seconds * 44_100)) * np.linspace(0.1, 1, seconds * 44_100)).astype(np.float32)
    path = write_sound(tmp_path / "long.wav", sound, 44_100, encoding="FLOAT")
    expected = resample(sound.mean(0), 44_100, RATE)
    del sound
    tracemalloc.start()
    packed = packed_clip(path, RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 17e6  # the whole file as floats has 32 MB
    assert packed.dtype == np.int16
    assert np.abs(packed).max() == 32767
    expected *= 32767 / np.abs(expected).max()
    np.testing.assert_allclose(packed, expected[-len(packed) :], atol=3)
    (clip,) = load_clips([path], RATE)
    assert clip.shape == (seconds * RATE,)
