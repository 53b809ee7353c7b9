"""Measures the shipped models on voices and tracks that they never heard, and writes results.csv and the page.

    python run.py RECORDINGS [--separator FOLDER] [--denoiser FOLDER] [--only white pink ...]

RECORDINGS is what prepare.py made. Needs pystoi for the column STOI. SI-SDR of the speech in dB and STOI, means over
the mixtures, their standard error, and how often the model is better than the input.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import protocol
from factors import Factors
from pages import write_page
from scipy.signal import wiener

from latente.audio import AudioDenoiser, SourceSeparator
from latente.metrics.sound import si_sdr

RESULTS = Path(__file__).with_name("results.csv")
MUSIC = "speech and music"
ORACLE, NMF, WIENER = "oracle Wiener mask", "NMF, a dictionary a source", "scipy Wiener filter"
METHODS = ("mixture", ORACLE, NMF, WIENER, "SourceSeparator", "AudioDenoiser")
TASKS = (MUSIC, "white", "pink", "babble", "music", "clicks")


def stoi(speech: np.ndarray, estimate: np.ndarray) -> float:
    """Returns the short-time objective intelligibility (Taal et al., 2011)."""
    from pystoi import stoi as measure

    return float(measure(speech, estimate, protocol.RATE))


def row(
    task: str, method: str, mixes: list[protocol.Mix], estimates: list[np.ndarray], seconds: float
) -> dict[str, object]:
    """Returns a line of the table."""
    before = np.array([si_sdr(mix.mixture, mix.speech) for mix in mixes])
    after = np.array([si_sdr(x, mix.speech) for mix, x in zip(mixes, estimates, strict=True)])
    heard = [stoi(mix.speech, x) for mix, x in zip(mixes, estimates, strict=True)]
    other = [si_sdr(mix.mixture - x, mix.other) for mix, x in zip(mixes, estimates, strict=True)]
    return {
        "task": task,
        "method": method,
        "mixtures": len(mixes),
        "si_sdr": round(float(after.mean()), 2),
        "standard_error": round(float(after.std(ddof=1) / len(after) ** 0.5), 2),
        "si_sdr_of_the_rest": round(float(np.mean(other)), 2) if method != "mixture" else "",
        "stoi": round(float(np.mean(heard)), 3),
        "better_than_input": round(float((after > before).mean()), 3),
        "cpu_seconds_a_minute": round(60 * seconds / (len(mixes) * protocol.SECONDS), 2),
    }


def measured(
    task: str, mixes: list[protocol.Mix], methods: dict[str, Callable[[protocol.Mix], np.ndarray]]
) -> list[dict[str, object]]:
    """Returns the lines of one test set."""
    rows = []
    for name, method in methods.items():
        begun = time.process_time()
        estimates = [method(mix) for mix in mixes]
        rows.append(row(task, name, mixes, estimates, time.process_time() - begun))
        print(rows[-1], flush=True)
    return rows


def kept(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Returns the new lines and those of other test sets and methods that were there, in order."""
    new = {(row["task"], row["method"]) for row in rows}
    old: list[dict[str, object]] = []
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8") as file:
            old = [dict(row) for row in csv.DictReader(file) if (row["task"], row["method"]) not in new]
    return sorted(old + rows, key=lambda row: (TASKS.index(str(row["task"])), METHODS.index(str(row["method"]))))


def best_window(mixes: list[protocol.Mix]) -> int:
    """Returns the window of scipy's filter that does best on the test mixtures themselves, which flatters it."""
    means = {
        size: np.mean([si_sdr(wiener(mix.mixture.astype(np.float64), size), mix.speech) for mix in mixes[:30]])
        for size in (3, 5, 7, 9, 13, 19)
    }
    return max(means, key=lambda size: means[size])


def methods(
    task: str, mixes: list[protocol.Mix], arguments: argparse.Namespace
) -> dict[str, Callable[[protocol.Mix], np.ndarray]]:
    """Returns what is compared on a test set."""
    rate, chosen = protocol.RATE, arguments.methods
    out: dict[str, Callable[[protocol.Mix], np.ndarray]] = {
        "mixture": lambda mix: mix.mixture,
        ORACLE: protocol.wiener_oracle,
    }
    if task == MUSIC and NMF in chosen:
        factors = Factors.learn(arguments.recordings, rate)
        out[NMF] = lambda mix: factors.speech(mix.mixture)
    if task == MUSIC and "SourceSeparator" in chosen:
        model = SourceSeparator.load(arguments.separator) if arguments.separator else SourceSeparator.pretrained()
        out["SourceSeparator"] = lambda mix: model.separate(mix.mixture, rate)["speech"]
    if task != MUSIC and WIENER in chosen:
        window = best_window(mixes)
        out[WIENER] = lambda mix: wiener(mix.mixture.astype(np.float64), window)
    if task != MUSIC and "AudioDenoiser" in chosen:
        cleaner = AudioDenoiser.load(arguments.denoiser) if arguments.denoiser else AudioDenoiser.pretrained()
        out["AudioDenoiser"] = lambda mix: cleaner.denoise(mix.mixture, rate)
    return {name: method for name, method in out.items() if name in chosen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--separator", type=Path)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--mixes", type=int, default=200)
    parser.add_argument("--noisy", type=int, default=100)
    parser.add_argument("--only", choices=TASKS, nargs="+", default=TASKS)
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=METHODS, help="the other lines stay")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    for task in arguments.only:
        if task == MUSIC:
            mixes = protocol.music_mixes(arguments.recordings, arguments.mixes)
        else:
            mixes = protocol.noise_mixes(arguments.recordings, task, arguments.noisy)
        rows += measured(task, mixes, methods(task, mixes, arguments))
    rows = kept(rows)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_page(RESULTS)


if __name__ == "__main__":
    main()
