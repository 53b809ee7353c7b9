"""Streams that were damaged on purpose: each must be refused, or decode to the very original.

    python benchmarks/codec/hostile.py --count 100000

For every kind of .lat file a small one is made. Copies are cut, their bits flipped, bytes overwritten, stretches
removed, doubled, swapped, zeroed and taken from other files. In a second set of copies (`forged`) the checksums are
repaired after the damage, so that it reaches the decoders; there a decoder may also return something else, since a
checksum is no signature, but it may not crash, hang or take memory. Tries run in batches in processes of their own.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import multiprocessing
import resource
import shutil
import struct
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import google_crc32c
import numpy as np

from latente.codec import ArrayCodec, CodecError, Limits, compress_file, decompress_file
from latente.codec.frames import TYPICAL

LIMITS = Limits(header_bytes=1 << 20, section_bytes=1 << 25, decoded_bytes=1 << 26, output_bytes=1 << 26)
ALLOWED = 4 * LIMITS.decoded_bytes  # bytes of growth: a decoder may hold a block more than once
SLOW = 5.0  # seconds
BATCH = 500
DAMAGES = ("cut", "flip", "overwrite", "remove", "double", "swap", "zero", "splice", "append", "forged")
EVIL = (
    0, -1, 1, 2**31, 2**40, 2**62, 2**63, 10**30, 0.5, -1.5, 1e308, None, True, "", "x", "<f8", "|V99999999", "<M8", [],
    {}, [0], [2**40], [1] * 70, [[]],
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A sound stream, and the digest of what it decodes to."""

    name: str
    stream: bytes
    digest: str


@dataclass
class Tally:
    """What became of the damaged copies of one case under one damage."""

    tried: int = 0
    refused: int = 0
    exact: int = 0
    other: int = 0
    failed: list[str] = field(default_factory=list)
    errors: Counter = field(default_factory=Counter)
    slowest: float = 0.0
    growth: int = 0


def originals(folder: Path) -> Iterator[tuple[Path, dict]]:
    """Gives small files of every format, and how each is compressed."""
    generator = np.random.default_rng(0)
    wave = np.cumsum(generator.normal(size=(6, 40)), axis=1)
    np.save(folder / "field.npy", wave.astype(np.float32))
    yield folder / "field.npy", {"max_error": 1e-2}
    np.save(folder / "integers.npy", np.asfortranarray(np.rint(wave * 50).astype(np.int16)))
    yield folder / "integers.npy", {}
    np.savez(folder / "several.npz", a=wave, text=np.array(["ab", "c"]), n=np.arange(5))
    yield folder / "several.npz", {"psnr": 40}
    lines = ["id,temp,name"] + [f'{i},{value:.2f},"n{i % 3}"' for i, value in enumerate(wave.ravel())]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    yield folder / "table.csv", {"max_error": 1e-2}
    (folder / "exact.csv").write_text("\n".join(lines))
    yield folder / "exact.csv", {}
    sound = np.rint(3000 * np.sin(np.arange(800) / 9)).astype("<i2")
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 1636, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 1600
    )
    (folder / "sound.wav").write_bytes(head + sound.tobytes())
    yield folder / "sound.wav", {"snr": 30}
    shutil.copy(folder / "sound.wav", folder / "exact.wav")
    yield folder / "exact.wav", {}
    (folder / "notes.txt").write_text("again and again " * 40)
    yield folder / "notes.txt", {}
    yield from _with_extras(folder, wave)


def _with_extras(folder: Path, wave: np.ndarray) -> Iterator[tuple[Path, dict]]:
    import netCDF4
    import pyarrow
    import pyarrow.parquet
    import zarr

    table = pyarrow.table({"x": wave.ravel(), "name": [f"n{i % 3}" for i in range(wave.size)]})
    pyarrow.parquet.write_table(table, folder / "table.parquet")
    yield folder / "table.parquet", {"max_error": 1e-2}
    with netCDF4.Dataset(folder / "field.nc", "w") as data:
        data.title = "a field"
        data.createDimension("t", None)
        data.createDimension("x", wave.shape[1])
        data.createVariable("v", "f4", ("t", "x"), zlib=True)[:] = wave
    yield folder / "field.nc", {"max_error": 1e-2}
    array = zarr.create_array(folder / "field.zarr", shape=wave.shape, chunks=(4, 16), dtype="f8")
    array[:] = wave
    yield folder / "field.zarr", {"max_error": 1e-2}


