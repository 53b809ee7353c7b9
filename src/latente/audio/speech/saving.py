"""Speech features and word recognisers to folders and back, in the format of models."""

from __future__ import annotations

__all__ = ["load_features", "load_recogniser", "save_features", "save_recogniser"]

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latente.audio.speech.speakers import Speakers
from latente.audio.speech.variations import Variations
from latente.corruptions import resolve_corruption
from latente.estimators import DenoisingAutoencoder
from latente.estimators.saving import described, restored, revive
from latente.networks import resolve_network
from latente.parts import Part, resolve
from latente.persistence import ModelFileError, Stored, read_kind, write_model
from latente.training import Trainer

if TYPE_CHECKING:
    from latente.audio.speech.features import SpeechFeatures
    from latente.audio.speech.words import WordRecogniser

BEFORE = "features."


def save_features(model: SpeechFeatures, path: str | Path) -> Path:
    """Writes fitted features to a folder and returns its path."""
    tensors, data = _described(model)
    description = {"estimator": "SpeechFeatures", "params": _params(model), "data": data, "training": {}}
    return write_model(path, tensors, description)


def load_features(path: str | Path) -> SpeechFeatures:
    """Returns the features in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    tensors, stored = read_kind(path, "SpeechFeatures")
    with _valid(path):
        return _features(path, tensors, stored.params, stored.data, stored)


def save_recogniser(model: WordRecogniser, path: str | Path) -> Path:
    """Writes a fitted recogniser, with its features, to a folder and returns its path."""
    tensors, data = _described(model.features_)
    kept = {f"{BEFORE}{name}": value for name, value in tensors.items()}
    kept |= {"codes": torch.from_numpy(model.codes_), "cepstra": torch.from_numpy(model.cepstra_)}
    kept |= {"words": torch.from_numpy(model.words_), "varied": torch.from_numpy(model.varied_)}
    kept["log_distances"] = torch.from_numpy(np.ascontiguousarray(model._novelty.log_distances))
    params = _params(model.features_)
    description = {
        "estimator": "WordRecogniser",
        "params": {"C": model.C, "false_alarm_rate": model.false_alarm_rate, "variations": model.variations},
        "data": {"classes": [str(word) for word in model.classes_], "features": data, "params": params},
        "training": {},
    }
    return write_model(path, kept, description)


def load_recogniser(path: str | Path) -> WordRecogniser:
    """Returns the recogniser in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    from latente.audio.speech.words import WordRecogniser

    tensors, stored = read_kind(path, "WordRecogniser")
    with _valid(path):
        own = {name.removeprefix(BEFORE): value for name, value in tensors.items() if name.startswith(BEFORE)}
        features = _features(path, own, stored.data["params"], stored.data["features"], stored)
        model = WordRecogniser(features, **stored.params)
        model.features_ = features
        kept = {name: tensors[name].numpy() for name in ("codes", "cepstra", "words", "varied", "log_distances")}
        measured = kept["codes"], kept["cepstra"], kept["varied"]
        model._learn(*measured, kept["words"], stored.data["classes"], kept["log_distances"])
    return model


def _described(model: SpeechFeatures) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the tensors of fitted features, and what must be known of their autoencoder."""
    tensors, inner = described(model.autoencoder_)
    own = {"mean": torch.from_numpy(model.mean_), "scale": torch.from_numpy(model.scale_)}
    data: dict[str, Any] = {"autoencoder": inner}
    if (known := model.speakers_) is not None:
        own |= {"speakers.means": torch.from_numpy(known.means), "speakers.scales": torch.from_numpy(known.scales)}
        data["speakers"] = {"names": list(known.names), "strength": known.strength}
    return {f"autoencoder.{name}": value for name, value in tensors.items()} | own, data


def _features(
    path: str | Path, tensors: Mapping[str, Tensor], params: dict[str, Any], data: dict[str, Any], stored: Stored
) -> SpeechFeatures:
    from latente.audio.speech.features import SpeechFeatures

    model = SpeechFeatures(**{name: revive(value) for name, value in params.items()})
    inner = Stored(format=stored.format, versions=stored.versions, tensors=[], sha256="", **data["autoencoder"])
    start = "autoencoder."
    found = {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
    autoencoder = restored(path, found, inner, {})
    if not isinstance(autoencoder, DenoisingAutoencoder):
        raise ValueError("the autoencoder is not a denoising one")
    model.autoencoder_, model.history_ = autoencoder, autoencoder.history_
    model.mean_, model.scale_ = tensors["mean"].numpy(), tensors["scale"].numpy()
    if model.mean_.shape != (model.n_frames * model.n_mfcc,) or model.scale_.shape != model.mean_.shape:
        raise ValueError("mean and scale are not those of the cepstra")
    model.speakers_ = _speakers(model, tensors, data["speakers"]) if "speakers" in data else None
    return model


def _speakers(model: SpeechFeatures, tensors: Mapping[str, Tensor], data: dict[str, Any]) -> Speakers:
    names, strength = tuple(str(name) for name in data["names"]), float(data["strength"])
    means, scales = tensors["speakers.means"].numpy(), tensors["speakers.scales"].numpy()
    if means.shape != (len(names), len(model.mean_)) or scales.shape != means.shape:
        raise ValueError("the statistics of the speakers are not those of the cepstra")
    return Speakers(model.mean_, model.scale_, strength, names, means, scales)


def _params(model: SpeechFeatures) -> dict[str, Any]:
    """Returns the constructor's arguments, ready for JSON."""
    params = model.get_params(deep=False) | {"random_state": None}
    parts: dict[str, Any] = {
        "variations": resolve(params["variations"], Variations),
        "corruption": resolve_corruption(params["corruption"]),
        "network": None if params["network"] == "auto" else resolve_network(params["network"]),
        "trainer": resolve(params["trainer"], Trainer),
    }
    for name, part in parts.items():
        params[name] = part.to_dict() if isinstance(part, Part) else ("auto" if name == "network" else None)
    return params


@contextmanager
def _valid(path: str | Path) -> Iterator[None]:
    """Turns what a wrong description raises into one error."""
    try:
        yield
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
