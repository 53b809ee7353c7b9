"""Detectors to folders and back.

A folder holds what the detector learned, in the format of models (`model.safetensors`, which says that it is an
AnomalyDetector, and `config.json`), and wrapped autoencoders in `model-0/`, ... Its own file is written last and knows
the hashes of the others, so a folder that was only half replaced is refused.
"""

from __future__ import annotations

__all__ = ["load", "save"]

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from latente.anomaly.ensemble import Ensemble
from latente.anomaly.expectation import Expectation
from latente.anomaly.fitting import Fitted
from latente.anomaly.members import Members, Wrapped
from latente.anomaly.scores import Score
from latente.anomaly.surroundings import Surroundings
from latente.data import Schema
from latente.estimators import load as load_model
from latente.parts import Part
from latente.persistence import ModelFileError, Stored, load_tensors, read_kind, read_model, write_model

if TYPE_CHECKING:
    from latente.anomaly.detector import AnomalyDetector
    from latente.anomaly.fitted import FittedDetector

NAME, MODEL = "AnomalyDetector", "model-{}"


def save(detector: FittedDetector, path: str | Path) -> Path:
    """Writes a fitted detector to a folder and returns its path."""
    folder, fitted = Path(path), detector._fitted
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; a detector is saved as a folder. Choose another path")
    folder.mkdir(parents=True, exist_ok=True)
    for i, model in enumerate(fitted.models):
        model.save(folder / MODEL.format(i))
    names = getattr(detector, "feature_names_in_", None)
    description = {
        "estimator": NAME,
        "params": _params(detector),
        "data": {
            "schema": fitted.schema.to_dict(),
            "score": detector.score_.to_dict(),
            "ensemble": None if fitted.models else _ensemble(detector).to_dict(),
            "values": fitted.schema.size,
            "offset": None if np.isinf(detector.offset_) else detector.offset_,
            "calibrated": detector._calibrated,
            "hashes": [_hash(folder / MODEL.format(i)) for i in range(len(fitted.models))],
        },
        "training": {},
        "features": None if names is None else [str(name) for name in names],
    }
    return write_model(folder, _tensors(detector), description)


def load(path: str | Path) -> AnomalyDetector:
    """Returns the detector in a folder.

    Args:
        path: the folder that `save` wrote.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    tensors, stored = read_kind(path, NAME)
    try:
        return _restored(Path(path), tensors, stored)
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error


def _params(detector: FittedDetector) -> dict[str, Any]:
    """Returns the constructor's arguments, JSON-ready; autoencoders are in folders of their own."""
    params = {name: _plain(value) for name, value in detector.get_params(deep=False).items()}
    if detector._fitted.models:
        params["autoencoder"] = None
    return params


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_dict()
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    return value if isinstance(value, (bool, int, float, str)) else None


def _ensemble(detector: FittedDetector) -> Ensemble:
    """Returns the settings of the ensemble that was trained."""
    members = cast(Members, detector._fitted.backbone)
    first, last = members.compressed.start, members.compressed.stop
    return Ensemble(
        members=members.members,
        latent_dim=tuple(int(size) for size in members.active.sum((1, 2))),
        hidden_features=members.weights[0].shape[2],
        gradients=members.picture is not None,
        compressed=(last - first) / members.members,
    )


def _tensors(detector: FittedDetector) -> dict[str, Tensor]:
    fitted = detector._fitted
    tensors = {f"score.{name}": value for name, value in detector._state.items()}
    tensors["level"], tensors["usual"] = detector._level, detector._usual
    tensors["schema.shift"] = torch.from_numpy(np.array(fitted.schema.shift))
    tensors["schema.factor"] = torch.from_numpy(np.array(fitted.schema.factor))
    if detector.calibration_scores_ is not None:
        tensors["calibration"] = torch.from_numpy(np.array(detector.calibration_scores_))
    if detector._expectation is not None:
        known = detector._expectation
        tensors |= {f"expectation.{field.name}": getattr(known, field.name) for field in fields(known)}
    if fitted.models:
        return tensors | {"limits.shift": fitted.backbone.shift, "limits.factor": fitted.backbone.factor}
    return tensors | {f"members.{name}": value for name, value in fitted.backbone.state_dict().items()}


def _restored(folder: Path, tensors: dict[str, Tensor], stored: Stored) -> AnomalyDetector:
    from latente.anomaly.detector import AnomalyDetector

    data = stored.data
    params: dict[str, Any] = {k: Part.from_dict(v) if isinstance(v, dict) else v for k, v in stored.params.items()}
    schema = Schema.from_dict(data["schema"], tensors.pop("schema.shift").numpy(), tensors.pop("schema.factor").numpy())
    fitted = _fitted(folder, tensors, data, schema)
    if fitted.models:
        params["autoencoder"] = fitted.models[0]
    detector = AnomalyDetector(**params)
    score = Part.from_dict(data["score"])
    if not isinstance(score, Score):
        raise ModelFileError(f"a detector needs a score; the file describes a {type(score).__name__}")
    detector._fitted, detector.schema_, detector.score_ = fitted, fitted.schema, score
    detector.offset_ = -np.inf if data["offset"] is None else float(data["offset"])
    detector._calibrated = bool(data.get("calibrated", False))  # files before 2026-11-26 do not say
    detector._level, detector._usual = tensors["level"], tensors["usual"]
    calibration = tensors.get("calibration")
    detector.calibration_scores_ = None if calibration is None else calibration.numpy()
    detector._state = _named(tensors, "score.")
    expectation = _named(tensors, "expectation.")
    kind = {"precision": Surroundings, "rows": Expectation}
    detector._expectation = next((make(**expectation) for name, make in kind.items() if name in expectation), None)
    detector.n_features_in_ = schema.user_shape[0]
    if stored.features is not None:
        detector.feature_names_in_ = np.array(stored.features, dtype=object)
    return detector


def _fitted(folder: Path, tensors: dict[str, Tensor], data: dict[str, Any], schema: Schema) -> Fitted:
    """Returns the trained autoencoders."""
    hashes = list(data["hashes"])
    if hashes:
        folders = [folder / MODEL.format(i) for i in range(len(hashes))]
        changed = [str(own) for own, known in zip(folders, hashes, strict=True) if _hash(own) != known]
        if changed:
            raise ModelFileError(f"the model in {changed[0]} is not the one that was saved here")
        models = tuple(load_model(own) for own in folders)
        backbone = Wrapped([model.module_ for model in models], [model.schema_ for model in models])
        backbone.shift.copy_(tensors["limits.shift"])
        backbone.factor.copy_(tensors["limits.factor"])
        return Fitted(backbone.eval(), schema, models)
    known = data["ensemble"]
    part = Part.from_dict(known | {"params": {"gradients": False} | known["params"]})  # older files say nothing of them
    if not isinstance(part, Ensemble):
        raise ModelFileError(f"a detector needs an ensemble; the file describes a {type(part).__name__}")
    members = part.build(schema)
    own = _named(tensors, "members.")
    load_tensors(lambda: members.load_state_dict(own), str(folder))
    return Fitted(members.eval(), schema)


def _named(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    """Returns the tensors whose names begin so, without that beginning."""
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _hash(folder: Path) -> str:
    return read_model(folder)[1].sha256
