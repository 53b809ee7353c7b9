"""Models of music to folders and back, in the format of models."""

from __future__ import annotations

__all__ = ["PRETRAINED", "load_music", "save_music"]

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from latente.audio.music.alphabet import Alphabet
from latente.audio.music.measures import MusicMeasures
from latente.audio.music.mixture import MixturePrior
from latente.parts import Part, resolve
from latente.persistence import ModelFileError, load_tensors, read_kind, write_model
from latente.training import History, Trainer, current_processes

if TYPE_CHECKING:
    from latente.audio.music.estimator import MusicAutoencoder

KIND = "MusicAutoencoder"
PRETRAINED = Path(__file__).with_name("chorales")
SCALE, LARGE = ".scale", 4096


def save_music(model: MusicAutoencoder, path: str | Path, *, compact: bool = False) -> Path:
    """Writes a fitted model to a folder and returns its path.

    Args:
        model: fitted.
        path: of the folder.
        compact: whether large matrices are stored as int8 with a scale for each row, other weights as float16.
    """
    trainer = resolve(model.trainer, Trainer, Trainer()) or Trainer()
    params = model.get_params(deep=False) | {"trainer": trainer.to_dict(), "random_state": None}
    alphabet = model.alphabet_
    data = {
        "low": alphabet.low,
        "high": alphabet.high,
        "repeats": alphabet.repeats,
        "voices": model.voices_,
        "steps_per_beat": model.steps_per_beat_,
        "tempo": model.tempo_,
        "measures": None if model.measures_ is None else asdict(model.measures_),
    }
    description = {"estimator": KIND, "params": params, "data": data, "training": model.history_.to_dict()}
    tensors = {f"module.{name}": value for name, value in model.module_.state_dict().items()}
    processes = current_processes()
    if processes.first:
        write_model(path, _compact(tensors) if compact else tensors, description)
    processes.wait()
    return Path(path)


def _compact(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns large matrices as int8 and, beside each, what its rows are multiplied with; other tensors as float16."""
    found = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or tensor.numel() < LARGE:
            found[name] = tensor.half()
            continue
        rows = tensor.flatten(1)
        scale = (rows.abs().amax(1) / 127).clamp(min=1e-8)
        found[name] = (rows / scale[:, None]).round().to(torch.int8).view(tensor.shape)
        found[name + SCALE] = scale
    return found


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns all tensors as float32, under their names in the module."""
    found = {}
    for name, tensor in tensors.items():
        if name.endswith(SCALE):
            continue
        value, scale = tensor.float(), tensors.get(name + SCALE)
        if scale is not None:
            value = (value.flatten(1) * scale[:, None]).view(tensor.shape)
        found[name.removeprefix("module.")] = value
    return found


def load_music(path: str | Path) -> MusicAutoencoder:
    """Returns the model in a folder.

    Args:
        path: that `save` wrote.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
    """
    from latente.audio.music.estimator import MusicAutoencoder

    tensors, stored = read_kind(path, KIND)
    with _described(path):
        params: dict[str, Any] = dict(stored.params)
        trainer: Any = Part.from_dict(params["trainer"])
        trainer.callbacks = tuple(callback for callback in trainer.callbacks if callback is not None)
        model, data = MusicAutoencoder(**params | {"trainer": trainer}), stored.data
        model.alphabet_ = Alphabet(int(data["low"]), int(data["high"]), bool(data["repeats"]))
        model.voices_, model.steps_per_beat_ = int(data["voices"]), int(data["steps_per_beat"])
        model.tempo_, measures = float(data["tempo"]), data.get("measures")
        model.measures_ = None if measures is None else MusicMeasures(**measures)
        model.module_ = model._module(0)
        model.history_ = History.from_dict(stored.training)
        state = _plain(tensors)
        if "mixture.used" in state:
            model.module_.mixture = MixturePrior(model.hidden, state["mixture.used"], len(state["mixture.centres"]))
    load_tensors(lambda: model.module_.load_state_dict(state), str(path))
    model.module_.eval()
    return model


@contextmanager
def _described(path: str | Path) -> Iterator[None]:
    """Turns what a wrong description raises into one error."""
    try:
        yield
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
