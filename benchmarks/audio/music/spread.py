"""Chooses the spread of codes on validation chorales and writes spread.csv: python benchmarks/audio/music/spread.py.

Samples at T = 0.8 are compared with the validation chorales by four measures: triadic steps, voices in order, tokens
that change, agreement with the nearest training segment (half of the training segments, transpositions of up to three
semitones). The distance is the mean of the relative differences; the spread of the smallest distance is the default.
The test chorales are not looked at. One thread, about a CPU minute.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from run import SEGMENT, SEGMENTS, segments
from train import chorales

from latente.audio.music import MusicAutoencoder, Score, agreement, measure_music

SPREADS, SAMPLES, COMPARED = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 1.0), 200, 100
MEASURES = ("triadic", "ordered", "changing", "agreement")


def measures(scores: list[Score], theirs: np.ndarray) -> list[float]:
    """Returns the four measures."""
    found, parts = measure_music(scores), segments(scores, step=SEGMENT)
    chosen = parts[np.linspace(0, len(parts) - 1, min(COMPARED, len(parts))).astype(int)]
    return [found.triadic, found.ordered, found.changing, float(agreement(chosen, theirs, most=3).mean())]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, help="a model's folder; left out: the one that latente ships")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = MusicAutoencoder.pretrained() if args.model is None else MusicAutoencoder.load(args.model)
    theirs = segments(chorales("train"), step=16)
    real = measures(chorales("valid"), theirs)
    with Path(__file__).with_name("spread.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("prior", "spread", *MEASURES, "distance"))
        writer.writerow(("validation chorales", "", *(f"{value:.4f}" for value in real), ""))
        for prior in ("mixture", "Gaussian"):
            if prior == "Gaussian":
                model.module_.mixture = None
            for spread in SPREADS:
                pieces = model.sample(SAMPLES, segments=SEGMENTS, spread=spread, temperature=0.8, random_state=1)
                found = measures(pieces, theirs)
                distance = np.mean([abs(a - b) / b for a, b in zip(found, real, strict=True)])
                writer.writerow((prior, spread, *(f"{value:.4f}" for value in found), f"{distance:.4f}"))
                file.flush()
                print(prior, spread, *(f"{value:.3f}" for value in found), f"distance {distance:.4f}", flush=True)


if __name__ == "__main__":
    main()
