"""Separators and denoisers of sound to folders and back, in the format of models."""

from __future__ import annotations

__all__ = ["load", "save"]

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latente.parts import Part, resolve
from latente.persistence import ModelFileError, load_tensors, read_kind, write_model
from latente.training import History, Trainer


def save(model: Any, path: str | Path, dtype: torch.dtype = torch.float32) -> Path:
    """Writes a fitted model to a folder and returns its path.

    Args:
        model: a SourceSeparator or an AudioDenoiser.
        path: of the folder.
        dtype: of the weights; float16 takes half the space.
    """
    params = model.get_params(deep=False)
    params["trainer"] = (resolve(model.trainer, Trainer, Trainer()) or Trainer()).to_dict()
    params["random_state"] = None
    description = {
        "estimator": type(model).__name__,
        "params": {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()},
        "data": {"sources": list(model.sources_)},
        "training": model.history_.to_dict(),
    }
    state = model.network_.state_dict().items()
    return write_model(path, {name: _narrowed(value, dtype) for name, value in state}, description)


def load(path: str | Path, kind: type[Any]) -> Any:
    """Returns the model in a folder.

    Args:
        path: that `save` wrote.
        kind: the class that it must be of.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of another kind.
    """
    tensors, stored = read_kind(path, kind.__name__)
    try:
        params: dict[str, Any] = dict(stored.params)
        trainer: Any = Part.from_dict(params["trainer"])
        trainer.callbacks = tuple(callback for callback in trainer.callbacks if callback is not None)
        params = {name: tuple(value) if isinstance(value, list) else value for name, value in params.items()}
        model = kind(**params | {"trainer": trainer})
        model._check()
        model.sources_ = tuple(str(name) for name in stored.data["sources"])
        model.network_ = model._network(len(model.sources_), 0)
        model.history_ = History.from_dict(stored.training)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
    wide = {name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()}
    load_tensors(lambda: model.network_.load_state_dict(wide), str(path))
    model.network_.eval()
    return model


def _narrowed(value: Tensor, dtype: torch.dtype) -> Tensor:
    return value.to(dtype) if value.is_floating_point() else value
