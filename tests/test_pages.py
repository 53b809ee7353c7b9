"""The examples of the pages run."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

import latente.data

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "large-data.md"


def run(page: Path, blocks: int) -> None:
    """Runs a page's examples one after the other."""
    found = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(found) == blocks
    space: dict[str, object] = {}
    for block in found:
        exec(compile(block, str(page), "exec"), space)


def test_interrupted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(DOCS / "interrupted.md", 2)
    assert float(capsys.readouterr().out) > 0
    assert len(list((tmp_path / "checkpoints").glob("step-*.safetensors"))) == 2


def test_diagnosis(capsys):
    run(DOCS / "diagnosis.md", 1)
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("warning: beta too high.")
    assert told[0].endswith("Use beta=1.")
    assert told[-1].startswith("good: better than PCA.")


def test_variational(capsys):
    run(DOCS / "variational.md", 3)
    lines = capsys.readouterr().out.splitlines()
    numbers = [[float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", line)] for line in lines]
    (bound, rate), (likelihood,), (active, units), *curve, (tighter,) = numbers
    assert bound < likelihood < tighter
    assert rate > 0
    assert 1 <= active <= units == 8
    betas, rates, distortions, bounds = zip(*curve, strict=True)
    assert betas == (0.3, 1.0, 3.0)
    assert rates[0] > rates[2]
    for r, d, b in zip(rates, distortions, bounds, strict=True):
        assert abs(r + d + b) < 0.2


def test_variational_table_is_that_of_the_script():
    text = (DOCS / "variational.md").read_text(encoding="utf-8")
    with (DOCS.parent / "benchmarks/variational/rate_distortion.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("rate", "distortion", "bound", "log_likelihood_10", "log_likelihood_5000", "score")
    for row in rows:
        cells = [f"{float(row['beta']):g}", *(f"{float(row[name]):.1f}" for name in names), row["active_units"]]
        line = "| " + " | ".join([*cells, f"{float(row['sigma']):.3f}"]) + " |"
        assert line in text.replace("**", "")


def test_denoising(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(DOCS / "denoising.md", 6)
    found = [float(number) for number in re.findall(r"\d+\.\d+", capsys.readouterr().out)]
    gain, before, after, error, spread = found
    assert gain > 5  # dB
    assert after < 0.3 * before
    assert error < 0.3 * spread


def test_anomaly(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(DOCS / "anomaly.md", 8)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("5 of 5 found")
    assert float(lines[0].split()[4]) < 0.03
    assert float(lines[1].split()[0]) > 0.95
    assert lines[2].endswith("5 of the 5 among them")
    assert lines[3].startswith("column 2 is")
    assert lines[3].endswith("down")
    marked, wrong = (float(number) for number in re.findall(r"([\d.]+)%", lines[4]))
    assert marked > 40
    assert wrong < 1
    assert float(lines[5].split()[0]) > 10


def test_larger_than_memory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(PAGE, 4)
    assert "X.npy', shape=(20000, 16), dtype=float64) error " in capsys.readouterr().out


def test_its_figures_are_those_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    from latente.data import blocks, open, rows, stream
    from latente.estimators import evaluation

    assert (open.IN_MEMORY, rows.BLOCK_BYTES, stream.BUFFER_BYTES) == (1 << 30, 1 << 20, 64 << 20)
    assert (blocks.LARGE, evaluation.MEASURED) == (1 << 28, 20_000)
    for figure in ("more than 1 GiB", "(1 MiB,", "buffer of 64 MiB", "more than 256 MB", "random 20,000 samples"):
        assert figure in text
    assert issubclass(latente.data.StoredRowsChanged, RuntimeError)


def test_compression(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(DOCS / "compression.md", 3)
    lines = capsys.readouterr().out.splitlines()
    ratio, error, bound = re.fullmatch(
        r"(\d+) to 1, largest error ([\d.]+), error of at most ([\d.]+)", lines[0]
    ).groups()
    assert float(ratio) > 20
    assert float(error) <= float(bound)
    assert lines[-1].startswith("AlteredError ")
    assert not (tmp_path / "never.npy").exists()
    assert (tmp_path / "new-again.npy").is_file()


def test_compression_figures_are_those_of_the_scripts():
    import importlib.util

    spec = importlib.util.spec_from_file_location("page", DOCS.parent / "benchmarks" / "codec" / "page.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    text = (DOCS / "compression.md").read_text(encoding="utf-8")
    assert page.hostile() in text
    assert page.files() in text
    assert " 0 failed." in page.hostile()


def test_music(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pretty_midi")
    monkeypatch.chdir(tmp_path)
    run(DOCS / "music.md", 4)
    told = capsys.readouterr().out
    assert "triadic=" in told
    assert "importance=" in told
    assert told.count("midi-") == 6
    assert {"new.mid", "new.wav", "new.png", "model"} <= {path.name for path in tmp_path.iterdir()}
