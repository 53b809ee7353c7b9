"""`latente audio music`: files in, files out, and mistakes in one line."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from latente.audio.music import MusicAutoencoder, Score, read_midi, write_midi

pytest.importorskip("pretty_midi")
COMMAND = ("audio", "music")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three files of two voices, and one that is none."""
    path = tmp_path_factory.mktemp("midi")
    scale = np.array([60, 62, 64, 65, 67, 65, 64, 62])
    for i in range(3):
        melody = np.repeat(np.roll(scale, i), 8)
        write_midi(Score(np.stack([melody + 7, melody - 5])), path / f"{i}.mid")
    (path / "words.mid").write_text("no music")
    return path


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    from latente.cli import main

    path = tmp_path_factory.mktemp("model") / "model"
    arguments = ["train", folder, "-o", path, "--epochs", 1, "--latent-dim", 8]
    assert main([str(argument) for argument in (*COMMAND, *arguments)]) == 0
    return path


def test_training_says_what_was_left_out(call, folder, model, tmp_path):
    done = call(*COMMAND, "train", folder, "-o", tmp_path / "m", "--epochs", 1, "--latent-dim", 8, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["files"] == 3
    assert json.loads(done.out)["skipped"] == 1
    assert "words.mid is no MIDI file" in done.err
    again = MusicAutoencoder.load(tmp_path / "m")
    assert again.alphabet_.repeats  # files tell where notes begin
    assert again.sample(1, random_state=0) == MusicAutoencoder.load(model).sample(1, random_state=0)


def test_an_interrupted_training(call, folder, tmp_path, monkeypatch):
    from latente.training.run import Run

    original = Run._epoch

    def epoch(self, interruptions):
        if self.state.epoch == 1:
            signal.raise_signal(signal.SIGINT)
        return original(self, interruptions)

    monkeypatch.setattr(Run, "_epoch", epoch)
    out = tmp_path / "m"
    arguments = ("train", folder, "-o", out, "--epochs", 2, "--latent-dim", 8)
    done = call(*COMMAND, *arguments, "--checkpoint", tmp_path / "c")
    assert (done.code, done.out, out.exists()) == (130, "", False)
    assert "--resume goes on" in done.err
    done = call(*COMMAND, *arguments)
    assert (done.code, done.out) == (130, "")
    assert f"interrupted after 1 epochs; the model so far is in {out}" in done.err
    assert len(MusicAutoencoder.load(out).history_) == 1


def test_a_folder_of_samples(call, model, tmp_path):
    arguments = ("sample", "--model", model, "-n", 2, "--segments", 1, "-o", tmp_path / "new")
    done = call(*COMMAND, *arguments)
    assert done.code == 0, done.err
    names = ["piece-1.mid", "piece-1.wav", "piece-2.mid", "piece-2.wav", "pieces.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    expected = MusicAutoencoder.load(model).sample(2, segments=1, random_state=0)
    assert read_midi(tmp_path / "new" / "piece-2.mid").score.pitches.max() == expected[1].pitches.max()
    assert wavfile.read(tmp_path / "new" / "piece-1.wav")[0] == 22_050
    refused = call(*COMMAND, *arguments)
    assert (refused.code, "--force" in refused.err) == (2, True)


def test_one_file_of_each_format(call, model, folder, tmp_path):
    for suffix in ("mid", "wav", "png"):
        out = tmp_path / f"way.{suffix}"
        done = call(
            *COMMAND, "interpolate", folder / "0.mid", folder / "1.mid", "--model", model, "--steps", 3, "-o", out
        )
        assert done.code == 0, done.err
    assert read_midi(tmp_path / "way.mid").score.steps <= 3 * 64 + 2 * 4
    with Image.open(tmp_path / "way.png") as image:
        assert min(image.size) > 200
    done = call(*COMMAND, "vary", folder / "2.mid", "--model", model, "-n", 2, "-o", tmp_path / "v.mid", "--json")
    assert json.loads(done.out)["pieces"] == 3
    done = call(*COMMAND, "sample", "--model", model, "--continue", folder / "0.mid", "-o", tmp_path / "c.mid")
    assert done.code == 0, done.err


def test_mistakes_leave_nothing_behind(call, model, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    cases = [
        (("train", tmp_path / "empty", "-o", tmp_path / "m"), "holds no MIDI file"),
        (("train", tmp_path / "nowhere", "-o", tmp_path / "m"), "there is no folder"),
        (("vary", folder / "words.mid", "--model", model, "-o", tmp_path / "v"), "no MIDI file"),
        (("vary", folder / "9.mid", "--model", model, "-o", tmp_path / "v"), "there is no file"),
        (("sample", "--model", tmp_path / "empty", "-o", tmp_path / "s"), "no model"),
        (("sample", "--model", model, "-o", tmp_path / "s.mp3"), ".mid, .wav, .png"),
        (("interpolate", folder / "0.mid", folder / "1.mid", "-o", tmp_path / "i", "--steps", 1), "steps"),
    ]
    for arguments, words in cases:
        done = call(*COMMAND, *arguments)
        assert done.code == 2, arguments
        assert words in done.err
        assert done.err.strip().count("\n") == 0 or "skipped" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
