"""Pages on sound: short clips and levels of recordings of any length, nothing from outside."""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np
import pytest

from latente.audio.music import Score
from latente.report import Listening, write_music_report, write_sound_report
from latente.report.sound_report import stretches_of

RATE = 8000
NAMES = ("speech", "music", "residual")


def tone(frequency, seconds, level, rate=RATE):
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def piece(seconds=10.0):
    """Speech at first, then both, then music."""
    both = np.concatenate([tone(300, seconds, 0.2), tone(300, seconds, 0.2), 0 * tone(300, seconds, 0)])
    music = np.concatenate([0 * tone(900, seconds, 0), tone(900, seconds, 0.1), tone(900, seconds, 0.1)])
    return {"speech": both, "music": music, "residual": np.full(len(both), 0.001, np.float32)}


def players(text):
    """Returns the sounds that a page holds."""
    found = []
    for source in re.findall(r'<audio src="data:audio/wav;base64,([^"]+)"', text):
        with wave.open(io.BytesIO(base64.b64decode(source))) as file:
            found.append((file.getframerate(), np.frombuffer(file.readframes(-1), "<i2") / 32767))
    return found


def check_closed(text):
    """Everything that the page shows is in it."""
    sources = [link for link in re.findall(r'(?:src|href)="([^"]+)"', text) if not link.startswith("#")]
    assert sources
    assert all(link.startswith("data:") for link in sources)
    assert "://" not in re.sub(r"xmlns=.[^ ]+", "", text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_levels_are_those_of_numpy_however_the_pieces_are_cut():
    parts = piece()
    heard = []
    for size in (240_000, 7, 1013):
        listening = Listening(NAMES, RATE)
        for start in range(0, len(parts["speech"]), size * 100 if size < 1000 else size):
            cut = slice(start, start + (size * 100 if size < 1000 else size))
            listening.add({name: part[cut] for name, part in parts.items()})
        heard.append(listening.heard())
    whole = sum(part.astype(np.float64) for part in parts.values())
    for one in heard:
        assert one.seconds == 30.0
        for i, signal in enumerate((whole, *parts.values())):
            assert one.level(i) == pytest.approx(10 * np.log10(np.square(signal, dtype=np.float64).mean()), abs=1e-3)
            assert one.peaks[i] == pytest.approx(np.abs(signal).max(), abs=1e-6)
        assert sum(one.share(i) for i in (1, 2, 3)) == pytest.approx(1)
        np.testing.assert_allclose(one.energies, heard[0].energies, atol=1e-7)
        assert [s.start for s in one.stretches] == [s.start for s in heard[0].stretches]


def test_stretches_show_what_their_titles_say():
    listening = Listening(NAMES, RATE)
    listening.add(piece())
    found = {stretch.title: stretch for stretch in listening.heard().stretches}
    assert set(found) == {"speech and music together", "speech stands out", "music stands out"}
    energy = {title: np.square(s.sounds).mean(1) for title, s in found.items()}
    assert energy["speech stands out"][2] < 0.01 * energy["speech stands out"][1]
    assert energy["music stands out"][1] < 0.5 * energy["music stands out"][2]
    assert min(energy["speech and music together"][1:3]) > 1e-3
    for stretch in found.values():
        np.testing.assert_allclose(stretch.sounds[0], stretch.sounds[1:].sum(0), atol=1e-6)


def test_parts_that_do_not_fit_are_refused():
    listening = Listening(NAMES, RATE)
    with pytest.raises(ValueError, match="speech, music, residual"):
        listening.add({"speech": tone(1, 1, 1)})
    with pytest.raises(ValueError, match="all of one shape"):
        listening.add({"speech": np.zeros(3), "music": np.zeros(2), "residual": np.zeros(3)})
    with pytest.raises(ValueError, match="names that differ"):
        Listening(("a", "a"), RATE)
    with pytest.raises(ValueError, match="no recording"):
        write_sound_report("x.html", {}, title="nothing")


def test_the_page_of_a_recording(tmp_path):
    listening = Listening(NAMES, RATE)
    parts = piece()
    listening.add({name: np.stack([part, part / 2]) for name, part in parts.items()})
    heard = listening.heard()
    notes = {"a <b>.wav": ["The file was resampled."]}
    text = write_sound_report(tmp_path / "p.html", {"a <b>.wav": heard}, title="Apart", notes=notes).read_text()
    check_closed(text)
    assert "a &lt;b&gt;.wav" in text
    assert "The file was resampled." in text
    assert text.count("<img") == text.count("<audio") == 3 * 4
    sounds = players(text)
    first = heard.stretches[0]
    for (rate, sound), expected in zip(sounds[:4], first.sounds, strict=True):
        assert rate == RATE
        np.testing.assert_allclose(sound, expected, atol=1e-4)
    assert f"{10 * np.log10(heard.energies[2].mean()):.1f} dB" in text


def test_an_hour_of_sound_makes_a_small_page(tmp_path):
    rate, minute = 16_000, np.random.default_rng(0).normal(0, 0.1, 60 * 16_000).astype(np.float32)
    listening = Listening(("speech", "residual"), rate)
    for _ in range(60):
        listening.add({"speech": minute, "residual": 0 * minute})
    heard = listening.heard()
    assert heard.seconds == 3600
    path = write_sound_report(tmp_path / "hour.html", {"hour.wav": heard}, title="An hour")
    assert path.stat().st_size < 9e6
    assert "1 h 0 min" in path.read_text()


def test_many_recordings_share_the_players(tmp_path):
    recordings = {}
    for i, stretches in enumerate(stretches_of(30, 3)):
        listening = Listening(NAMES, RATE, stretches)
        listening.add({name: tone(100 * (i + 1), 1, 0.1) for name in NAMES})
        recordings[f"{i}.wav"] = listening.heard()
    text = write_sound_report(tmp_path / "many.html", recordings, title="Many").read_text()
    check_closed(text)
    assert text.count("<audio") == 24
    assert text.count("Players are left out here") == 24


@pytest.mark.parametrize("samples", [0, 1, 5])
def test_next_to_no_sound(tmp_path, samples):
    listening = Listening(("denoised", "removed"), RATE)
    listening.add({"denoised": np.zeros(samples, np.float32), "removed": np.zeros(samples, np.float32)})
    text = write_sound_report(tmp_path / "p.html", {"a": listening.heard()}, title="Little").read_text()
    assert "silent" in text


@pytest.fixture
def scores():
    pytest.importorskip("pretty_midi")
    melody = np.array([60, 60, 62, 62, 64, 64, 65, 65] * 8)
    return [Score(np.stack([melody + k + 4, melody - 12])) for k in (0, 2, 3)]


def test_the_page_of_pieces(scores, tmp_path):
    names = ("step <1>", "step 2", "step 3")
    given = {"a.mid": scores[0], "b.mid": scores[2]}
    path = write_music_report(tmp_path / "m.html", dict(zip(names, scores, strict=True)), given=given, way=True)
    text = path.read_text()
    check_closed(text)
    assert "step &lt;1&gt;" in text
    assert text.count("<audio") == 5
    assert text.count('aria-label="piano roll') == 5
    for name in ("Summary", "Given", "On the way", "The way", "Measures"):
        assert f"<h2>{name}</h2>" in text
    same = (scores[0].pitches == scores[2].pitches).mean()
    assert f"Of the ends themselves {100 * same:.0f}% agree" in text
    rate, sound = players(text)[0]
    assert len(sound) == pytest.approx(rate * scores[0].seconds, abs=1.2 * rate)  # the last notes fade
    assert np.abs(sound).max() > 0.5


def test_a_bar_for_each_note(scores, tmp_path):
    text = write_music_report(tmp_path / "m.html", {"one": scores[0]}).read_text()
    roll = text[text.index('aria-label="piano roll') :]
    bars = re.findall(r'<path d="([^"]+)"[^>]*fill: var\(--c[01]\)', roll[: roll.index("</svg>")])
    assert sum(bar.count("M") for bar in bars) == len(scores[0].notes())


def test_many_long_pieces_make_a_small_page(tmp_path):
    pytest.importorskip("pretty_midi")
    rng = np.random.default_rng(0)
    long = Score(rng.integers(50, 80, (4, 16 * 200)))
    path = write_music_report(tmp_path / "m.html", {f"piece {i}": long for i in range(30)})
    text = path.read_text()
    assert text.count("<audio") == 12
    assert "6 pieces more are not drawn" in text
    assert len(text) < 12e6
    with pytest.raises(ValueError, match="no piece"):
        write_music_report(path, {})


def test_next_to_nothing_is_not_told_as_a_number(tmp_path):
    listening = Listening(NAMES, RATE)
    rest = np.full(RATE, 1e-6, np.float32)
    listening.add({"speech": tone(300, 1, 0.2), "music": tone(900, 1, 0.1), "residual": rest})
    text = write_sound_report(tmp_path / "a.html", {"a.wav": listening.heard()}, title="Apart").read_text("utf-8")
    assert "under 0.01%" in text
    assert not re.search(r"e-\d+%", text)
