"""The state of a stream to a folder and back, so that a process that watches a series can be stopped and go on."""

from __future__ import annotations

__all__ = ["load_stream", "save_stream"]

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latente.anomaly.drift import DriftMonitor
from latente.anomaly.series_parts import drift_names
from latente.anomaly.streaming import SeriesStream
from latente.persistence import ModelFileError, read_kind, write_model

if TYPE_CHECKING:
    from latente.anomaly.series_fitted import FittedSeries

NAME = "SeriesStream"


def save_stream(stream: SeriesStream, path: str | Path) -> Path:
    """Writes the state of a stream to a folder and returns its path; the detector is saved on its own.

    Args:
        stream: to be gone on with.
        path: of the folder.
    """
    piece, monitor = stream._piece, stream.monitor
    tensors = {"tail": piece.tail, "recent": piece.recent}
    drift: dict[str, Any] | None = None
    if monitor is not None:
        tensors |= {"waiting": monitor._waiting, "weights": monitor.weights, "reference": monitor.reference}
        drift = {name: getattr(monitor, name) for name in ("rate", "batch", "first", "tests", "drifting")}
    description = {
        "estimator": NAME,
        "params": {},
        "data": {
            "detector": fingerprint(stream.model),
            "steps": stream.steps,
            "done": stream._done,
            "piece": {"windows": piece.windows, "steps": piece.steps, "done": piece.done},
            "drift": drift,
        },
        "training": {},
    }
    return write_model(path, {name: torch.from_numpy(np.array(value)) for name, value in tensors.items()}, description)


def load_stream(model: FittedSeries, path: str | Path) -> SeriesStream:
    """Returns the stream whose state is in a folder.

    Args:
        model: the detector it was made with, or the same one loaded.
        path: the folder that `SeriesStream.save` wrote.

    Raises:
        ModelFileError: for a folder that is missing, damaged, of something else, or of a stream of another detector.
    """
    tensors, stored = read_kind(path, NAME)
    arrays, data = {name: tensor.numpy() for name, tensor in tensors.items()}, stored.data
    try:
        if data["detector"] != fingerprint(model):
            raise ModelFileError(f"the stream in {path} was saved with another detector, or before it learned more")
        monitor = None
        if data["drift"] is not None:
            settings = dict(data["drift"])
            tests, drifting = int(settings.pop("tests")), bool(settings.pop("drifting", False))
            reference = arrays["reference"]
            names = drift_names(reference.shape[1])
            monitor = DriftMonitor(reference, weights=arrays["weights"], names=names, **settings)
            monitor.tests, monitor.drifting, monitor._waiting = tests, drifting, arrays["waiting"]
        stream = SeriesStream(model, monitor)
        stream.steps, stream._done = int(data["steps"]), int(data["done"])
        piece = stream._piece
        piece.tail, piece.recent = arrays["tail"], arrays["recent"]
        piece.windows, piece.steps, piece.done = (int(data["piece"][name]) for name in ("windows", "steps", "done"))
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
    return stream


def fingerprint(model: FittedSeries) -> str:
    """Returns what tells fitted detectors apart: a hash of their scale, calibration and window."""
    power = "" if model.power_ == 1 else f" {model.power_}"
    digest = hashlib.sha256(f"{model.window_} {model.n_channels_} {model.align}{power}".encode())
    for values in (model._mean, model._spread, model.calibration_scores_, model.drift_reference_):
        digest.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
    return digest.hexdigest()
