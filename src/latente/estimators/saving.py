"""Models to folders and back."""

from __future__ import annotations

__all__ = ["described", "has_code", "load", "needs", "restored", "revive", "save"]

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latente.corruptions import Custom
from latente.data import Schema
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.found_size import LatentSize
from latente.estimators.latent_size import AUTO
from latente.estimators.named import (
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    VanillaAutoencoder,
    VariationalAutoencoder,
)
from latente.estimators.stacked import StackedAutoencoder
from latente.parts import Part, did_you_mean
from latente.persistence import LOADERS, ModelFileError, Stored, load_tensors, read_model, write_model
from latente.training import History, Trainer, current_processes

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

    Of several processes that trained together the first one writes, and the others wait.

    Raises:
        TypeError: for a subclass of the user's own, which `load` could not make again.
    """
    tensors, description = described(model)
    processes = current_processes()
    if processes.first:
        write_model(path, tensors, description)
    processes.wait()
    return Path(path)


def described(model: Autoencoder) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the tensors of a fitted model and its description, as `write_model` wants them.

    Raises:
        TypeError: for a subclass of the user's own.
    """
    name = type(model).__name__
    if KNOWN.get(name) is not type(model):
        raise TypeError(f"cannot save a {name}: only latente's own estimators can be loaded again ({', '.join(KNOWN)})")
    schema = model.schema_
    tensors = {f"module.{key}": value for key, value in model.module_.state_dict().items()}
    tensors["data.shift"] = torch.from_numpy(np.atleast_1d(schema.shift))
    tensors["data.factor"] = torch.from_numpy(np.atleast_1d(schema.factor))
    description = {
        "estimator": name,
        "params": model._params,
        "data": schema.to_dict(),
        "training": model.history_.to_dict() if hasattr(model, "history_") else {},
        "latent_dim": model.latent_dim_ if model.latent_dim == AUTO else None,
        "features": [str(f) for f in model.feature_names_in_] if hasattr(model, "feature_names_in_") else None,
    }
    if hasattr(model, "latent_size_"):
        description["latent_size"] = model.latent_size_.to_dict()
    return tensors, description


