"""Denoisers and imputers to folders and back, in the format of models."""

from __future__ import annotations

__all__ = ["load", "load_denoiser", "load_imputer", "save_denoiser", "save_imputer"]

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latente.estimators import load as load_autoencoder
from latente.parts import Part, resolve
from latente.persistence import ModelFileError, Stored, load_tensors, read_kind, read_model, write_model
from latente.training import History, Trainer, current_processes

if TYPE_CHECKING:
    from latente.denoising.denoiser import Denoiser
    from latente.denoising.imputer import Imputer


def load(path: str | Path) -> Any:
    """Returns the Denoiser, the Imputer, the autoencoder or the AutoencoderClassifier in a folder.

    Args:
        path: the folder that `save` of one of them wrote.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.

    Example:
        >>> import tempfile
        >>> from latente.denoising import Imputer
        >>> X = np.random.default_rng(0).normal(size=(20, 3))
        >>> model = Imputer(random_state=0).set_params(trainer__epochs=1).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     type(load(model.save(folder))).__name__
        'Imputer'
    """
    loaders = {"Denoiser": load_denoiser, "Imputer": load_imputer}
    return loaders.get(read_model(path)[1].estimator, load_autoencoder)(path)


def save_denoiser(model: Denoiser, path: str | Path) -> Path:
    """Writes a fitted denoiser to a folder and returns its path.

    Args:
        model: the denoiser. A noise that is a function of the user's own is left out; it is needed only to train again.
        path: of the folder.
    """
    params = model.get_params(deep=False)
    noise = model._objective().noise
    params["noise"] = None if noise is None or type(noise).short_name == "custom" else noise.to_dict()
    data = {
        "shift": model.scale_.shift,
        "factor": model.scale_.factor,
        "bounds": model.scale_.bounds,
        "channels": model.channels_,
        "dimensions": model.dimensions_,
        "fold": model.fold_,
        "spread": None if model.spread_ is None else asdict(model.spread_),
        "sigma": model.sigma_,
    }
    return _write(model, path, params, data, {})


def load_denoiser(path: str | Path) -> Denoiser:
    """Returns the denoiser in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    from latente.denoising.denoiser import Denoiser
    from latente.denoising.samples import Scale
    from latente.denoising.spread import Spread

    tensors, stored = read_kind(path, "Denoiser")
    with _described(path):
        params = _params(stored)
        params["noise"] = None if params["noise"] is None else Part.from_dict(params["noise"])
        model = Denoiser(**params)
        data, bounds = stored.data, stored.data["bounds"]
        model.scale_ = Scale(tuple(data["shift"]), tuple(data["factor"]), None if bounds is None else tuple(bounds))
        model.channels_, model.dimensions_ = int(data["channels"]), int(data["dimensions"])
        model.fold_ = int(data["fold"])
        spread = data.get("spread")  # older files have none
        model.spread_ = None if spread is None else Spread(tuple(spread["edges"]), tuple(spread["squares"]))
        sigma = data.get("sigma")
        model.sigma_ = None if sigma is None else tuple(float(value) for value in sigma)
        model.module_ = model._network(0)
        _fill(model, tensors, stored, path)
    return model


def save_imputer(model: Imputer, path: str | Path) -> Path:
    """Writes a fitted imputer to a folder and returns its path."""
    params = model.get_params(deep=False)
    params["hidden_features"] = list(params["hidden_features"])
    moments = {"data.mean": torch.from_numpy(model.mean_), "data.std": torch.from_numpy(model.std_)}
    return _write(model, path, params, {"columns": model.n_features_in_}, moments)


def load_imputer(path: str | Path) -> Imputer:
    """Returns the imputer in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    from latente.denoising.imputer import Imputer

    tensors, stored = read_kind(path, "Imputer")
    with _described(path):
        params = _params(stored)
        params["hidden_features"] = tuple(params["hidden_features"])
        model = Imputer(**params)
        model.n_features_in_ = int(stored.data["columns"])
        model.mean_, model.std_ = tensors.pop("data.mean").numpy(), tensors.pop("data.std").numpy()
        if model.mean_.shape != (model.n_features_in_,) or model.std_.shape != model.mean_.shape:
            raise ValueError("mean and deviation are not those of the columns")
        if stored.features is not None:
            model.feature_names_in_ = np.array(stored.features, dtype=object)
        model.module_ = model._network(0)
        _fill(model, tensors, stored, path)
    return model


def _write(
    model: Any, path: str | Path, params: dict[str, Any], data: dict[str, Any], more: Mapping[str, Tensor]
) -> Path:
    """Of several processes that trained together the first one writes, and the others wait."""
    trainer = resolve(model.trainer, Trainer, Trainer()) or Trainer()  # what it leaves open stays open
    params["trainer"], params["random_state"] = trainer.to_dict(), None
    names = getattr(model, "feature_names_in_", None)
    description = {
        "estimator": type(model).__name__,
        "params": params,
        "data": data,
        "training": model.history_.to_dict(),
        "features": None if names is None else [str(name) for name in names],
    }
    processes = current_processes()
    if processes.first:
        write_model(path, {f"module.{k}": v for k, v in model.module_.state_dict().items()} | dict(more), description)
    processes.wait()
    return Path(path)


def _params(stored: Stored) -> dict[str, Any]:
    """Returns the constructor's arguments; the trainer's functions are not in the file."""
    params: dict[str, Any] = dict(stored.params)
    trainer: Any = Part.from_dict(params["trainer"])
    trainer.callbacks = tuple(callback for callback in trainer.callbacks if callback is not None)
    return params | {"trainer": trainer}


def _fill(model: Any, tensors: Mapping[str, Tensor], stored: Stored, path: str | Path) -> None:
    """Puts weights and history where they belong."""
    state = {name.removeprefix("module."): value for name, value in tensors.items()}
    load_tensors(lambda: model.module_.load_state_dict(state), str(path))
    model.history_ = History.from_dict(stored.training)
    model.module_.to(torch.device("cpu")).eval()


@contextmanager
def _described(path: str | Path) -> Iterator[None]:
    """Turns what a wrong description raises into one error."""
    try:
        yield
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
