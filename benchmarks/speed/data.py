"""The data: real files from LATENTE_DATA, and generated tables; needs numpy only, so that every peer can read them."""

from __future__ import annotations

__all__ = ["big_file", "folder", "generated", "pictures", "rows_of", "table"]

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TABLES = {"shuttle": "32_shuttle.npz", "wbc": "42_WBC.npz"}


def folder(name: str) -> Path:
    """The folder of a data set in $LATENTE_DATA or in latente's cache.

    Raises:
        FileNotFoundError: when it is in neither.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latente"
    places = [Path(os.environ["LATENTE_DATA"]) / name] if os.environ.get("LATENTE_DATA") else []
    for place in (*places, cache / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name} is neither in LATENTE_DATA nor in {cache}; set LATENTE_DATA to the folder of data")


def pictures(rows: int | None = None, test_rows: int | None = None) -> tuple[Array, Array]:
    """Training and test images (n, 28, 28) uint8 of Fashion-MNIST, the first rows of them."""
    x = [_images(folder("fashion-mnist") / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
    return x[0][:rows], x[1][:test_rows]


def _images(path: Path) -> Array:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)


def table(name: str) -> Array:
    """A table (n, columns) of float64, its rows in a fixed random order.

    "shuttle" has 49,097 x 9 values, "wbc" 223 x 9.
    """
    x = np.load(folder("anomaly") / TABLES[name])["X"].astype(np.float64)
    return x[np.random.default_rng(0).permutation(len(x))]


def generated(rows: int, columns: int, factors: int = 4) -> Array:
    """A table (rows, columns) of float32: a few normal factors, bent and mixed, and a little noise."""
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((rows, factors), dtype=np.float32)
    mix = rng.standard_normal((factors, columns), dtype=np.float32)
    return np.tanh(factor @ mix) + 0.1 * rng.standard_normal((rows, columns), dtype=np.float32)


def rows_of(name: str, rows: int | None, test_rows: int | None = 10_000) -> tuple[Array, Array]:
    """Training and test samples of a data set by its name; "generated:32" has 32 columns.

    A table is divided: the first `rows` to train on, the next ones to test.
    """
    if name == "fashion-mnist":
        return pictures(rows, test_rows)
    if name.startswith("generated:"):
        x = generated((rows or 10_000) + 1_000, int(name.removeprefix("generated:")))
        return x[:rows], x[-1_000:]
    x = table(name)
    return (x, x) if rows is None else (x[:rows], x[rows : rows + (test_rows or len(x))])


def big_file(path: Path, gigabytes: float) -> int:
    """Writes Fashion-MNIST again and again, its pixels jittered, into a .npy of that size; returns the rows."""
    x, rng = pictures()[0].reshape(-1, 784), np.random.default_rng(0)
    rows = int(gigabytes * 2**30 / 784)
    out = np.lib.format.open_memmap(path, "w+", np.uint8, (rows, 784))
    for start in range(0, rows, 20_000):
        part = x[rng.integers(len(x), size=min(20_000, rows - start))]
        out[start : start + len(part)] = part - np.minimum(part, rng.integers(0, 8, part.shape, dtype=np.uint8))
    out.flush()
    return rows
