"""A photograph of 52 megapixels, put together from Kodak's: seconds and memory of encoding and decoding.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/large.py [--only WORD] [--keep FOLDER]

Each row is a process of its own, measured once: wall and CPU seconds of the call itself, and the most memory that the
process held at any time, with and without what importing latente takes. The picture alone is 156 MB. `file` rows are
`compress_file` and `decompress_file`, which decode to check, read and write PNG. Rows go to large.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "large.csv"
FIELDS = ["what", "way", "bytes", "wall_s", "cpu_s", "peak_mb", "imports_mb", "megapixels"]
ROWS, COLUMNS = 12, 11  # of photographs of 512 x 768
WHAT = ("codec encode", "codec decode", "file compress", "file decompress")
WAYS = ("quality 0.5", "lossless")


def picture() -> np.ndarray:
    """(6144, 8448, 3) bytes; upright photographs are turned."""
    from protocol import kodak

    photos = [photo if photo.shape[0] < photo.shape[1] else np.rot90(photo) for photo in kodak().values()]
    rows = [[photos[(COLUMNS * i + j) % len(photos)] for j in range(COLUMNS)] for i in range(ROWS)]
    return np.ascontiguousarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux


def prepared(what: str, way: str, folder: Path) -> Callable[[], int]:
    """What is to be timed; it returns the bytes of the stream."""
    from latente.codec import ImageCodec, LosslessImageCodec, compress_file, decompress_file

    exact = way == "lossless"
    stream, file = folder / f"{way}.stream", folder / f"{way}.png.lat"
    if what == "file compress":
        bound: dict[str, Any] = {"lossless": True} if exact else {"quality": 0.5}
        return lambda: compress_file(folder / "large.png", file, overwrite=True, **bound).compressed_bytes
    if what == "file decompress":
        return lambda: decompress_file(file, folder / "again.png", overwrite=True).compressed_bytes
    codec: Any = LosslessImageCodec() if exact else ImageCodec.pretrained()
    if what == "codec decode":
        data = stream.read_bytes()

        def decode() -> int:
            codec.decode(data)
            return len(data)

        return decode
    pixels = np.load(folder / "large.npy", mmap_mode="r")
    pixels = np.array(pixels)  # in memory, as a caller's picture is
    return lambda: stream.write_bytes(codec.encode(pixels))


def run(what: str, way: str, folder: Path) -> None:
    """One row, printed as JSON: called in a process of its own."""
    import latente.codec.images.codec
    import latente.codec.images.lossless.codec  # noqa: F401

    imports = peak()
    call = prepared(what, way, folder)
    wall, cpu = time.perf_counter(), time.process_time()
    size = call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({
        "what": what, "way": way, "bytes": size, "wall_s": f"{wall:.1f}", "cpu_s": f"{cpu:.1f}",
        "peak_mb": f"{peak():.0f}", "imports_mb": f"{imports:.0f}", "megapixels": f"{0.393216 * ROWS * COLUMNS:.1f}",
    }))  # fmt: skip


def measure(only: str, folder: Path) -> None:
    """All rows that are asked for; others stay as they are."""
    if not (folder / "large.npy").exists():
        from PIL import Image

        pixels = picture()
        Image.fromarray(pixels).save(folder / "large.png", compress_level=1)
        np.save(folder / "large.npy", pixels)
        del pixels
    for way in WAYS:
        for what in WHAT:
            if only in f"{what} {way}":
                command = [sys.executable, __file__, "--row", what, way, "--keep", str(folder)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                keep(json.loads(done.stdout.splitlines()[-1]))
                print(done.stdout.splitlines()[-1], flush=True)


def keep(row: dict[str, Any]) -> None:
    """Writes a row in place of an earlier one of the same kind."""
    old: list[dict[str, Any]] = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            old = [
                other for other in csv.DictReader(file) if (other["what"], other["way"]) != (row["what"], row["way"])
            ]
    rows = sorted([*old, row], key=lambda row: (WAYS.index(row["way"]), WHAT.index(row["what"])))
    fresh = RESULTS.with_suffix(".tmp")
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(fresh, RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="rows whose name holds this, e.g. 'file' or 'lossless'")
    parser.add_argument("--row", nargs=2, metavar=("WHAT", "WAY"), help="one row in this process")
    parser.add_argument("--keep", type=Path, help="folder in which the picture and the streams stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if options.row:
            run(*options.row, place)
        else:
            measure(options.only, place)


if __name__ == "__main__":
    main()
