"""Models to folders and back."""

from __future__ import annotations

__all__ = ["load", "save"]

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from latente.data import Schema
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.named import (
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    VanillaAutoencoder,
    VariationalAutoencoder,
)
from latente.estimators.stacked import StackedAutoencoder
from latente.parts import Part, did_you_mean
from latente.persistence import ModelFileError, load_tensors, read_model, write_model
from latente.training import History

KNOWN: dict[str, type[Autoencoder]] = {
    cls.__name__: cls
    for cls in (
        Autoencoder,
        ConvolutionalAutoencoder,
        DenoisingAutoencoder,
        StackedAutoencoder,
        VanillaAutoencoder,
        VariationalAutoencoder,
    )
}
OWN = ("encoder", "decoder", "corruption", "distortion")


def save(model: Autoencoder, path: str | Path) -> Path:
    """Writes a fitted model to a folder; see `latente.persistence` for the format.

    Raises:
        TypeError: for a subclass of the user's own, which `load` could not make again.
    """
    name = type(model).__name__
    if KNOWN.get(name) is not type(model):
        raise TypeError(f"cannot save a {name}: only latente's own estimators can be loaded again ({', '.join(KNOWN)})")
    schema = model.schema_
    tensors = {f"module.{key}": value for key, value in model.module_.state_dict().items()}
    tensors["data.shift"] = torch.from_numpy(np.atleast_1d(schema.shift))
    tensors["data.factor"] = torch.from_numpy(np.atleast_1d(schema.factor))
    params = Params.describe(model)
    description = {
        "estimator": name,
        "params": params,
        "data": schema.to_dict(),
        "training": model.history_.to_dict() if hasattr(model, "history_") else {},
        "features": [str(f) for f in model.feature_names_in_] if hasattr(model, "feature_names_in_") else None,
    }
    return write_model(path, tensors, description)


def load(path: str | Path, **own: Any) -> Autoencoder:
    """Returns the model in a folder; it transforms bit for bit like the one that was saved.

    Nothing in the file is executed. Code of the user's own is not in it and has to be passed again.

    Args:
        path: the folder.
        own: encoder=, decoder= (nn.Modules) for a model built from the user's own; distortion= for a function of the
            user's own; corruption= likewise (needed only to train or corrupt again).

    Raises:
        ModelFileError: when the folder holds no model, or one that is damaged, altered or of an unknown version.
        TypeError: for a keyword that is none of the above.

    Example:
        >>> import tempfile
        >>> X = np.random.default_rng(0).normal(size=(20, 4))
        >>> model = Autoencoder(2, random_state=0).set_params(trainer__epochs=1).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = load(model.save(folder))
        >>> bool((again.transform(X) == model.transform(X)).all())
        True
    """
    unknown = [name for name in own if name not in OWN]
    if unknown:
        raise TypeError(f"load takes {', '.join(OWN)}; got {unknown[0]!r}.{did_you_mean(unknown[0], OWN)}")
    tensors, stored = read_model(path)
    if stored.estimator not in KNOWN:
        raise ModelFileError(f"{path} holds a {stored.estimator!r}, which this version of latente does not know")
    if "data.shift" not in tensors or "data.factor" not in tensors:
        raise ModelFileError(f"{path} lacks the tensors data.shift and data.factor")
    model = KNOWN[stored.estimator](**Params.revive(stored.params, own))
    schema = Schema.from_dict(stored.data, tensors.pop("data.shift").numpy(), tensors.pop("data.factor").numpy())
    model.schema_, model.recipe_ = schema, model._recipe().settle(schema)
    model._build(0)
    weights = {key.removeprefix("module."): value for key, value in tensors.items()}
    load_tensors(lambda: model.module_.load_state_dict(weights), str(path))
    model.n_features_in_ = schema.user_shape[0]
    if stored.features is not None:
        model.feature_names_in_ = np.array(stored.features, dtype=object)
    if stored.training:
        model.history_ = History.from_dict(stored.training)
        model.n_iter_ = len(model.history_)
    return model


class Params:
    """An estimator's constructor arguments to JSON and back."""

    @staticmethod
    def describe(model: BaseEstimator) -> dict[str, Any]:
        """Returns the arguments; resolved parts stand for a pair of modules or a bare function."""
        params = {}
        for name, value in model.get_params(deep=False).items():
            resolved = getattr(model.recipe_, name, None) if not isinstance(value, (str, Part)) else value  # type: ignore[attr-defined]
            part = value if isinstance(value, Part) else resolved
            if value is not None and isinstance(part, Part):
                params[name] = part.to_dict()
            elif isinstance(value, (list, tuple)):
                params[name] = [v.item() if hasattr(v, "item") else v for v in value]
            elif hasattr(value, "item"):
                params[name] = value.item()
            else:
                params[name] = value if value is None or isinstance(value, (bool, int, float, str)) else None
        return params

    @staticmethod
    def revive(params: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
        """Returns arguments for the constructor, the user's own parts filled in.

        Raises:
            ModelFileError: when modules or a distortion of the user's own are needed and not given.
        """
        revived: dict[str, Any] = {}
        for name, value in params.items():
            revived[name] = tuple(value) if isinstance(value, list) else value
            if isinstance(value, dict):
                try:
                    revived[name] = Part.from_dict(value)
                except ValueError as error:
                    raise ModelFileError(str(error)) from error
        _fill(revived, own)
        return revived


def _fill(params: dict[str, Any], own: dict[str, Any]) -> None:
    """Puts the user's own encoder, decoder, corruption and distortion where the file has only their names."""

    def is_custom(name: str) -> bool:
        part = params.get(name)
        return isinstance(part, Part) and part.short_name == "custom"

    if is_custom("network"):
        if "encoder" not in own or "decoder" not in own:
            raise ModelFileError(
                "this model was built from the user's own nn.Modules, whose code is not in the file; pass instances: "
                "latente.load(path, encoder=..., decoder=...)"
            )
        params["network"] = (own["encoder"], own["decoder"])
    elif "encoder" in own or "decoder" in own:
        raise TypeError("this model's network is latente's own; load it without encoder= and decoder=")
    if is_custom("distortion"):
        if "distortion" not in own:
            raise ModelFileError(
                "this model was trained with a distortion of the user's own, whose code is not in the file; pass it: "
                "latente.load(path, distortion=...)"
            )
        params["distortion"] = own["distortion"]
    if is_custom("corruption") and "corruption" not in own:
        warnings.warn(
            "this model was trained with a corruption of the user's own, whose code is not in the file; it reconstructs, "
            "but to corrupt or train again pass it: latente.load(path, corruption=...)",
            stacklevel=4,
        )
    elif "corruption" in own:
        params["corruption"] = own["corruption"]
