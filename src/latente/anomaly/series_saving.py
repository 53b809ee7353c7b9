"""Detectors of series to folders and back.

A folder holds the series' side in the format of models (`model.safetensors`, `config.json`) and the detector of windows
in `detector/`. The series' file is written last and knows the hash of the other, so a folder that was only half
replaced is refused.
"""

from __future__ import annotations

__all__ = ["load_series_detector", "save_series_detector"]

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from latente.anomaly.series_parts import load_detector
from latente.persistence import ModelFileError, read_kind, read_model, write_model

if TYPE_CHECKING:
    from latente.anomaly.series import SeriesDetector

NAME, INNER = "SeriesDetector", "detector"
PARAMS = (
    "window", "align", "false_alarm_rate", "contamination", "calibration_fraction", "max_windows", "buffer_size",
    "update_every",
)  # fmt: skip
ARRAYS = {
    "calibration": "calibration_scores_", "drift": "drift_reference_", "mean": "_mean", "spread": "_spread",
    "buffer": "_buffer",
}  # fmt: skip


def save_series_detector(model: SeriesDetector, path: str | Path) -> Path:
    """Writes a fitted detector to a folder and returns its path.

    Raises:
        TypeError: for a detector of windows without a `save` of its own, such as scikit-learn's.
    """
    folder, detector = Path(path), model.detector_
    if not hasattr(detector, "save"):
        raise TypeError(
            f"{type(detector).__name__} cannot be saved without pickle, which runs code when it is loaded; use one of "
            "latente's detectors or autoencoders for the windows"
        )
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; a detector is saved as a folder. Choose another path")
    folder.mkdir(parents=True, exist_ok=True)
    detector.save(folder / INNER)
    description = {
        "estimator": NAME,
        "params": {name: getattr(model, name) for name in PARAMS},
        "data": {
            "window": model.window_,
            "power": model.power_,
            "period": model.period_,
            "channels": model.n_channels_,
            "offset": model.offset_,
            "blocks": model.calibration_blocks_,
            "names": getattr(model, "feature_names_in_", np.array([])).tolist(),
            "unlearned": model._unlearned,
            "hash": read_model(folder / INNER)[1].sha256,
        },
        "training": {},
    }
    tensors = {name: torch.from_numpy(np.array(getattr(model, attribute))) for name, attribute in ARRAYS.items()}
    return write_model(folder, tensors, description)


def load_series_detector(path: str | Path) -> SeriesDetector:
    """Returns the detector in a folder. Its `detector` is the fitted one's unfitted twin.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    from sklearn.base import clone

    from latente.anomaly.detector import AnomalyDetector
    from latente.anomaly.series import SeriesDetector

    folder = Path(path)
    tensors, stored = read_kind(folder, NAME)
    try:
        if read_model(folder / INNER)[1].sha256 != stored.data["hash"]:
            raise ModelFileError(f"the detector in {folder / INNER} is not the one that was saved here")
        model = SeriesDetector(**stored.params)
        model.detector_ = load_detector(folder / INNER)
        if isinstance(model.detector_, AnomalyDetector):
            model.detector_.forget_rows()  # as `fit` does; older folders hold windows that nobody reads
        model.detector = clone(model.detector_)
        model.window_, model.n_channels_ = int(stored.data["window"]), int(stored.data["channels"])
        model.power_ = int(stored.data.get("power", 1))
        model.power = model.power_ if model.power_ != 1 else None  # the default would change with the detector
        model.period_ = None if stored.data["period"] is None else int(stored.data["period"])
        model.offset_, model.calibration_blocks_ = float(stored.data["offset"]), int(stored.data["blocks"])
        model._unlearned = int(stored.data["unlearned"])
        if stored.data["names"]:
            model.feature_names_in_ = np.array(stored.data["names"], dtype=object)
        for name, attribute in ARRAYS.items():
            setattr(model, attribute, tensors[name].numpy())
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {folder} is not valid: {error}") from error
    return model
