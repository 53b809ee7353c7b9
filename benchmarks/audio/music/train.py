"""Trains the model of chorales that latente ships: python benchmarks/audio/music/train.py --run RUN --out FOLDER.

Data: jsb/jsb16.npz in LATENTE_DATA (229 chorales to train on, 76 to validate). One thread. An interrupted run goes on
where it stood when the same command is given again with --resume. --out writes the model, weights as float16.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from pathlib import Path

import numpy as np

from latente import Trainer
from latente.audio.music import MusicAutoencoder, Score
from latente.training.history import EpochRecord

TEMPO = 76.0  # quarter notes a minute, slow enough to follow four voices


def chorales(split: str) -> list[Score]:
    """Returns the chorales of a split, train, valid or test."""
    with np.load(Path(os.environ["LATENTE_DATA"]) / "jsb" / "jsb16.npz") as data:
        steps, offsets = data[split], data[f"{split}_offsets"]
    parts = itertools.pairwise(offsets)
    return [Score(steps[low:high].T, steps_per_beat=4, tempo=TEMPO) for low, high in parts]


def say(record: EpochRecord) -> None:
    print(f"epoch {record.epoch}, {time.process_time():.0f} CPU s of this process: {record}", flush=True)


def fit(model: MusicAutoencoder, run: Path, resume: bool, **settings: object) -> MusicAutoencoder:
    """Trains for some epochs, going on from the newest checkpoint where asked to."""
    trainer = Trainer(threads=1, checkpoint=run, callbacks=[say], verbose=False, **settings)
    model.set_params(trainer=trainer)
    return model.fit(chorales("train"), validation=chorales("valid")[:8], resume=resume)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--first", type=Path, help="the model after the first phase, which is then left out")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    if args.first is not None:
        model = MusicAutoencoder.load(args.first)
    else:  # codes always, their rate free at first
        model = fit(MusicAutoencoder(uncoded=0.0, random_state=0), args.run / "first", args.resume, epochs=5)
    model.set_params(warm_start=True, warmup=0.0, uncoded=0.2, random_state=1)
    fit(model, args.run / "second", args.resume, epochs=6, learning_rate=2e-3)
    model.fit_prior(chorales("train"), validation=chorales("valid"))
    model.set_params(trainer=Trainer(epochs=6, learning_rate=2e-3, threads=1, verbose=False))  # no paths, no callbacks
    model.save(args.out, compact=True)
    print(f"wrote {args.out}; {time.process_time():.0f} CPU s in this process")


if __name__ == "__main__":
    main()
