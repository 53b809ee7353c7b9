"""Real files of every format, compressed without a loss and within bounds, beside zstd.

    LATENTE_DATA=... python benchmarks/codec/files.py

Each file is decompressed again and compared: without a loss the very file or its values, with one every number against
its bound. Sizes count everything. Times are of one process on one thread; the median of three runs.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard

from latente.codec import compress_file, decompress_file
from latente.codec.files.decompressing import part_values

RUNS = 3
FRAMES = 60 * 8000


def files(data: Path, folder: Path) -> Iterator[tuple[Path, list[dict]]]:
    """Gives files of real data and how each is compressed."""
    bounds = [{}, {"max_error": 1e-2}, {"max_error": 1e-3}, {"max_error": 1e-4}]
    for path in sorted((data / "arrays").glob("*.npy")):
        yield path, bounds
    climate = np.load(data / "arrays" / "climate_t_240x37x49.npy")
    yield _netcdf(folder / "climate.nc", climate), bounds
    yield _zarr(folder / "climate.zarr", climate), bounds
    yield data / "series/data/realKnownCause/machine_temperature_system_failure.csv", bounds
    yield data / "series/data/realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv", bounds
    yield _parquet(folder / "series.parquet", data), bounds
    yield _wav(folder / "digits.wav", data), [{}, {"snr": 20}, {"snr": 30}, {"snr": 40}]
    yield data / "series/labels/combined_windows.json", [{}]


def _netcdf(path: Path, values: np.ndarray) -> Path:
    import xarray

    xarray.Dataset({"t": (("time", "lat", "lon"), values, {"units": "K"})}, {"time": np.arange(240.0)}).to_netcdf(path)
    return path


def _zarr(path: Path, values: np.ndarray) -> Path:
    import zarr

    zarr.create_array(path, shape=values.shape, chunks=(60, 37, 49), dtype=values.dtype)[:] = values
    return path


def _parquet(path: Path, data: Path) -> Path:
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    tables = [pyarrow.csv.read_csv(item) for item in sorted((data / "series/data/realKnownCause").glob("*.csv"))]
    names = [name for name, table in zip(range(len(tables)), tables, strict=True) for _ in range(len(table))]
    whole = pyarrow.concat_tables([table.cast(tables[0].schema, safe=False) for table in tables])
    pyarrow.parquet.write_table(whole.append_column("series", [names]), path, compression="zstd")
    return path


def _wav(path: Path, data: Path) -> Path:
    found = next(item for item in (data / "fsdd").glob("*.npz"))
    with np.load(found) as stored, wave.open(str(path), "wb") as file:
        file.setparams((1, 2, int(stored["sample_rate"]), 0, "NONE", ""))
        file.writeframes(stored["audio"][:FRAMES].astype("<i2").tobytes())
    return path


def measure(path: Path, how: dict, folder: Path) -> dict:
    """Returns a row of the table: sizes, seconds, and how near the largest error is to its bound."""
    there, back = [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        done = compress_file(path, folder / "x.lat", overwrite=True, **how)
        there.append(time.perf_counter() - start)
        out = Path(tempfile.mkdtemp(dir=folder)) / f"again{path.suffix}"
        start = time.perf_counter()
        decompress_file(done.output, out)
        back.append(time.perf_counter() - start)
    raw = _bytes(path)
    return {
        "file": path.name, "kind": done.kind, "bound": str(done.bound), "bytes": done.original_bytes,
        "lat_bytes": done.compressed_bytes, "ratio": f"{done.ratio:.2f}",
        "zstd19_ratio": f"{len(raw) / len(zstandard.compress(raw, 19)):.2f}",
        "check": checked(path, out, done, how), "compress_s": f"{statistics.median(there):.2f}",
        "decompress_s": f"{statistics.median(back):.2f}",
    }  # fmt: skip


def _bytes(path: Path) -> bytes:
    inside = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    return b"".join(item.read_bytes() for item in inside)


def checked(path: Path, out: Path, done, how: dict) -> str:
    """Returns what the comparison found; raises where something is lost that may not be."""
    if path.is_file() and path.read_bytes() == out.read_bytes():
        return "the same file"
    worst, snr = 0.0, []
    for part in done.parts:
        if part.name == "other files":
            continue
        a, b = (part_values(place, done.kind, part.name) for place in (path, out))
        if a is None or part.bound == "exact":
            assert a is None or a.tobytes() == b.tobytes()
            continue
        finite = np.isfinite(a)
        assert (np.isfinite(b) == finite).all()
        difference = a[finite].astype(float) - b[finite]
        if "snr" in how:
            snr.append(10 * np.log10(np.square(a.astype(float)).mean() / np.square(difference).mean()))
        else:
            worst = max(worst, np.abs(difference).max() / (how["max_error"] * np.ptp(a[finite].astype(float))))
    assert worst <= 1
    assert not snr or min(snr) >= how["snr"]
    return "the same values" if not how else f"SNR {min(snr):.2f} dB" if snr else f"error {worst:.3f} of the bound"


def main() -> None:
    """Writes files.csv."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path, bounds in files(Path(os.environ["LATENTE_DATA"]), Path(folder)):
            for how in bounds:
                rows.append(measure(path, how, Path(folder)))
                print(*rows[-1].values(), flush=True)
    with arguments.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
