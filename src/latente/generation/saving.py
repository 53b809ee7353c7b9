"""Generators to folders and back.

A folder holds the density, in the format of models (`model.safetensors`, which says that it is a Generator, and
`config.json`); the autoencoder in `model/`; and, for second stages, a model for each density in `stage-0/`, ... The
density's file is written last and knows the hashes of the others, so a folder that was only half replaced is refused.
"""

from __future__ import annotations

__all__ = ["load", "save"]

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.estimators import load as load_model
from latente.generation.base import Sampler
from latente.parts import Part
from latente.persistence import ModelFileError, Stored, read_kind, read_model, write_model

if TYPE_CHECKING:
    from latente.generation.generator import Generator

G = TypeVar("G", bound="Generator")
NAME, MODEL = "Generator", "model"


def save(generator: Generator, path: str | Path) -> Path:
    """Writes a fitted generator to a folder and returns its path."""
    folder, sampler = Path(path), generator.sampler_
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; a generator is saved as a folder. Choose another path")
    parts = {MODEL: generator.model}
    arrays: dict[str, NDArray[Any]] = {
        "weights": sampler.weights_, "shift": sampler.shift_, "scale": sampler.scale_,
    }  # fmt: skip
    for i, density in enumerate(sampler.densities_):
        arrays |= {f"density.{i}.{name}": value for name, value in density.arrays().items()}
        inner = density.model()
        if inner is not None:
            parts[f"stage-{i}"] = inner
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in parts.items():
        model.save(folder / name)
    labels = None if sampler.classes_ is None else sampler.classes_.tolist()
    dtype = None if sampler.classes_ is None else sampler.classes_.dtype.str
    description = {
        "estimator": NAME,
        "params": {"sampler": sampler.to_dict()},
        "data": {"labels": labels, "dtype": dtype, "hashes": {name: _hash(folder / name) for name in parts}},
        "training": {},
    }
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    return write_model(folder, tensors, description)


def load(cls: type[G], path: str | Path, own: dict[str, Any]) -> G:
    """Returns the generator in a folder.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    folder = Path(path)
    tensors, stored = read_kind(folder, NAME)
    try:
        hashes = dict(stored.data["hashes"])
        changed = [name for name in hashes if _hash(folder / name) != hashes[name]]
        if changed or MODEL not in hashes:
            raise ModelFileError(f"the model in {folder / (changed or [MODEL])[0]} is not the one that was saved here")
        models = {name: load_model(folder / name, **(own if name == MODEL else {})) for name in hashes}
        sampler = _sampler(stored, tensors, models)
    except ModelFileError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {folder} is not valid: {error}") from error
    generator = cls(models[MODEL], Part.from_dict(stored.params["sampler"]))  # type: ignore[arg-type]
    generator.sampler_ = sampler
    return generator


def _sampler(stored: Stored, tensors: Mapping[str, Tensor], models: Mapping[str, Any]) -> Sampler:
    """Returns the described sampler, fitted."""
    sampler = Part.from_dict(stored.params["sampler"])
    if not isinstance(sampler, Sampler):
        raise ModelFileError(f"a generator needs a sampler; the file describes a {type(sampler).__name__}")
    arrays = {name: value.numpy() for name, value in tensors.items()}
    sampler.weights_, sampler.shift_, sampler.scale_ = arrays["weights"], arrays["shift"], arrays["scale"]
    sampler.latent_dim_ = sampler.shift_.shape[1]
    labels = stored.data["labels"]
    sampler.classes_ = None if labels is None else np.array(labels, dtype=stored.data["dtype"])
    sampler.densities_ = []
    for i in range(len(sampler.weights_)):
        start = f"density.{i}."
        own = {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
        sampler.densities_.append(sampler._restore(own, models.get(f"stage-{i}")))
    return sampler


def _hash(folder: Path) -> str:
    return read_model(folder)[1].sha256
