"""Measures the model of chorales on the test chorales and writes results.csv: python benchmarks/audio/music/run.py.

Data: jsb/jsb16.npz in LATENTE_DATA, the split of Boulanger-Lewandowski et al. (2012). One thread, some CPU minutes.
--model measures another model than the one that latente ships.
"""

from __future__ import annotations

import argparse
import copy
import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from train import chorales

from latente.audio.music import MusicAutoencoder, Score, agreement, measure_music, onset_accuracy

SAMPLES, SEGMENTS, SEGMENT = 300, 2, 32
CHOSEN = 0.5  # the spread, by spread.py on the validation chorales
COPY, COMPARED = 0.9, 300  # of the tokens of a segment; segments
Row = tuple[str, str, str, float]


def likelihoods(model: MusicAutoencoder, train: list[Score], test: list[Score], draws: int) -> Iterator[Row]:
    """Yields nats a step, of all four voices, on the test chorales."""
    found, gaussian = model.bounds(test, draws=draws), plain(model).bounds(test, draws=draws)
    seen = np.concatenate([score.pitches for score in train], 1)
    uniform = sum(math.log(len(np.unique(voice))) for voice in seen)
    yield "nats a step", "uniform over the symbols of each voice", "floor", uniform
    yield "nats a step", "one voice at a time, no memory (unigram)", "floor", counted(train, test, pairs=False)
    yield "nats a step", "one voice at a time, given its last pitch (bigram)", "floor", counted(train, test, pairs=True)
    yield "nats a step", "first GRU VAE (80 CPU s), ELBO", "before", 3.48
    yield "nats a step", "with the Gaussian prior: rate", "before", gaussian.rate
    yield "nats a step", "with the Gaussian prior, ELBO", "before", gaussian.elbo
    yield (
        "nats a step",
        f"with the Gaussian prior, importance-weighted bound, {draws} draws",
        "before",
        gaussian.importance,
    )
    yield "nats a step", "this model, ELBO: distortion", "model", found.distortion
    yield "nats a step", "this model, ELBO: rate", "model", found.rate
    yield "nats a step", "this model, ELBO", "model", found.elbo
    yield "nats a step", f"this model, importance-weighted bound, {draws} draws", "model", found.importance


def plain(model: MusicAutoencoder) -> MusicAutoencoder:
    """Returns the model with the Gaussian prior that it was trained with."""
    other = copy.copy(model)
    other.module_ = copy.deepcopy(model.module_)
    other.module_.mixture = None
    return other


def counted(train: list[Score], test: list[Score], *, pairs: bool) -> float:
    """Returns nats a step of counts with 0.1 added, per voice."""
    total, steps = 0.0, sum(score.steps for score in test)
    for voice in range(4):
        counts = np.full((129, 129), 0.0)
        for score in train:
            line = score.pitches[voice].astype(int) + 1
            np.add.at(counts, (line[:-1], line[1:]), 1)
        single = np.bincount(np.concatenate([score.pitches[voice] + 1 for score in train]), minlength=129) + 0.1
        single /= single.sum()
        table = counts + 3 * single  # each row is pulled towards the single pitches
        table /= table.sum(1, keepdims=True)
        for score in test:
            line = score.pitches[voice].astype(int) + 1
            total -= np.log(single[line[:1]]).sum() if pairs else np.log(single[line]).sum()
            total -= np.log(table[line[:-1], line[1:]]).sum() if pairs else 0.0
    return total / steps


