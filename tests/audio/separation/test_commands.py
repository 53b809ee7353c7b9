"""`latente audio separate` and `latente audio denoise`: files in, files out, mistakes."""

from __future__ import annotations

import json
from signal import SIGINT, raise_signal

import numpy as np
import pytest
import soundfile

from latente import Trainer
from latente.audio.separation.denoiser import AudioDenoiser
from latente.audio.separation.separator import SourceSeparator
from latente.cli import main

RATE = 8000


@pytest.fixture
def call(capsys):
    """Runs a command line; returns the exit code, what it printed and what it complained."""

    def run(*arguments):
        capsys.readouterr()
        code = main(["audio", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A separator and a denoiser, hardly trained."""
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    clips = [rng.normal(size=RATE), np.sin(np.arange(RATE) / 3)]
    settings = {"seconds": 0.1, "trainer": Trainer(epochs=1, batch_size=1600, verbose=False), "random_state": 0}
    SourceSeparator(4, 4, **settings).fit({"hiss": clips[:1], "tone": clips[1:]}).save(folder / "separator")
    AudioDenoiser(("white",), 4, 4, **settings).fit(clips[1:]).save(folder / "denoiser")
    return folder


@pytest.fixture
def recordings(tmp_path):
    """Folders of tones and of hiss, and a file of each encoding."""
    rng = np.random.default_rng(1)
    for name, signal in {"tone": np.sin(np.arange(RATE) / 3) / 2, "hiss": rng.normal(size=RATE) / 8}.items():
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "a.wav", signal, RATE)
    both = rng.uniform(-1, 0.999, (3000, 2))
    for name, encoding in {"eight": "PCM_U8", "sixteen": "PCM_16", "more": "PCM_24", "floats": "FLOAT"}.items():
        soundfile.write(tmp_path / f"{name}.wav", both, 11025, subtype=encoding)
    return tmp_path


@pytest.mark.parametrize(("name", "bits"), [("eight", 16), ("sixteen", 16), ("more", 24)])
def test_written_parts_add_up_exactly(call, models, recordings, name, bits):
    file, out = recordings / f"{name}.wav", recordings / "parts"
    code, printed, _ = call("separate", file, "-m", models / "separator", "-o", out, "--json")
    assert code == 0
    assert json.loads(printed)["files"][0]["exact"]
    assert sorted(path.name for path in out.iterdir()) == [f"{name}-{p}.wav" for p in ("hiss", "residual", "tone")]
    assert {soundfile.info(path).subtype for path in out.iterdir()} == {f"PCM_{bits}"}
    whole = soundfile.read(file, dtype="int32")[0].astype(np.int64)
    assert (sum(soundfile.read(path, dtype="int32")[0].astype(np.int64) for path in out.iterdir()) == whole).all()


def test_floats_add_up_to_rounding(call, models, recordings):
    assert call("separate", recordings / "floats.wav", "-m", models / "separator", "-o", recordings / "parts")[0] == 0
    parts = [soundfile.read(path)[0] for path in (recordings / "parts").iterdir()]
    np.testing.assert_allclose(sum(parts), soundfile.read(recordings / "floats.wav")[0], atol=2e-7)


def test_denoise(call, models, recordings):
    file = recordings / "sixteen.wav"
    assert call("denoise", file, "-m", models / "denoiser")[0] == 0
    wanted = soundfile.info(recordings / "sixteen-denoised.wav")
    assert (wanted.frames, wanted.channels, wanted.samplerate) == (3000, 2, 11025)
    code, _, err = call("denoise", file, "-m", models / "denoiser")
    assert code == 2
    assert "--force" in err
    assert call("denoise", file, "-m", models / "denoiser", "--amount", "0", "-o", recordings / "same.flac")[0] == 0
    same = soundfile.read(recordings / "same.flac", dtype="int16")[0]
    np.testing.assert_array_equal(same, soundfile.read(file, dtype="int16")[0])


@pytest.mark.parametrize(
    ("name", "suffix", "encoding", "says"),
    [
        ("eight", ".flac", "PCM_16", None),
        ("sixteen", ".flac", "PCM_16", None),
        ("more", ".flac", "PCM_24", None),
        ("more", ".wav", "PCM_24", None),
        ("floats", ".wav", "FLOAT", None),
        ("floats", ".flac", "PCM_24", "floats of 32 bits; FLAC holds 24 bits"),
        ("more", ".mp3", "MPEG_LAYER_III", "24 bits; .mp3 is lossy and keeps no depth"),
        ("sixteen", ".mp3", "MPEG_LAYER_III", None),
        ("doubles", ".wav", "FLOAT", "floats of 64 bits; 24 of them are kept"),
    ],
)
def test_the_depth_of_samples_is_kept_where_the_format_can(call, models, recordings, name, suffix, encoding, says):
    samples = soundfile.read(recordings / "more.wav")[0]
    soundfile.write(recordings / "doubles.wav", samples, 11025, subtype="DOUBLE")
    file, out = recordings / f"{name}.wav", recordings / f"out{suffix}"
    code, _, err = call("denoise", file, "-m", models / "denoiser", "--amount", "0", "-o", out)
    assert code == 0, err
    assert soundfile.info(out).subtype == encoding
    assert (says in err) if says else ("bits" not in err)
    if suffix != ".mp3" and name != "floats":
        np.testing.assert_array_equal(*(soundfile.read(path, dtype="int32")[0] for path in (out, file)))


def test_patience_ends_a_training(call, recordings, monkeypatch):
    monkeypatch.setattr("latente.audio.separation.estimating.EPOCH", 4)
    out = recordings / "model"
    arguments = [*trainings(recordings)["separate"], "-o", out, "--epochs", 2, "--patience", 1]
    assert call(*arguments)[0] == 0
    assert SourceSeparator.load(out).history_.records[0].validation_loss is not None


def test_a_file_that_cannot_be_read_is_named_and_the_training_goes_on(call, recordings, monkeypatch):
    monkeypatch.setattr("latente.audio.separation.estimating.EPOCH", 4)
    for folder in ("tone", "hiss"):
        (recordings / folder / "text.wav").write_text("no sound")
    code, _, err = call(*trainings(recordings)["separate"], "-o", recordings / "m1", "--epochs", 1)
    assert code == 0, err
    assert "latente: warning: tone: 1 of 2 recordings left out:" in err
    assert "text.wav cannot be read as sound" in err
    pairs = ["denoise", "--train", recordings / "tone", "--again", recordings / "hiss", "-o", recordings / "m2"]
    code, _, err = call(*pairs, "--epochs", 1)
    assert code == 0, err
    assert "the noisy recordings: 1 of 2 pairs left out:" in err


def test_training(call, recordings, monkeypatch):
    monkeypatch.setattr("latente.audio.separation.estimating.EPOCH", 4)
    sources = ["--source", f"tone={recordings / 'tone'}", "--source", f"hiss={recordings / 'hiss'}"]
    arguments = [
        "separate",
        "--train",
        *sources,
        "-o",
        recordings / "model",
        "--epochs",
        1,
        "--checkpoint",
        recordings / "c",
    ]
    code, printed, err = call(*arguments)
    assert code == 0, err
    assert "tone, hiss" in printed
    assert call("separate", recordings / "floats.wav", "-m", recordings / "model", "-o", recordings / "parts")[0] == 0
    assert call(*arguments, "--resume", "--force")[0] == 0
    assert call(*arguments[:-2], "--resume", "--force")[0] == 0
    assert (recordings / "model.checkpoints").is_dir()
    train = ["denoise", "--train", recordings / "tone", "--epochs", 1]
    assert call(*train, "-o", recordings / "d1", "--music", recordings / "hiss", "--noises", "white,clicks")[0] == 0
    assert AudioDenoiser.load(recordings / "d1").noises == ("white", "clicks", "music")
    assert call(*train, "-o", recordings / "d2", "--again", recordings / "hiss")[0] == 0


def press_after(monkeypatch, epochs):
    """Presses Ctrl-C once that many epochs are done."""
    from latente.training.run import Run

    original = Run._epoch

    def epoch(self, interruptions):
        if self.state.epoch == epochs:
            raise_signal(SIGINT)
        return original(self, interruptions)

    monkeypatch.setattr(Run, "_epoch", epoch)


def trainings(recordings):
    """The arguments of both trainings."""
    sources = ["--source", f"tone={recordings / 'tone'}", "--source", f"hiss={recordings / 'hiss'}"]
    return {"separate": ["separate", "--train", *sources], "denoise": ["denoise", "--train", recordings / "tone"]}


@pytest.mark.parametrize("command", ["separate", "denoise"])
def test_an_interrupted_training_goes_on_and_replaces_nothing_before(call, recordings, monkeypatch, command):
    monkeypatch.setattr("latente.audio.separation.estimating.EPOCH", 4)
    out = recordings / "model"
    arguments = [*trainings(recordings)[command], "-o", out, "--epochs", 2, "--checkpoint", recordings / "c"]
    with monkeypatch.context() as patch:
        press_after(patch, 1)
        code, printed, err = call(*arguments)
    assert (code, printed, out.exists()) == (130, "", False)
    assert "--resume goes on" in err
    code, _, err = call(*arguments, "--resume")
    assert code == 0, err
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    press_after(monkeypatch, 1)
    again = [*arguments[:-1], recordings / "d", "--force", "--seed", 1]
    assert call(*again)[0] == 130
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("command", ["separate", "denoise"])
def test_an_interrupted_training_without_checkpoints(call, recordings, monkeypatch, command):
    monkeypatch.setattr("latente.audio.separation.estimating.EPOCH", 4)
    out = recordings / "model"
    arguments = [*trainings(recordings)[command], "-o", out, "--epochs", 3]
    with monkeypatch.context() as patch:
        press_after(patch, 0)
        assert call(*arguments) == (130, "", "latente: interrupted\n")
    assert not out.exists()
    press_after(monkeypatch, 2)
    assert call(*arguments) == (130, "", f"latente: interrupted after 2 epochs; the model so far is in {out}\n")
    assert len({"separate": SourceSeparator, "denoise": AudioDenoiser}[command].load(out).history_) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["separate"], "give sound files"),
        (["separate", "x.wav"], "no such sound file"),
        (["separate", "text.wav"], "cannot be read as sound"),
        (["separate", "sixteen.wav", "text.wav", "-o", "none"], "cannot be read as sound"),
        (["separate", "sixteen.wav", "a/sixteen.wav"], "overwrite each other"),
        (["separate", "--train"], "--source speech=DIR"),
        (["separate", "--train", "--source", "speech"], "NAME=DIR"),
        (["separate", "--train", "--source", "a=tone", "-o", "none"], "at least two sources"),
        (["separate", "--train", "--source", "a=tone", "--source", "b=empty", "-o", "none"], "no sound files"),
        (["separate", "sixteen.wav", "-m", "denoiser", "-o", "none"], "no model in"),
        (["denoise"], "give a sound file"),
        (["denoise", "sixteen.wav", "-o", "a.doc"], "allowed: .wav"),
        (["denoise", "--train", "tone"], "needs -o MODEL"),
        (["denoise", "--train", "tone", "--again", "empty", "-o", "none"], "a.wav is in one of"),
        (["denoise", "--train", "tone", "--noises", "pnk", "-o", "none"], "Did you mean 'pink'"),
        (["denoise", "--train", "tone", "--amount", "0.5", "-o", "none"], "--amount is not for --train"),
        (["denoise", "--train", "tone", "-m", "denoiser", "-o", "none"], "--model is not for --train"),
        (["separate", "--train", "--source", "a=tone", "-m", "x", "-o", "none"], "--model is not for --train"),
        (["separate", "sixteen.wav", "--source", "a=tone"], "--source is for --train"),
        *(
            ([command, "sixteen.wav", *option.split()], f"{option.split()[0]} is for --train; add it, or leave")
            for command in ("separate", "denoise")
            for option in (
                "--epochs 3",
                "--patience 1",
                "--checkpoint c",
                "--resume",
                "--device cpu",
                "--seed 0",
                "--sample-rate 8000",
            )
        ),
        *(
            (["denoise", "sixteen.wav", *option.split()], f"{option.split()[0]} is for --train; add it, or leave")
            for option in ("--again tone", "--music tone", "--noises white")
        ),
    ],
)
def test_mistakes_leave_nothing(call, recordings, monkeypatch, arguments, says):
    monkeypatch.chdir(recordings)
    (recordings / "text.wav").write_text("no sound")
    (recordings / "empty").mkdir()
    before = sorted(recordings.rglob("*"))
    code, _, err = call(*arguments)
    assert code == 2
    assert says in err
    assert sorted(recordings.rglob("*")) == before


def test_damage_in_the_middle_leaves_nothing(call, models, recordings):
    content = (recordings / "sixteen.wav").read_bytes()
    samples = soundfile.read(recordings / "floats.wav")[0]
    samples[2000, 0] = np.nan
    soundfile.write(recordings / "floats.wav", samples, 11025, subtype="FLOAT")
    out = recordings / "parts"
    code, _, err = call(
        "separate", recordings / "sixteen.wav", recordings / "floats.wav", "-m", models / "separator", "-o", out
    )
    assert code == 2
    assert "NaN" in err
    assert not out.exists()
    assert (recordings / "sixteen.wav").read_bytes() == content
    assert not [path for path in recordings.iterdir() if path.name.startswith(".")]
