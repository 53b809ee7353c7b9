"""Arrays, bounds and measures of this benchmark; numpy alone, so that the peers' environment can read it too."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
FIELDS = ["study", "data", "bound", "method", "bytes", "ratio", "error", "encode_mb_s", "decode_mb_s", "note"]
BOUNDS = (1e-1, 1e-2, 1e-3, 1e-4, 0.0)
FILES = {
    "climate": "climate_t_240x37x49.npy",
    "pressure": "colpex_pressure_6x10x83x83.npy",
    "sea surface": "ostia_sst_54x18x432.npy",
    "elevation": "srtm_dem_344x403.npy",
}
REPEATS = 3


def load(name: str) -> np.ndarray:
    folder = os.environ.get("LATENTE_DATA")
    if not folder:
        raise SystemExit("set LATENTE_DATA to the folder of the data sets")
    return np.load(Path(folder) / "arrays" / FILES[name])


def parts() -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """(study, data): the archive that is learned from, and what is compressed."""
    climate = load("climate")
    found = {("archive", name): halves(load(name)) for name in FILES}
    found["archive, every other", "climate"] = climate[0::2].copy(), climate[1::2].copy()
    return found


def halves(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle = len(x) // 2
    return x[:middle].copy(), x[middle:].copy()


def absolute(x: np.ndarray, bound: float) -> float:
    return bound * (float(np.nanmax(x)) - float(np.nanmin(x)))


def largest_error(x: np.ndarray, y: np.ndarray) -> float:
    finite = np.isfinite(x)
    return float(np.abs(x.astype(np.float64) - y.astype(np.float64))[finite].max())


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the CPU seconds of the fastest of three calls."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        result = function()
        seconds.append(time.process_time() - start)
    return result, min(seconds)


def row(study: str, data: str, bound: float, method: str, x: np.ndarray, size: int, **more: Any) -> dict[str, Any]:
    """A row of the results; `encode` and `decode` are seconds."""
    found = {"study": study, "data": data, "bound": f"{bound:g}", "method": method, "bytes": size}
    found["ratio"] = f"{x.nbytes / size:.4g}"
    for name in ("encode", "decode"):
        if more.get(name):
            found[f"{name}_mb_s"] = f"{x.nbytes / 1e6 / more[name]:.3g}"
    if more.get("error") is not None and bound:
        found["error"] = f"{more['error'] / absolute(x, bound):.6f}"
    return {**found, "note": more.get("note", "")}


def write(rows: list[dict[str, Any]], owner: Callable[[dict[str, str]], bool]) -> None:
    """Replaces the rows that `owner` accepts by new ones."""
    kept = [r for r in read() if not owner(r)]
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept + rows)


def read() -> list[dict[str, str]]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))
