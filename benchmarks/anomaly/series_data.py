"""Labelled series: the Numenta Anomaly Benchmark, and the telemetry of two spacecraft, SMAP and MSL."""

from __future__ import annotations

__all__ = ["Labelled", "nab", "spacecraft"]

import csv
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Labelled:
    """A series with labels; where there is no part to train on, the series itself is trained on, without labels.

    Attributes:
        name: of the series.
        train: (m, channels), or None.
        test: (n, channels).
        labels: (n,) 1 where anomalous.
    """

    name: str
    train: NDArray[np.float64] | None
    test: NDArray[np.float64]
    labels: NDArray[np.int64]


def root() -> Path:
    return Path(os.environ["LATENTE_DATA"])


def nab() -> Iterator[Labelled]:
    """Yields the series in which something is labelled, 52 of 58; recall has no meaning in the others."""
    folder = root() / "series"
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for name in sorted(windows):
        with (folder / "data" / name).open(newline="") as file:
            lines = list(csv.DictReader(file))
        times = np.array([line["timestamp"] for line in lines], dtype="datetime64[us]")
        labels = np.zeros(len(lines), dtype=int)
        for start, end in windows[name]:
            labels[(times >= np.datetime64(start)) & (times <= np.datetime64(end))] = 1
        if labels.any():
            values = np.array([[float(line["value"])] for line in lines])
            yield Labelled(name.removesuffix(".csv"), None, values, labels)


def spacecraft(channels: str) -> Iterator[Labelled]:
    """Yields the labelled channels of SMAP and MSL.

    Args:
        channels: "telemetry", the first column alone, or "all", with the commands.
    """
    with tarfile.open(root() / "series-multivariate" / "SMAP.tar.gz") as archive:
        table = io.TextIOWrapper(archive.extractfile("SMAP/labeled_anomalies.csv"))
        ranges: dict[str, list[list[int]]] = {}
        for line in csv.DictReader(table):
            ranges.setdefault(line["chan_id"], []).extend(json.loads(line["anomaly_sequences"]))
        for name in sorted(ranges):
            train, test = (_array(archive, f"SMAP/{part}/{name}.npy") for part in ("train", "test"))
            labels = np.zeros(len(test), dtype=int)
            for start, end in ranges[name]:
                labels[start : end + 1] = 1
            width = 1 if channels == "telemetry" else test.shape[1]
            yield Labelled(name, train[:, :width], test[:, :width], labels)


def _array(archive: tarfile.TarFile, name: str) -> NDArray[np.float64]:
    return np.load(io.BytesIO(archive.extractfile(name).read()))