def load(path: str | Path, **own: Any) -> Any:
    """Returns the autoencoder or the AutoencoderClassifier in a folder; it computes bit for bit what the saved one did.

    Nothing in the file is executed. Code of the user's own is not in it and has to be passed again.

    Args:
        path: the folder.
        own: encoder=, decoder= (nn.Modules) for a model built from the user's own; distortion= for a function of the
            user's own; corruption= likewise (needed only to train or corrupt again).

    Raises:
        ModelFileError: when the folder holds no autoencoder, or one that is damaged, altered or of an unknown version.
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
    from latente.estimators.classifier_saving import NAME, restored_classifier

    return (restored_classifier if stored.estimator == NAME else restored)(path, tensors, stored, own)


def restored(path: str | Path, tensors: dict[str, Tensor], stored: Stored, own: dict[str, Any]) -> Autoencoder:
    """Returns the autoencoder that a file described.

    Args:
        path: of the folder, for messages.
        tensors: by name, as `described` returned them.
        stored: the description.
        own: the user's own modules and functions, as in `load`.

    Raises:
        ModelFileError, TypeError: as in `load`.
    """
    if stored.estimator not in KNOWN:
        raise ModelFileError(f"{path} holds {_unknown(stored.estimator)}")
    if "data.shift" not in tensors or "data.factor" not in tensors:
        raise ModelFileError(f"{path} lacks the tensors data.shift and data.factor")
    model = _model(path, stored, tensors.pop("data.shift"), tensors.pop("data.factor"))
    _fill(model, own)
    _build(path, model)
    weights = {key.removeprefix("module."): value for key, value in tensors.items()}
    load_tensors(lambda: model.module_.load_state_dict(weights), str(path))
    return model


def _unknown(kind: str) -> str:
    if kind in LOADERS:
        return f"{'an' if kind[0] in 'AI' else 'a'} {kind}, which is no autoencoder; use {LOADERS[kind]}"
    return f"a {kind!r}, which this version of latente does not know"


def _model(path: str | Path, stored: Stored, shift: Tensor, factor: Tensor) -> Autoencoder:
    """Returns the described estimator, everything set but its module.

    Raises:
        ModelFileError: when the description names something that this version does not know, or lacks something.
    """
    try:
        params = {name: revive(value) for name, value in stored.params.items()}
        model = KNOWN[stored.estimator](**params)
        model.schema_ = Schema.from_dict(stored.data, shift.numpy(), factor.numpy())
        for scaling in (model.schema_.shift, model.schema_.factor):
            np.broadcast_to(scaling, model.schema_.sample_shape)
        model.latent_dim_ = stored.latent_dim or model.latent_dim  # type: ignore[assignment]  # checked by building
        model._params, model.n_features_in_ = stored.params, model.schema_.user_shape[0]
        if stored.features is not None:
            model.feature_names_in_ = np.array(stored.features, dtype=object)
        if stored.latent_size is not None:
            model.latent_size_ = LatentSize.from_dict(stored.latent_size)
        if stored.training:
            model.history_ = History.from_dict(stored.training)
            model.n_iter_ = len(model.history_)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
    return model


def revive(value: Any) -> Any:
    """Returns an argument for the constructor from its JSON."""
    if isinstance(value, dict):
        part = Part.from_dict(value)
        if isinstance(part, Trainer):  # functions are not in the file
            part.callbacks = tuple(callback for callback in part.callbacks if callback is not None)
        return part
    return tuple(value) if isinstance(value, list) else value


def _build(path: str | Path, model: Autoencoder) -> None:
    """Makes the module, its weights still to be filled."""
    try:
        model.recipe_ = model._recipe().settle(model.schema_)
        model.latent_dim_ = int(model.latent_dim_)
        model.module_ = model._built(0, _device(model), model.latent_dim_)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the model in {path} cannot be built: {error}") from error


def _device(model: Autoencoder) -> torch.device:
    """Returns the device that the model was trained on where this machine has it, else the CPU."""
    try:
        return model._trainer().resolve_device()
    except ValueError:
        return torch.device("cpu")


def _fill(model: Autoencoder, own: dict[str, Any]) -> None:
    """Puts the user's own encoder, decoder, corruption and distortion where the file has only their names.

    Raises:
        ModelFileError: when one is needed and not given.
        TypeError: when one is given that the model has no place for.
    """
    missing = {name for name, value in model._params.items() if has_code(value)}
    modules = {keyword: value for keyword, value in own.items() if keyword in ("encoder", "decoder")}
    for keyword, module in modules.items():
        if not isinstance(module, nn.Module):
            raise TypeError(f"{keyword} must be an nn.Module (an instance); got {module!r}")
    for keyword in own:
        argument = "network" if keyword in modules else keyword
        if argument not in missing:
            raise TypeError(f"this model's {argument} is none of the user's own; load it without {keyword}=")
    if "network" in missing:
        if len(modules) < 2:
            raise ModelFileError(needs("nn.Modules", "encoder=..., decoder=..."))
        model.network = (own["encoder"], own["decoder"])
    if "distortion" in missing:
        if "distortion" not in own:
            raise ModelFileError(needs("distortion", "distortion=..."))
        model.distortion = own["distortion"]
    if "corruption" in missing:
        model.corruption = own.get("corruption", Custom())  # which refuses to act
    if "corruption" in missing and "corruption" not in own:
        message = "It reconstructs without; to corrupt or to train again it is needed"
        warnings.warn(f"{needs('corruption', 'corruption=...')}. {message}", stacklevel=4)


def has_code(value: Any) -> bool:
    """Returns whether an argument's JSON stands for a function or a module, or holds one that does."""
    if isinstance(value, list):
        return any(has_code(item) for item in value)
    return isinstance(value, dict) and ("object" in value or any(has_code(item) for item in value.values()))


def needs(what: str, keywords: str) -> str:
    """Returns what to say where code of the user's own is missing."""
    return (
        f"this model has {what} of the user's own, whose code is not in the file; pass it: "
        f"latente.load(path, {keywords})"
    )
