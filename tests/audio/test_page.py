"""The examples of the page run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "audio.md"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the page's examples print, by the section that they stand in."""
    import contextlib
    import io
    import os

    folder, before = tmp_path_factory.mktemp("page"), Path.cwd()
    os.chdir(folder)
    space: dict[str, object] = {}
    out: dict[str, str] = {}
    try:
        for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            with contextlib.redirect_stdout(io.StringIO()) as text:
                for block in re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL):
                    exec(compile(block, str(PAGE), "exec"), space)
            out[section.splitlines()[0]] = text.getvalue()
    finally:
        os.chdir(before)
    return out


def test_files(told):
    assert told["Files"] == "tone.wav: 1.0 s, mono, resampled from 16000 to 8000 Hz\n"


def test_spectra(told):
    assert told["Spectra"] == "True\n"