def array_streams() -> Iterator[tuple[str, bytes]]:
    """Gives streams of `ArrayCodec` alone, of each way in which it codes."""
    generator = np.random.default_rng(1)
    smooth = np.sin(np.linspace(0, 20, 3000)).reshape(50, 60).astype(np.float32)
    holes = smooth.copy()
    holes[3:9, 5:7] = np.nan
    yield "smooth", ArrayCodec(max_error=1e-3).encode(smooth)
    yield "holes", ArrayCodec(max_error=1e-2).encode(holes)
    yield "exact", ArrayCodec(max_error=0).encode(holes)
    yield "noise", ArrayCodec(psnr=50).encode(generator.normal(size=(6, 7, 8)))
    yield "integers", ArrayCodec(max_error=0).encode(generator.integers(0, 9, 500).cumsum())
    yield "few", ArrayCodec(max_error=0).encode(generator.choice([1.5, 2.5, 7.25], 400))
    yield "constant", ArrayCodec().encode(np.full((30, 40), 2.5))


def corpus(folder: Path) -> list[Case]:
    """Returns sound streams of every kind; `folder` must be empty."""
    cases = []
    for path, how in originals(folder):
        stream = compress_file(path, **how).output.read_bytes()
        cases.append(Case(path.name, stream, ""))
    cases += [Case(f"array {name}", stream, "") for name, stream in array_streams()]
    return [Case(case.name, case.stream, decoded(case.stream, folder / "again")) for case in cases]


def decoded(stream: bytes, place: Path) -> str:
    """Returns the digest of what a stream decodes to; raises what the decoder raises."""
    source, target = place.with_suffix(".lat"), place.with_suffix(".out")
    source.write_bytes(stream)
    try:
        decompress_file(source, target, limits=LIMITS)
        return _digest(target)
    finally:
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for item in files:
        total.update(str(item.relative_to(path)).encode() + b"\0" + item.read_bytes())
    return total.hexdigest()


