"""Bounds -log p of the JSB piano rolls in quarter notes: python benchmarks/audio/music/quarters.py --run FOLDER.

Writes quarters.csv. Data: jsb/jsb_pianoroll_quarter.npz and jsb/jsb16.npz in LATENTE_DATA. One thread, about ten CPU
minutes; an interrupted run goes on with --resume.

The literature's data are sets of keys, one in a quarter note, all pieces moved to C major or A minor. The model here
emits four voices. Each piece gets the voices of the same piece in sixteenths, moved as the rolls are; where rolls and
voices differ, the voices that are nearest to them and sound exactly the roll's keys. A set of keys is at least as
probable as any one way to sing it: -log p(rolls) <= -log p(voices) <= the negative evidence lower bound of the model of
voices, and likewise the importance-weighted bound. The bound is on the whole piece, its first frame included.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import time
from pathlib import Path

import numpy as np
from train import say

from latente import Trainer
from latente.audio.music import MusicAutoencoder, Score

LOWEST, KEYS, SILENCE = 21, 88, -1
FIRST, SECOND = 9, 2  # epochs in all keys, and in C
SETTINGS = {
    "latent_dim": 32,
    "beta": 1.0,
    "blind": 0.1,
    "hidden_share": 0.3,
    "uncoded": 0.0,
    "warmup": 0.2,
    "random_state": 0,
}
WAYS = np.array(list(itertools.product(range(5), repeat=4)))  # of four voices to sing four keys, or to be silent (4)


def pieces(name: str, split: str) -> list[np.ndarray]:
    """Returns the pieces of a split (steps, ...), as a file of LATENTE_DATA/jsb has them."""
    with np.load(Path(os.environ["LATENTE_DATA"]) / "jsb" / name) as data:
        steps, offsets = data[split], data[f"{split}_offsets"]
    return [steps[low:high] for low, high in itertools.pairwise(offsets)]


def rolls(split: str) -> list[np.ndarray]:
    """Returns bool arrays (frames, 88)."""
    return [np.unpackbits(piece, axis=1)[:, :KEYS].astype(bool) for piece in pieces("jsb_pianoroll_quarter.npz", split)]


def chorales(split: str) -> tuple[list[Score], int, int]:
    """Returns the rolls of a split sung by four voices, and how many of how many frames were sung otherwise."""
    sung = [piece.astype(int)[::4] for piece in pieces("jsb16.npz", split)]
    found, changed, frames = [], 0, 0
    for roll in rolls(split):
        voices = same_piece(roll, sung)
        fitted = np.stack([fit(keys, before) for keys, before in zip(roll, voices, strict=True)])
        changed, frames = changed + int((fitted != voices).any(1).sum()), frames + len(roll)
        found.append(Score(fitted.T, steps_per_beat=1, tempo=76.0))
    return found, changed, frames


def same_piece(roll: np.ndarray, sung: list[np.ndarray]) -> np.ndarray:
    """Returns the voices (frames, 4) of the piece whose highest notes move like those of the roll, moved to its key."""
    top = np.where(roll.any(1), LOWEST + KEYS - 1 - roll[:, ::-1].argmax(1), SILENCE)
    best, agreed = None, -1.0
    for voices in sung:
        if len(voices) != len(roll):
            continue
        highest = voices.max(1)
        both = (top >= 0) & (highest >= 0)
        shifts, counts = np.unique((top - highest)[both], return_counts=True)
        if counts.max() / both.sum() > agreed:
            agreed, shift = counts.max() / both.sum(), shifts[counts.argmax()]
            best = np.where(voices == SILENCE, SILENCE, voices + shift)
    if best is None:
        raise ValueError(f"no piece in sixteenths has {len(roll)} quarter notes")
    return best


def fit(keys: np.ndarray, voices: np.ndarray) -> np.ndarray:
    """Returns the voices (4,) that sound exactly the keys (88,) and are nearest to those given."""
    pitches = np.flatnonzero(keys) + LOWEST
    if np.array_equal(np.unique(voices[voices >= 0]), pitches):
        return voices
    if len(pitches) > 4:
        raise ValueError(f"{len(pitches)} keys at once cannot be sung by four voices")
    ways = WAYS[((len(pitches) > WAYS) | (WAYS == 4)).all(1)]
    ways = ways[[set(way[way < 4]) == set(range(len(pitches))) for way in ways]]
    sung = np.append(pitches, np.full(5 - len(pitches), SILENCE))[np.minimum(ways, len(pitches))]
    return sung[np.abs(sung - voices).sum(1).argmin()]


def trained(run: Path, resume: bool) -> MusicAutoencoder:
    """Returns the model: first in all keys, then in C, the epoch of the smallest validation loss."""
    train, valid = chorales("train")[0], chorales("valid")[0]
    model = MusicAutoencoder(transpose=6, **SETTINGS)
    for name, epochs, rate, patience in (("all", FIRST, 3e-3, None), ("c", SECOND, 1e-3, SECOND)):
        settings = {"epochs": epochs, "learning_rate": rate, "patience": patience, "callbacks": [say]}
        trainer = Trainer(batch_size=64, threads=1, verbose=False, checkpoint=run / name, **settings)
        model.set_params(trainer=trainer).fit(train, validation=valid, resume=resume)
        model.set_params(warm_start=True, transpose=0, warmup=0.0)
    return model


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and the model")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--draws", type=int, default=30)
    args = parser.parse_args()
    model = trained(args.run, args.resume)
    model.save(args.run / "model")
    seconds = time.process_time()
    with Path(__file__).with_name("quarters.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("split", "frames", "changed", "distortion", "rate", "elbo", "importance", "draws", "cpu_seconds")
        )
        for split in ("valid", "test"):
            scores, changed, frames = chorales(split)
            found = model.bounds(scores, draws=args.draws)
            bounds = (found.distortion, found.rate, found.elbo, found.importance)
            writer.writerow(
                (split, frames, changed, *(f"{bound:.4f}" for bound in bounds), args.draws, f"{seconds:.0f}")
            )
            print(split, found, flush=True)


if __name__ == "__main__":
    main()
