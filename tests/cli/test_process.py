"""The process itself: start, help, version, exit codes, interruptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

import latente
from latente.cli.app import EXAMPLES, app

COMMANDS = [
    "fit", "transform", "inverse", "reconstruct", "denoise", "interpolate", "sample", "evaluate", "info", "report",
    "export", "datasets", "demo",
]  # fmt: skip


def test_the_installed_script_has_the_version():
    script = Path(sys.executable).with_name("latente")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"latente {latente.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["demo", "--help"], ["--version"]])
def test_help_does_not_load_torch(arguments):
    code = f"import sys; from latente.cli import main; main({arguments!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0


def test_help_lists_every_command(call):
    done = call("--help")
    assert done.code == 0
    assert [name for name in COMMANDS if name not in done.out] == []
    assert call().out == done.out  # no arguments at all


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example(command, call):
    done = call(command, "-h")
    assert (done.code, done.err) == (0, "")
    assert f"Example: latente {command} " in done.out


@pytest.mark.parametrize("example", EXAMPLES.values())
def test_the_examples_are_valid_command_lines(example):
    _, command, *arguments = example.split()
    typer.main.get_command(app).commands[command].make_context(command, arguments)  # raises what it cannot parse


def test_the_defaults_in_the_help_are_those_of_the_estimators(call):
    assert f"{latente.Autoencoder().latent_dim}; denoising {latente.DenoisingAutoencoder().latent_dim}" in (
        call("fit", "--help").out
    )


def test_a_mistake_is_one_line_and_exit_code_2(process, tmp_path):
    done = process("fit", "nothing.csv", "-o", "model", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert done.err.startswith("latente: error: no such file, folder or data set: nothing.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--debug", "info", "nothing"], ["info", "nothing", "--debug"]])
def test_debug_shows_the_traceback(arguments, process):
    done = process(*arguments)
    assert done.code != 0
    assert "Traceback (most recent call last)" in done.err
    assert "FileNotFoundError" in done.err


def test_what_is_no_mistake_of_the_user_is_said_to_be_a_bug(call, monkeypatch):
    def broken() -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("latente.datasets.names", broken)
    done = call("datasets")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "unexpected RuntimeError: two lines" in done.err


def test_warnings_are_one_line(call, work, tmp_path):
    done = call("fit", work / "table.csv", "-o", tmp_path / "m", "--latent-dim", 12, "--epochs", 1)
    assert done.code == 0
    assert done.err.startswith("latente: warning: latent_dim=12 is not below the 12 values of a sample")
    assert done.err.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error(work):
    command = f"{sys.executable} -m latente datasets digits | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr


def test_ctrl_c_ends_with_one_line_and_a_whole_model_or_none(work, tmp_path):
    command = [sys.executable, "-m", "latente", "fit", work / "table.csv", "-o", tmp_path / "m", "--epochs", "1000000"]
    running = subprocess.Popen(
        [*command, "--latent-dim", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    time.sleep(6)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (130, "")
    assert err.count("\n") == 1
    assert "interrupted" in err
    if (tmp_path / "m").exists():
        assert latente.load(tmp_path / "m").history_.stopped == "interrupted"
    else:
        assert list(tmp_path.iterdir()) == []


def interrupt_at_epoch(monkeypatch, last: int) -> None:
    """Presses Ctrl-C at the end of an epoch."""
    from latente.training.run import Run

    original = Run._judge

    def judge(self, record):
        original(self, record)
        if record.epoch == last:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "_judge", judge)


def test_an_interrupted_training_keeps_its_model(call, work, tmp_path, monkeypatch):
    interrupt_at_epoch(monkeypatch, 2)
    done = call("fit", work / "table.csv", "-o", tmp_path / "m", "--latent-dim", 3, "--epochs", 50)
    assert (done.code, done.out) == (130, "")
    assert done.err == f"latente: interrupted after 2 epochs; the model so far is in {tmp_path / 'm'}\n"
    assert len(latente.load(tmp_path / "m").history_) == 2


def test_an_interrupted_pretraining_leaves_nothing(call, work, tmp_path, monkeypatch):
    interrupt_at_epoch(monkeypatch, 1)
    done = call("fit", work / "table.csv", "-o", tmp_path / "m", "--latent-dim", 3, "--type", "stacked")
    assert (done.code, done.err) == (130, "latente: interrupted\n")
    assert list(tmp_path.iterdir()) == []