def damage(kind: str, stream: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Returns a damaged copy of a stream, which may by chance be equal to it."""
    size = len(stream)
    a, b = sorted(rng.integers(0, size + 1, 2).tolist())
    short = min(a + int(rng.integers(1, 40)), size)
    if kind == "cut":
        return stream[:a]
    if kind == "remove":
        return stream[:a] + stream[short:]
    if kind == "double":
        return stream[:short] + stream[a:]
    if kind == "swap":
        n = min(int(rng.integers(1, 40)), b - a, size - b)
        return stream[:a] + stream[b : b + n] + stream[a + n : b] + stream[a : a + n] + stream[b + n :]
    if kind == "zero":
        return stream[:a] + bytes(short - a) + stream[short:]
    if kind == "splice":
        return stream[:a] + other[min(a, len(other)) :]
    if kind == "append":
        return stream + rng.bytes(int(rng.integers(1, 40)))
    if kind == "overwrite":
        return stream[:a] + rng.bytes(short - a) + stream[short:]
    if kind == "forged":
        return forge(stream, rng)
    changed = bytearray(stream)
    for place in rng.integers(0, size, int(rng.integers(1, 4))).tolist():
        changed[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def forge(stream: bytes, rng: np.random.Generator) -> bytes:
    """Returns a copy with one part damaged and every checksum right, written from docs/container.md."""
    header, sections = _taken_apart(stream)
    if rng.random() < 0.3 or not sections:
        header = _forged_header(header, rng)
    else:
        i = int(rng.integers(0, len(sections)))
        name, flags, symbols, content = sections[i]
        changed = (
            damage(str(rng.choice(["cut", "flip", "overwrite", "remove", "zero"])), content, b"", rng)
            if content
            else b"x"
        )
        if changed[:4] == b"\x89LAT" and rng.random() < 0.8:  # a stream inside: its checksums are repaired, too
            changed = forge(content, rng)
        sections[i] = (name, flags if rng.random() < 0.5 else 0, symbols, changed)
    return _put_together(header, sections)


def _taken_apart(stream: bytes) -> tuple[bytes, list[tuple[bytes, int, int, bytes]]]:
    (size,) = struct.unpack("<I", stream[8:12])
    header, place, sections = stream[16 : 16 + size], 16 + size, []
    if stream[6] & 1:
        header = zlib.decompressobj(-15, TYPICAL).decompress(header)
    while stream[place] == 0x53:
        _, k, flags, length, _, symbols = struct.unpack("<BBHQII", stream[place : place + 20])
        start = place + 24 + k
        sections.append((stream[place + 20 : place + 20 + k], flags, symbols, stream[start : start + length]))
        place = start + length
    return header, sections


def _put_together(header: bytes, sections: list[tuple[bytes, int, int, bytes]]) -> bytes:
    crc = google_crc32c.extend
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, TYPICAL)
    header = deflate.compress(header) + deflate.flush()
    start = b"\x89LAT" + struct.pack("<HHI", 1, 1, len(header))
    chain = crc(0, start + header)
    out = start + struct.pack("<I", chain) + header
    for name, flags, symbols, content in sections:
        head = struct.pack("<BBHQII", 0x53, len(name), flags, len(content), crc(0, content), symbols) + name
        chain = crc(chain, head)
        out += head + struct.pack("<I", chain) + content
    end = b"E\0\0\0" + struct.pack("<Q", len(sections))
    return out + end + struct.pack("<I", crc(chain, end))


def _forged_header(header: bytes, rng: np.random.Generator) -> bytes:
    """Returns a header with one of its values exchanged for one that may hurt."""
    content = json.loads(header)
    places = list(_places(content))
    holder, key = places[int(rng.integers(0, len(places)))]
    holder[key] = EVIL[int(rng.integers(0, len(EVIL)))]
    return json.dumps(content, separators=(",", ":")).encode()


def _places(content: dict | list) -> Iterator[tuple[dict | list, str | int]]:
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def attempt(case: Case, kind: str, stream: bytes, place: Path, tally: Tally) -> None:
    """Decodes a damaged stream and takes note of what happened."""
    before, start = _peak(), time.perf_counter()
    tally.tried += 1
    try:
        digest = decoded(stream, place)
    except CodecError as error:
        tally.refused += 1
        tally.errors[type(error).__name__] += 1
    except BaseException as error:  # the point of the exercise
        tally.failed.append(f"{type(error).__name__}: {error}")
    else:
        tally.exact += digest == case.digest
        tally.other += digest != case.digest
        if digest != case.digest and kind != "forged":
            tally.failed.append("decoded to something else")
    tally.slowest = max(tally.slowest, time.perf_counter() - start)
    tally.growth = max(tally.growth, _peak() - before)
    if tally.slowest > SLOW:
        tally.failed.append(f"took {tally.slowest:.1f} s")
    if tally.growth > ALLOWED:
        tally.failed.append(f"took {tally.growth:,} bytes")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def batch(cases: list[Case], seed: int, count: int) -> dict[tuple[str, str], Tally]:
    """Damages and decodes so many streams, and returns what happened by case and damage."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(seed)
    tallies: dict[tuple[str, str], Tally] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            case, other = (cases[int(rng.integers(0, len(cases)))] for _ in range(2))
            kind = DAMAGES[int(rng.integers(0, len(DAMAGES)))]
            stream = damage(kind, case.stream, other.stream, rng)
            if stream == other.stream:
                continue  # a splice from its first byte on is a sound stream
            attempt(case, kind, stream, Path(folder) / "again", tallies.setdefault((case.name, kind), Tally()))
    return tallies


def merge(total: dict[tuple[str, str], Tally], part: dict[tuple[str, str], Tally]) -> None:
    """Adds one batch's numbers to the others'."""
    for key, tally in part.items():
        into = total.setdefault(key, Tally())
        for name in ("tried", "refused", "exact", "other"):
            setattr(into, name, getattr(into, name) + getattr(tally, name))
        into.failed += tally.failed
        into.errors += tally.errors
        into.slowest, into.growth = max(into.slowest, tally.slowest), max(into.growth, tally.growth)


def main() -> None:
    """Runs all batches, each in a process of its own, and writes hostile.csv."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = corpus(Path(folder))
    total: dict[tuple[str, str], Tally] = {}
    context = multiprocessing.get_context("fork")
    for start in range(0, arguments.count, BATCH):
        with context.Pool(1) as pool:  # a crash of the interpreter ends here, with this batch's seed
            work = pool.apply_async(batch, (cases, arguments.seed + start, min(BATCH, arguments.count - start)))
            merge(total, work.get(timeout=BATCH * SLOW))
        done = sum(tally.tried for tally in total.values())
        print(f"{done:,} tried, {sum(len(tally.failed) for tally in total.values())} failed", flush=True)
    with arguments.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["stream", "damage", "tried", "refused", "exact", "other", "failed", "slowest_s", "growth_mb"])
        for (name, kind), t in sorted(total.items()):
            growth = f"{t.growth / 1e6:.1f}"
            writer.writerow(
                [name, kind, t.tried, t.refused, t.exact, t.other, len(t.failed), f"{t.slowest:.3f}", growth]
            )
    for (name, kind), tally in sorted(total.items()):
        for text, count in Counter(tally.failed).most_common(5):
            print(name, kind, count, text[:300])


if __name__ == "__main__":
    main()
