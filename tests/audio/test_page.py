"""The examples of the page run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from latente.audio import write_sound

PAGE = Path(__file__).parents[2] / "docs" / "audio.md"


def record(folder):
    """Writes what a reader would have recorded: sounds whose pitch rises, or falls."""
    rng = np.random.default_rng(0)
    for word, (low, high) in {"lights_on": (300, 1500), "stop": (1500, 300)}.items():
        (folder / word).mkdir(parents=True)
        for take in range(1, 4):
            n = int(rng.uniform(3000, 4000))
            phase = 2 * np.pi * np.cumsum(np.linspace(low, high, n)) / 8000
            write_sound(folder / word / f"{take}.wav", np.sin(phase) * np.hanning(n) / 2, 8000)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the page's examples print, by the section that they stand in."""
    import contextlib
    import io
    import os

    folder, before = tmp_path_factory.mktemp("page"), Path.cwd()
    record(folder / "recordings")
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


def test_words(told):
    assert told["Words"] == "stop 2\n(6, 64)\n(2, 64)\n"
