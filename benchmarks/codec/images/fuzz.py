"""Streams of pictures and models in them, damaged on purpose: each must be refused with an error of the codec's own.

    OMP_NUM_THREADS=1 python benchmarks/codec/images/fuzz.py --count 10000

Cases are streams of `ImageCodec` (by positions, and tiny pictures as wholes) and of `LosslessImageCodec` (each of its
ways). A third of the tries damages bytes, a third forges them with right checksums (see `../hostile.py`), a third
embeds a model of which one tensor was exchanged: by other types, other shapes, huge ones, smallest integers, not a
number, or nothing. A sound checksum is no signature, so a forged stream may decode to something else. A row a case and
damage goes to fuzz.csv.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile import Tally, damage, forge

from latente import Trainer
from latente.codec import CodecError, ImageCodec, Limits, LosslessImageCodec, Model, pack, unpack
from latente.codec.images.lossless import stream as lossless

LIMITS = Limits(header_bytes=1 << 20, section_bytes=1 << 26, decoded_bytes=1 << 26)
KINDS = ("cut", "flip", "overwrite", "remove", "double", "swap", "zero", "append")
SLOW, ALLOWED = 10.0, 512 << 20  # seconds; bytes of growth
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Case:
    """A sound stream, its model, and the pictures that it decodes to."""

    name: str
    kind: type[ImageCodec] | type[LosslessImageCodec]
    stream: bytes
    model: Model | None
    pictures: NDArray[np.uint8]

    def decode(self, data: bytes, *, known: bool = True) -> NDArray[np.uint8]:
        """Returns what a stream decodes to, with the model at hand or without."""
        codec: Any = self.kind(limits=LIMITS)
        if known and self.model is not None:
            codec.model_ = self._loaded()
        return codec.decode_many(data)

    def _loaded(self) -> Any:
        if self.kind is LosslessImageCodec:
            return self.model
        if self.name not in _MODELS:
            from latente.codec.images.ways import model_from

            _MODELS[self.name] = model_from(self.model)
        return _MODELS[self.name]


_MODELS: dict[str, Any] = {}


def painted(n: int, height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    """Returns pictures of waves with noise; (n, height, width) where they are grey."""
    rng = np.random.default_rng(seed)
    i, j = np.mgrid[:height, :width]
    turn = rng.uniform(0, 6, (n, 1, 1, channels))
    x = 120 + 70 * np.sin(i / 4 + j / 7)[None, :, :, None] * np.cos(turn) + 30 * np.sin(j / 3 + turn[..., 0])[..., None]
    x = np.clip(np.rint(x + rng.normal(0, 4, x.shape)), 0, 255).astype(np.uint8)
    return x[..., 0] if channels == 1 else x


def cases() -> Iterator[Case]:
    """Gives streams of every way."""
    from latente.codec.images.exporting import export
    from latente.codec.images.module import ImageModule

    trainer = Trainer(epochs=1, batch_size=100, compile=False, verbose=False, precision="float32")
    grid = ImageCodec()
    grid.model_ = export(ImageModule().eval(), [])
    whole = ImageCodec(trainer=trainer, random_state=0).fit(painted(2100, 8, 8, 1))
    network = LosslessImageCodec(trainer=trainer).fit(painted(300, 12, 10, 1))
    for name, codec, pictures in (
        ("positions", grid, painted(1, 40, 48, 3)),
        ("wholes", whole, painted(60, 8, 8, 1, 1)),
        ("network", network, painted(60, 12, 10, 1, 1)),
        ("plain", LosslessImageCodec(), painted(1, 30, 40, 3)),
        ("linear", LosslessImageCodec(), painted(1, 128, 100, 3)),
        ("stored", LosslessImageCodec(), np.random.default_rng(0).integers(0, 256, (1, 5, 9, 3)).astype(np.uint8)),
    ):
        data = codec.encode_many(pictures)
        model = getattr(codec, "model_", None)
        kind = type(codec)
        if kind is LosslessImageCodec:
            way = lossless.WAYS[unpack(data).section("pixels")[0]]
            if way != name:
                print(f"the case {name!r} is coded by {way!r}")
        model = model if model is None or kind is LosslessImageCodec else model.model
        case = Case(name, kind, data, model, pictures)
        yield replace(case, pictures=case.decode(data))


def exchanged(tensors: Tensors, rng: np.random.Generator) -> tuple[str, Tensors]:
    """Returns tensors of which one was exchanged, and how."""
    name = str(rng.choice(sorted(tensors)))
    found, made = tensors[name], dict(tensors)
    how = str(rng.choice(["type", "shape", "wide", "smallest", "largest", "random", "nan", "empty", "none", "flat"]))
    if how == "none":
        del made[name]
    elif how == "type":
        with np.errstate(all="ignore"):
            made[name] = found.astype(rng.choice(["f8", "f4", "f2", "i8", "i4", "u1", "?", "u8"]))
    elif how == "shape":
        made[name] = np.stack([found, found])
    elif how == "flat":
        made[name] = found.reshape(-1)
    elif how == "wide":  # as large as a stream of some megabytes can have it
        rows = max(1, (1 << 21) // max(1, found.nbytes))
        made[name] = np.concatenate([found.reshape(len(np.atleast_1d(found)), -1)] * rows, int(rng.integers(2)))
    elif how == "empty":
        made[name] = found[:0] if found.ndim else found.reshape(1)[:0]
    elif how == "nan":
        with np.errstate(over="ignore"):
            evil = np.full(found.shape, rng.choice([np.nan, np.inf, 1e300, -1e300]))
            made[name] = evil.astype(found.dtype if found.dtype.kind == "f" else "f8")
    elif found.dtype.kind == "f":
        most = np.finfo(found.dtype)
        made[name] = np.full(found.shape, most.min if how == "smallest" else most.max, found.dtype)
    elif how == "random":
        made[name] = np.frombuffer(rng.bytes(found.nbytes), found.dtype).reshape(found.shape)
    else:
        limits = np.iinfo(found.dtype)
        made[name] = np.full(found.shape, limits.min if how == "smallest" else limits.max, found.dtype)
    return f"{name} {how}", made


def embedded(case: Case, rng: np.random.Generator) -> tuple[str, bytes]:
    """Returns a stream that holds a model with one tensor exchanged; all its checksums are right."""
    container = unpack(case.stream)
    how, tensors = exchanged(dict(case.model.tensors), rng)
    sections = {name: content for name, content in container.sections.items() if name in container.contents}
    symbols = {name: section.symbols for name, section in container.contents.items() if section.symbols is not None}
    return how, pack(container.kind, container.header, sections, Model("forged", tensors), symbols)


def attempt(case: Case, how: str, data: bytes, tally: Tally, *, known: bool, forged: bool) -> None:
    """Decodes a stream and takes note of what happened."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    tally.tried += 1
    try:
        decoded = case.decode(data, known=known)
    except CodecError as error:
        tally.refused += 1
        tally.errors[type(error).__name__] += 1
    except BaseException as error:  # the point of the exercise
        tally.failed.append(f"{how}: {type(error).__name__}: {error}")
    else:
        same = np.array_equal(decoded, case.pictures)
        tally.exact += same
        tally.other += not same
        if not same and not forged:
            tally.failed.append(f"{how}: decoded to something else")
    seconds = time.perf_counter() - begun
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    tally.slowest, tally.growth = max(tally.slowest, seconds), max(tally.growth, growth)
    if seconds > SLOW or growth > ALLOWED:
        tally.failed.append(f"{how}: took {seconds:.1f} s and {growth:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    every, rng = list(cases()), np.random.default_rng(options.seed)
    tallies = {(case.name, how): Tally() for case in every for how in ("damaged", "forged", "model")}
    for k in range(options.count):
        case, how = every[k % len(every)], ("damaged", "forged", "model")[k // len(every) % 3]
        if how == "model" and case.model is not None:
            what, data = embedded(case, rng)
        elif how == "damaged":
            what = str(rng.choice(KINDS))
            data = damage(what, case.stream, b"", rng)
        else:
            what, how, data = "forged", "forged", forge(case.stream, rng)
        attempt(case, what, data, tallies[case.name, how], known=how != "model", forged=how != "damaged")
        if (k + 1) % 1000 == 0:
            print(f"{k + 1:,} tried, {sum(len(t.failed) for t in tallies.values())} failed", flush=True)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["stream", "damage", "tried", "refused", "exact", "other", "failed", "slowest_s", "growth_mb"])
        for (name, how), t in tallies.items():
            if t.tried:
                row = [name, how, t.tried, t.refused, t.exact, t.other, len(t.failed)]
                writer.writerow([*row, f"{t.slowest:.3f}", f"{t.growth / 1e6:.1f}"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"slowest {max(t.slowest for t in tallies.values()):.2f} s; the whole run's peak is {peak:.0f} MB")
    for (name, how), tally in tallies.items():
        for text in sorted(set(tally.failed))[:8]:
            print(name, how, text[:300])


if __name__ == "__main__":
    main()
