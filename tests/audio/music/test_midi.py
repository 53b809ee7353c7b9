"""MIDI files: round trips, voices drawn from tracks and chords, and files that are none."""

from __future__ import annotations

import numpy as np
import pytest

from latente.audio import LeftOutWarning
from latente.audio.music import MidiError, Score, as_midi, read_midi, read_midi_folder, write_midi

pretty_midi = pytest.importorskip("pretty_midi")


def written(path, tracks, *, drums=(), tempo=120.0):
    """A file with one track for each list of (pitch, start, end) in quarter notes."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    for notes, is_drum in [*((track, False) for track in tracks), *((track, True) for track in drums)]:
        track = pretty_midi.Instrument(0, is_drum=is_drum)
        track.notes = [pretty_midi.Note(80, p, a * 60 / tempo, b * 60 / tempo) for p, a, b in notes]
        midi.instruments.append(track)
    midi.write(str(path))
    return path


@pytest.mark.parametrize("tempo", [60.0, 97.0, 200.0])
def test_what_is_written_is_read(chorales, tmp_path, tempo):
    music = Score(chorales[0].pitches, None, 4, tempo)
    reading = read_midi(write_midi(music, tmp_path / "a.mid"))
    assert np.array_equal(reading.score.pitches, music.pitches)
    assert np.array_equal(reading.score.starts, music.starts)
    assert reading.score.tempo == pytest.approx(tempo, rel=1e-4)
    assert (reading.way, reading.dropped, reading.shortened, reading.off_grid) == ("tracks", 0, 0, 0.0)


def test_repeated_notes_are_told_from_held_ones(tmp_path):
    strikes = np.array([[True, False, True, True]])
    music = Score(np.array([[60, 60, 60, 60]]), strikes)
    assert read_midi(write_midi(music, tmp_path / "a.mid")).score.starts.tolist() == strikes.tolist()


def test_chords_of_one_track_become_voices(tmp_path):
    chords = [(p, beat, beat + 1) for beat, chord in enumerate([(72, 64, 48), (71, 65, 43)]) for p in chord]
    reading = read_midi(written(tmp_path / "piano.mid", [chords]))
    assert reading.way == "skyline"
    assert reading.score.pitches[:, ::4].tolist() == [[72, 71], [64, 65], [48, 43]]


def test_what_is_lost_is_said(tmp_path):
    chords = [(p, 0, 1) for p in (76, 72, 67, 64, 60, 48)]
    path = written(tmp_path / "a.mid", [chords], drums=[[(36, 0, 1), (38, 1, 2)]])
    reading = read_midi(path, voices=4)
    assert (reading.notes, reading.percussion, reading.dropped) == (8, 2, 2)
    assert reading.score.pitches[[0, -1], 0].tolist() == [76, 48]  # the outer voices stay
    assert "2 of drums left out, 2 dropped" in reading.describe()


def test_a_voice_that_rests_is_not_taken_by_another(tmp_path):
    beats = [(72, 0, 1), (60, 0, 1), (48, 0, 1), (73, 1, 2), (49, 1, 2)]
    pitches = read_midi(written(tmp_path / "a.mid", [beats]), voices=3).score.pitches
    assert pitches[:, 4].tolist() == [73, -1, 49]


def test_notes_beside_the_grid_are_counted(tmp_path):
    reading = read_midi(written(tmp_path / "a.mid", [[(60, 0.1, 1.1), (62, 2, 3)]]))
    assert reading.off_grid == 0.5
    assert reading.score.pitches[0, 0] == 60


def test_files_that_are_no_music(tmp_path):
    text = tmp_path / "text.mid"
    text.write_text("these are words")
    empty = tmp_path / "empty.mid"
    empty.write_bytes(b"")
    silent = written(tmp_path / "silent.mid", [])
    drums = written(tmp_path / "drums.mid", [], drums=[[(36, 0, 1)]])
    whole = write_midi(Score(np.array([[60, 62, 64, 65]])), tmp_path / "whole.mid").read_bytes()
    cut = tmp_path / "cut.mid"
    cut.write_bytes(whole[: len(whole) - 9])
    for path, words in [
        (text, "no MIDI file"),
        (empty, "no MIDI file"),
        (silent, "holds no notes"),
        (drums, "1 of drums"),
        (cut, "damaged"),
    ]:
        with pytest.raises(MidiError, match=words):
            read_midi(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        read_midi(tmp_path / "missing.mid")
    with pytest.raises(IsADirectoryError, match="read_midi_folder"):
        read_midi(tmp_path)
    with pytest.raises(ValueError, match="1 to 8"):
        read_midi(silent, voices=9)


def test_folders(tmp_path, chorales):
    with pytest.raises(FileNotFoundError, match="no folder"):
        read_midi_folder(tmp_path / "missing")
    with pytest.raises(MidiError, match="holds no MIDI file"):
        read_midi_folder(tmp_path)
    (tmp_path / "bad.mid").write_text("words")
    with pytest.raises(MidiError, match="none of the 1 MIDI files"):
        read_midi_folder(tmp_path)
    (tmp_path / "inside").mkdir()
    for i in range(2):
        write_midi(chorales[i], tmp_path / "inside" / f"{i}.MID")
    write_midi(Score(np.array([[60, 62, 64, 65]])), tmp_path / "solo.midi")
    said = []
    (tmp_path / "._solo.mid").write_text("resource fork")
    with pytest.warns(LeftOutWarning, match="1 of 4 MIDI files left out: .*bad.mid is no MIDI file"):
        found = read_midi_folder(tmp_path, say=said.append)
    assert [score.voices for score in found.scores] == [4, 4, 4]  # as most files have
    assert [path.endswith("bad.mid") for path, _ in found.skipped] == [True]
    assert len(said) == 3


def test_nothing_half_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="make it first"):
        write_midi(Score(np.array([[60]])), tmp_path / "missing" / "a.mid")
    with pytest.raises(ValueError, match="program"):
        write_midi(Score(np.array([[60]])), tmp_path / "a.mid", program=200)
    assert list(tmp_path.iterdir()) == []


def test_tracks_are_named_and_timed():
    midi = as_midi(Score(np.array([[60, 60, 62, 62]]), tempo=60.0))
    times = [(note.pitch, note.start, note.end) for note in midi.instruments[0].notes]
    assert times == [(60, 0.0, 0.5), (62, 0.5, 1.0)]
