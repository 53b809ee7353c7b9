"""Scores as values: what they hold, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from latente.audio.music import Note, Score, as_score, joined


def test_notes_begin_where_the_pitch_changes_or_a_strike_says_so():
    pitches = np.array([[60, 60, 60, 62, -1, 62]])
    assert Score(pitches).notes() == [Note(0, 60, 0, 3), Note(0, 62, 3, 4), Note(0, 62, 5, 6)]
    strikes = np.array([[True, False, True, False, False, False]])
    struck = Score(pitches, strikes)
    assert struck.notes() == [Note(0, 60, 0, 2), Note(0, 60, 2, 3), Note(0, 62, 3, 4), Note(0, 62, 5, 6)]
    assert struck.starts.tolist() == [[True, False, True, True, False, True]]


@pytest.mark.parametrize(
    ("pitches", "strikes", "error", "words"),
    [
        (np.zeros((0, 4), int), None, ValueError, "at least one"),
        (np.zeros(4, int), None, ValueError, r"\(voices, steps\)"),
        (np.array([[60.5]]), None, TypeError, "integers"),
        (np.array([[128]]), None, ValueError, "0 to 127"),
        (np.array([[-2]]), None, ValueError, "silence"),
        (np.array([[60, -1]]), np.array([[True, True]]), ValueError, "silent"),
        (np.array([[60, 60]]), np.array([[1, 0]]), ValueError, "booleans"),
    ],
)
def test_what_is_no_music_is_refused(pitches, strikes, error, words):
    with pytest.raises(error, match=words):
        Score(pitches, strikes)


def test_scores_are_values(chorales):
    first = chorales[0]
    assert first == Score(first.pitches.copy(), None, 4, 80.0)
    assert first != Score(first.pitches, None, 4, 81.0)
    assert first.transposed(5).transposed(-5) == first
    with pytest.raises(ValueError, match="read-only"):
        first.pitches[0, 0] = 1
    assert first.seconds == pytest.approx(24 * 60 / 80)


def test_parts_and_joints(chorales):
    first = chorales[0]
    both = joined([first.part(0, 8), first.part(8, 16)], rest=0)
    assert np.array_equal(both.pitches, first.pitches[:, :16])
    assert joined([first, first]).steps == 2 * first.steps + 4
    with pytest.raises(ValueError, match="from 8 to 8"):
        first.part(8, 8)
    with pytest.raises(ValueError, match="number of voices"):
        joined([first, Score(np.array([[60]]))])


def test_a_path_is_no_score(tmp_path):
    with pytest.raises(TypeError, match="read_midi"):
        as_score(tmp_path / "a.mid")
    with pytest.raises(TypeError, match="int"):
        as_score(3)
