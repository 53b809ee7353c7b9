"""Writes docs/benchmarks-audio-separation.md from results.csv.

python pages.py
"""

from __future__ import annotations

import csv
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks-audio-separation.md"
BARS = {"speech and music": 7.0, "white": 12.0, "pink": 12.5, "babble": 7.0}  # dB that issue 8 asks for
OURS = ("SourceSeparator", "AudioDenoiser")
HEAD = """# Sources taken apart, noise removed: on voices and tracks that were never heard

Made by `benchmarks/audio/separation/run.py`; `prepare.py` beside it says which recordings, `train.py` how the shipped
models were trained. Speech at 8 kHz, 4 s a mixture: recordings of one voice one after the other, 0.05 to 0.3 s apart.
Voices of the test: the Italian prompts of asterisk (a woman, menardi, and a man, carlo) and FSDD's theo and lucas.
Tracks of the test: the_simplicity and morning_coffee. Training saw none of them. Babble is six stretches at once of the
other three test voices. The `mixture` is the floor; the oracle is the Wiener mask of the true sources, with the
mixture's phase: what a mask could reach if it knew them.

scipy's Wiener filter has, of six windows, the one that is best on the test set itself. NMF has a dictionary of 64
spectra for each source, learnt from five minutes each of the training voices and tracks, by the Kullback-Leibler
divergence.

What these figures cannot show: four voices and two tracks are few. Recordings and network were chosen on voices and
albums that were held out of the training (`drawn.py` names them), not on these mixtures. But that the model of before
lacked variety more than fit was seen on test voices and tracks, and the training started from that model, for which 48
of these mixtures had been in sight, three times; both flatter a little. Every recording is of a studio or a quiet room,
and clean. The loss was still falling slowly when training ended.

`NOTES.md` beside the scripts says what was tried, and `training.log` is the log of the training of both models.

"""
FOOT = """## What the models were trained on

All of it comes from Debian's main archive, whose packages are free, but for FSDD and the chorales.

"""


def table(rows: list[dict[str, str]]) -> list[str]:
    """Returns the lines of one test set's table."""
    out = [
        "| | SI-SDR of the speech, dB | of the rest | STOI | better than the input | CPU s a minute |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = "" if row["method"] == "mixture" else f"{float(row['better_than_input']):.0%}"
        out.append(
            f"| {row['method']} | {float(row['si_sdr']):.2f} +- {float(row['standard_error']):.2f} | "
            f"{row['si_sdr_of_the_rest']} | {float(row['stoi']):.3f} | {share} | {row['cpu_seconds_a_minute']} |"
        )
    return out


def verdict(task: str, rows: list[dict[str, str]]) -> str:
    """Returns a sentence on whether the aim is reached."""
    ours = next(row for row in rows if row["method"] in OURS)
    before = next(row for row in rows if row["method"] == "mixture")
    stoi = float(ours["stoi"]) - float(before["stoi"])
    heard = f"STOI {stoi:+.3f} against the input."
    if task not in BARS:
        return heard
    gap = float(ours["si_sdr"]) - BARS[task]
    reached = f"reached, by {gap:.2f} dB" if gap >= 0 else f"missed, by {-gap:.2f} dB"
    return f"The aim of {BARS[task]:.1f} dB is {reached}. {heard}"


def packages(path: Path) -> list[str]:
    """Returns the lines of the table of the recordings."""
    with path.open(encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def write_page(results: Path) -> None:
    """Writes the page.

    Args:
        results: the CSV.
    """
    with results.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [HEAD]
    for task in dict.fromkeys(row["task"] for row in rows):
        chosen = [row for row in rows if row["task"] == task]
        level = 0 if task == "speech and music" else 5
        title = "Speech and music" if level == 0 else f"Speech under noise: {task}"
        lines += [
            f"## {title}, {level} dB, {chosen[0]['mixtures']} mixtures",
            "",
            *table(chosen),
            "",
            verdict(task, chosen),
            "",
        ]
    lines += [FOOT.rstrip("\n"), "", *packages(results.with_name("packages.csv")), ""]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_page(Path(__file__).with_name("results.csv"))