def qualities(model: MusicAutoencoder, train: list[Score], test: list[Score]) -> Iterator[Row]:
    """Yields what samples are like, beside real chorales and real voices out of step."""
    rng = np.random.default_rng(0)
    notes = np.concatenate([score.pitches for score in test], 1)
    shuffled = Score(np.stack([rng.permutation(voice) for voice in notes]))
    settings = {"segments": SEGMENTS, "random_state": 0}
    sampled = {
        f"samples, T = {temperature:g}, spread {spread:g}{prior}": writer.sample(
            SAMPLES, temperature=temperature, spread=spread, **settings
        )
        for writer, prior, temperature, spread in (
            (model, "", 0.8, CHOSEN),
            (model, "", 1.0, CHOSEN),
            (model, "", 0.8, 1.0),
            (plain(model), ", Gaussian prior", 0.8, 0.3),
            (plain(model), ", Gaussian prior", 0.8, 1.0),
        )
    }
    real = {"test chorales": test}
    for name, kind, scores in (
        ("test chorales", "oracle", test),
        ("test chorales, the steps of each voice shuffled", "floor", [shuffled]),
        *((name, "model", scores) for name, scores in sampled.items()),
    ):
        found = measure_music(scores)
        yield "triadic steps", name, kind, found.triadic
        yield "voices in order", name, kind, found.ordered
        yield "tokens that change", name, kind, found.changing
    theirs = segments(train, step=4)
    for name, scores in (real | sampled).items():
        nearest = agreement(segments(scores, step=SEGMENT)[:COMPARED], theirs)
        kind = "oracle" if name in real else "model"
        yield f"segments that copy more than {COPY:.0%}", name, kind, float((nearest > COPY).mean())
        yield "agreement with the nearest training segment", name, kind, float(nearest.mean())
    for name, scores in sampled.items():
        distinct = {sample.pitches.tobytes() for sample in scores}
        yield f"distinct pieces of {SAMPLES}", name, "model", len(distinct)


def segments(scores: list[Score], step: int) -> np.ndarray:
    """Returns all segments (n, voices, steps) that begin every so many steps."""
    found = []
    for score in scores:
        starts = range(0, score.steps - SEGMENT + 1, step)
        found += [score.pitches[:, start : start + SEGMENT] for start in starts]
    return np.stack(found)


def reconstructions(model: MusicAutoencoder, test: list[Score]) -> Iterator[Row]:
    """Yields how much of a segment comes back from its code alone; the decoder hears only itself."""
    pieces = [Score(each, None, 4) for each in segments(test, step=SEGMENT)]
    held = [Score(np.repeat(piece.pitches[:, :1], piece.steps, axis=1)) for piece in pieces]
    yield from compared("the first step, held", "floor", pieces, held)
    codes = np.stack([model.encode(piece) for piece in pieces])  # (n, 1, latent_dim)
    others = model.decode(np.roll(codes, 1, axis=0), temperature=0.8, random_state=0)
    yield from compared("another segment's code, T = 0.8", "floor", pieces, others)
    for temperature in (1.0, 0.8, 0.5, 0.2):
        rebuilt = model.decode(codes, temperature=temperature, random_state=0)
        yield from compared(f"its code, T = {temperature:g}", "model", pieces, rebuilt)
    before = [Score(np.pad(piece.pitches, ((0, 0), (1, 0)), "edge")[:, :-1]) for piece in pieces]
    yield from compared("the true step before (no code at all)", "floor", pieces, before)


def compared(name: str, kind: str, pieces: list[Score], rebuilt: list[Score]) -> Iterator[Row]:
    moving = [(a, b) for a, b in zip(pieces, rebuilt, strict=True) if (a.pitches[:, 1:] != a.pitches[:, :-1]).any()]
    onsets = np.concatenate([(a.pitches[:, 1:] != a.pitches[:, :-1]).ravel() for a, _ in moving])
    right = np.concatenate([(a.pitches[:, 1:] == b.pitches[:, 1:]).ravel() for a, b in moving])
    check = onset_accuracy(*moving[0])  # the same number, for one piece
    first = onsets[: moving[0][0].pitches[:, 1:].size]
    if not math.isclose(check, float(right[: first.size][first].mean())):
        raise RuntimeError("two ways to count onsets differ")
    yield "onsets right", name, kind, float(right[onsets].mean())
    yield "tokens right", name, kind, float(np.mean([(a.pitches == b.pitches).mean() for a, b in moving]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, help="a model's folder; left out: the one that latente ships")
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.csv"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = MusicAutoencoder.pretrained() if args.model is None else MusicAutoencoder.load(args.model)
    train, test = chorales("train"), chorales("test")
    rows = itertools.chain(
        likelihoods(model, train, test, args.draws), qualities(model, train, test), reconstructions(model, test)
    )
    with open(args.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("measure", "what", "kind", "value"))
        for measure, what, kind, value in rows:
            writer.writerow((measure, what, kind, f"{value:.4f}"))
            print(f"{measure:45} {what:60} {kind:7} {value:.4f}", flush=True)


if __name__ == "__main__":
    main()
