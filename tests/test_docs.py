"""The prose names what exists: every part that a short string can name, every public estimator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import latente
import latente.estimators  # registers every part
from latente.parts import Part

ROOT = Path(__file__).parents[1]
SPOKEN = ("network", "corruption", "bottleneck", "distortion", "objective")
UNSPOKEN = {
    "custom",
    "compose",
    "cross_entropy",
    "rate_distortion",  # of the image codec
    "whole_rate_distortion",
    "code_likelihood",  # of music
    "restoration",
    "segmentation",
    "imputation",
    "member_reconstruction",
    "source_error",
    "lossless_bits",
}  # made from code


@pytest.mark.parametrize("family", SPOKEN)
def test_every_short_string_is_in_the_docs(family):
    text = (ROOT / "docs" / "parts.md").read_text(encoding="utf-8")
    missing = [name for name in Part.families[family].registry if f"`{name}" not in text and name not in UNSPOKEN]
    assert missing == []


def test_every_short_string_in_the_docs_is_understood():
    section, wrong = "", []
    for line in (ROOT / "docs" / "parts.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ").split()[0].lower().removesuffix("s")
        elif line.startswith("| `") and section in SPOKEN:
            for cell in line.split("|")[1].split("`")[1::2]:
                texts = cell.split("+")
                try:
                    [Part.families[section].from_string(text) for text in texts if text != "auto"]
                except ValueError as error:
                    wrong.append(f"{cell}: {error}")
    assert wrong == []


def test_every_finding_is_in_the_docs():
    text = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    places = [*(ROOT / "src/latente/diagnostics").glob("*.py"), ROOT / "src/latente/training/signs.py"]
    names = {name for place in places for name in re.findall(r'Finding\(\s*"([^"]+)"', place.read_text("utf-8"))}
    assert len(names) > 25
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_the_readme_names_every_estimator():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = [name for name in latente.__all__ if name.endswith("Autoencoder")]
    assert len(named) == 6
    assert [name for name in named if name not in text] == []
