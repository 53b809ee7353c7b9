"""`latente audio words`: from a folder of recordings to words, in the shell."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from latente.audio import write_sound

RATE = 8000


def buzz(word, rng):
    """A short sound whose pitch rises or falls, as the word says."""
    n = int(rng.uniform(0.3, 0.5) * RATE)
    ends = {"up we go": (300, 1500), "down": (1500, 300)}[word]
    phase = 2 * np.pi * np.cumsum(np.linspace(*ends, n)) / RATE
    return np.sin(phase) * np.hanning(n) * rng.uniform(0.1, 0.9) + 1e-3 * rng.normal(size=n)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("sound"), np.random.default_rng(0)
    for word in ("up we go", "down"):
        (root / "words" / word.replace(" ", "_")).mkdir(parents=True)
        for i in range(4):
            rate = RATE * 2 if i == 3 else RATE
            clip = buzz(word, rng)
            clip = np.repeat(clip, 2) if i == 3 else clip
            write_sound(root / "words" / word.replace(" ", "_") / f"{i}.wav", clip, rate)
        write_sound(root / f"{word.replace(' ', '_')}.flac", buzz(word, rng), RATE)
    write_sound(root / "noise.wav", 0.1 * rng.normal(size=RATE), RATE)
    write_sound(root / "silence.wav", np.zeros(RATE), RATE)
    return root


def train(call, folder, output, *options):
    return call("audio", "words", "train", folder, "-o", output, "--epochs", 3, "--components", 8, *options)


@pytest.fixture
def model(folder, call):
    path = folder / "model"
    if not path.exists():
        assert train(call, folder / "words", path).code == 0
    return path


def test_training_tells_what_it_heard(folder, call, tmp_path):
    page = tmp_path / "page.html"
    done = train(call, folder / "words", tmp_path / "model", "--json", "--report", page)
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["words"] == {"down": 4, "up we go": 4}
    assert record["resampled"] == 2
    assert record["held_out_accuracy"] >= 0.75
    text = page.read_text()
    assert text.count("<audio") >= 4
    assert "media-src data:" in text
    assert "up we go" in text
    done = train(call, folder / "words", tmp_path / "model")
    assert (done.code, "--force" in done.err) == (2, True)


def test_an_interrupted_training_saves_nothing(folder, call, tmp_path, monkeypatch):
    from latente.training.run import Run

    original = Run._epoch

    def epoch(self, interruptions):
        if self.state.epoch == 1:
            signal.raise_signal(signal.SIGINT)
        return original(self, interruptions)

    monkeypatch.setattr(Run, "_epoch", epoch)
    done = train(call, folder / "words", tmp_path / "model")
    assert (done.code, done.out, done.err) == (130, "", "latente: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_words_phrases_and_what_is_neither(folder, call, model):
    files = [folder / name for name in ("up_we_go.flac", "down.flac", "noise.wav", "silence.wav")]
    done = call("audio", "words", "recognise", *files, "--model", model, "--json")
    assert done.code == 0, done.err
    heard = [item["word"] for item in json.loads(done.out)["files"]]
    assert [item["nearest"] for item in json.loads(done.out)["files"]][:2] == ["up we go", "down"]
    assert heard[2:] == ["unknown", "unknown"]
    done = call("audio", "words", "recognise", files[0], files[3], "--model", model)
    assert "unknown (silence)" in done.out


def test_what_cannot_be_read_is_left_out_and_told(folder, call, tmp_path):
    import shutil

    shutil.copytree(folder / "words", tmp_path / "words")
    (tmp_path / "words" / "down" / "text.wav").write_text("no sound")
    write_sound(tmp_path / "words" / "down" / "quiet.wav", np.zeros(100), RATE)
    done = train(call, tmp_path / "words", tmp_path / "model")
    assert done.code == 0, done.err
    assert "text.wav cannot be read as sound" in done.err
    assert "quiet.wav is silent" in done.err
    assert "down (4)" in done.out


def test_mistakes(folder, call, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    one = tmp_path / "one" / "word"
    one.mkdir(parents=True)
    write_sound(one / "a.wav", np.sin(np.arange(999)), RATE)
    (tmp_path / "bad" / "w").mkdir(parents=True)
    (tmp_path / "bad" / "w" / "a.wav").write_text("x")
    for place, message in (
        (tmp_path / "none", "no such folder of recordings"),
        (empty, "holds no sound file"),
        (tmp_path / "one", "two words at least"),
        (tmp_path / "bad", "none of the 1 recordings can be used"),
    ):
        done = train(call, place, tmp_path / "model")
        assert done.code == 2
        assert message in done.err
    assert not (tmp_path / "model").exists()
    done = call("audio", "words", "recognise", folder / "noise.wav", "--model", tmp_path / "none")
    assert done.code == 2
    assert "no such recogniser" in done.err
    done = call("audio", "words", "recognise", tmp_path / "none.wav", "--model", tmp_path / "none")
    assert done.code == 2
