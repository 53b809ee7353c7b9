"""`--report` of `latente audio separate`, `denoise` and `music`: a page beside the files, or nothing at all."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("soundfile")

from latente.audio import read_sound, write_sound

RATE = 8000


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Two seconds of a voice-like tone over hiss."""
    rng, t = np.random.default_rng(0), np.arange(2 * RATE) / RATE
    signal = 0.2 * np.sin(2 * np.pi * 200 * t) * (np.sin(9 * t) > 0) + rng.normal(0, 0.02, len(t))
    return write_sound(tmp_path_factory.mktemp("sound") / "talk.wav", signal, RATE)


def test_separate(call, sound, tmp_path):
    done = call("audio", "separate", sound, "-o", tmp_path / "parts", "--report", tmp_path / "page.html", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["report"] == str(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("<audio") == text.count("<img") == 4
    for name in ("speech", "music", "residual"):
        part = read_sound(record["files"][0]["parts"][name]).samples
        level = 10 * np.log10(max(1e-12, float(np.square(part, dtype=np.float64).mean())))
        assert name in text
        assert (f"{level:.1f} dB" if level > -119 else "silent") in text
    plain = call("audio", "separate", sound, "-o", tmp_path / "same")
    assert plain.code == 0
    assert "report" not in plain.out
    for path in (tmp_path / "parts").iterdir():
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes()


def test_denoise(call, sound, tmp_path):
    out, page = tmp_path / "clean.wav", tmp_path / "page.html"
    done = call("audio", "denoise", sound, "-o", out, "--report", page)
    assert done.code == 0, done.err
    assert str(page) in done.out
    text = page.read_text()
    assert text.count("<audio") == 3
    removed = read_sound(sound).samples - read_sound(out).samples
    assert f"{10 * np.log10(np.square(removed, dtype=np.float64).mean()):.1f} dB" in text
    assert call("audio", "denoise", sound, "-o", tmp_path / "same.wav").code == 0
    assert out.read_bytes() == (tmp_path / "same.wav").read_bytes()


def test_a_file_of_another_rate_says_so_on_the_page(call, tmp_path):
    pytest.importorskip("soxr")
    path = write_sound(tmp_path / "b.wav", 0.1 * np.random.default_rng(0).normal(size=22_050), 22_050)
    done = call("audio", "denoise", path, "-o", tmp_path / "o.wav", "--report", tmp_path / "p.html")
    assert done.code == 0, done.err
    text = (tmp_path / "p.html").read_text()
    assert "what is above its band goes with the noise" in text
    assert "at 16,000 Hz" in text


def test_music(call, tmp_path):
    pytest.importorskip("pretty_midi")
    music = ("audio", "music")
    done = call(*music, "sample", "-n", 2, "--segments", 1, "-o", tmp_path / "new.mid", "--report", tmp_path / "n.html")
    assert done.code == 0, done.err
    text = (tmp_path / "n.html").read_text()
    assert text.count("<audio") == text.count('aria-label="piano roll') == 2
    assert "training music" in text
    both = (tmp_path / "new.mid", tmp_path / "new.mid")
    done = call(*music, "interpolate", *both, "--steps", 3, "-o", tmp_path / "way.mid", "--report", tmp_path / "w.html")
    assert done.code == 0, done.err
    text = (tmp_path / "w.html").read_text()
    assert text.count('aria-label="piano roll') == 2 + 3
    assert "Of the ends themselves 100% agree" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("separate", "{sound}", "-o", "{out}/p", "--report", "{out}/page.txt"), ".html"),
        (("denoise", "{sound}", "-o", "{out}/p.wav", "--report", "{out}/page"), ".html"),
        (
            ("denoise", "--train", "{out}", "-o", "{out}/m", "--report", "{out}/page.html"),
            "--report is not for --train",
        ),
        (("music", "sample", "-o", "{out}/a.mid", "--report", "{out}/page.pdf"), ".html"),
    ],
)
def test_mistakes_leave_nothing(call, sound, tmp_path, arguments, said):
    done = call("audio", *(argument.format(sound=sound, out=tmp_path) for argument in arguments))
    assert done.code == 2
    assert said in done.err
    assert list(tmp_path.iterdir()) == []
