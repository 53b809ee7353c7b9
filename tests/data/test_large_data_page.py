"""The examples of docs/large-data.md run."""

from __future__ import annotations

import re
from pathlib import Path

import latente.data

PAGE = Path(__file__).parents[2] / "docs" / "large-data.md"


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), space)
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
