"""Denoisers to folders and back, in the format of models."""

from __future__ import annotations

__all__ = ["load", "save"]

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from latente.parts import Part
from latente.persistence import ModelFileError, load_tensors, read_model, write_model
from latente.training import History

if TYPE_CHECKING:
    from latente.denoising.denoiser import Denoiser

NAME = "Denoiser"


def save(model: Denoiser, path: str | Path) -> Path:
    """Writes a fitted denoiser to a folder and returns its path.

    Args:
        model: the denoiser. A noise that is a function of the user's own is left out; it is needed only to train again.
        path: of the folder.
    """
    params = model.get_params(deep=False)
    noise = model._objective().noise
    params["noise"] = None if noise is None or type(noise).short_name == "custom" else noise.to_dict()
    params["trainer"] = model._trainer().to_dict()
    params["random_state"] = None
    description = {
        "estimator": NAME,
        "params": params,
        "data": {
            "shift": model.scale_.shift,
            "factor": model.scale_.factor,
            "bounds": model.scale_.bounds,
            "channels": model.channels_,
            "dimensions": model.dimensions_,
        },
        "training": model.history_.to_dict(),
    }
    return write_model(path, {f"module.{k}": v for k, v in model.module_.state_dict().items()}, description)


def load(path: str | Path) -> Denoiser:
    """Returns the denoiser in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    from latente.denoising.denoiser import Denoiser
    from latente.denoising.samples import Scale

    tensors, stored = read_model(path)
    if stored.estimator != NAME:
        raise ModelFileError(f"{path} holds a {stored.estimator}, not a {NAME}; use latente.load")
    try:
        params: dict[str, Any] = dict(stored.params)
        params["trainer"] = Part.from_dict(params["trainer"])
        params["noise"] = None if params["noise"] is None else Part.from_dict(params["noise"])
        model = Denoiser(**params)
        data, bounds = stored.data, stored.data["bounds"]
        model.scale_ = Scale(tuple(data["shift"]), tuple(data["factor"]), None if bounds is None else tuple(bounds))
        model.channels_, model.dimensions_ = int(data["channels"]), int(data["dimensions"])
        model.module_ = model._network(0)
        state = {name.removeprefix("module."): value for name, value in tensors.items()}
        load_tensors(lambda: model.module_.load_state_dict(state), str(path))
        model.history_ = History.from_dict(stored.training)
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
    model.module_.to(torch.device("cpu")).eval()
    return model
