"""Writes docs/benchmarks-audio-music.md from results.csv: python benchmarks/audio/music/page.py."""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "benchmarks-audio-music.md"
INTRO = """# Music: what the model of chorales can do

The model that latente ships (`MusicAutoencoder.pretrained()`), trained by `benchmarks/audio/music/train.py` on 229
chorales by J. S. Bach in sixteenth notes, four voices, the split of Boulanger-Lewandowski et al. (2012); measured by
`benchmarks/audio/music/run.py` on the 77 test chorales (18,900 steps). One seed, one thread, {training}.
A floor is what anybody gets without a model, an oracle what real chorales get by the same measure.

"""
NOTES = {
    "nats a step": (
        "Likelihood",
        """Nats a step of all four voices, smaller is better. The evidence lower bound and the importance-weighted bound
are upper bounds of -log p(x); the others are exact. Each chorale is read from its first step to its last. The row
`before` is a first trial, on segments that knew nothing of each other.""",
    ),
    "triadic steps": (
        "Samples",
        """300 pieces of four bars. The spread multiplies the deviations of the prior of codes: 1 is the model as it was
trained, 0 takes the mean and draws notes alone, and 0.3, the default, was chosen by these figures. Triadic: the pitch
classes of a step fit a major, minor or diminished triad, a dominant, minor or major seventh chord. In order: no voice
above the one before it. Steps at which all voices are silent count for neither. Copies: of 300 segments of two bars,
those of which more than 90% of the tokens agree with one segment of the training chorales in any transposition of up
to six semitones.""",
    ),
    "onsets right": (
        "From a code back to music",
        """Each segment of two bars is encoded, and decoded from its code alone: the decoder hears only itself. Onsets
are tokens whose pitch is not that of the step before; what holds notes gets none of them right.""",
    ),
}


def rows_of(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def training() -> str:
    """Returns how long the shipped model was trained."""
    rows = rows_of("training.csv")
    last = [row for row, after in zip(rows, [*rows[1:], None], strict=True) if not after or after["epoch"] == "1"]
    seconds = sum(float(row["cpu_seconds"]) for row in last)
    return f"{len(rows)} epochs, {seconds:.0f} CPU seconds"


def main() -> None:
    rows, text = rows_of("results.csv"), INTRO.format(training=training())
    title = ""
    for row in rows:
        measure = row["measure"]
        if measure in NOTES and NOTES[measure][0] != title:
            begun, (title, note) = bool(title), NOTES[measure]
            table = "| measure | of what | kind | value |\n|---|---|---|---|\n"
            text += "\n" * begun + f"## {title}\n\n{note}\n\n{table}"
        text += f"| {measure} | {row['what']} | {row['kind']} | {shown(row)} |\n"
    PAGE.write_text(text, encoding="utf-8")


def shown(row: dict[str, str]) -> str:
    value = float(row["value"])
    return f"{value:.2f}" if "nats" in row["measure"] else f"{value:.0f}" if value > 1 else f"{value:.1%}"


if __name__ == "__main__":
    main()
