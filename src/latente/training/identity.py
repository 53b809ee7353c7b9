"""What makes a run this run and no other."""

from __future__ import annotations

__all__ = ["describe_run"]

import hashlib
import re
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from latente.data import Source
from latente.parts import Part

if TYPE_CHECKING:
    from latente.training.run import Run

LOOKED_AT = 256  # samples


def describe_run(run: Run) -> dict[str, Any]:
    """Returns what must be the same for a checkpoint to be resumed, JSON-ready: settings, network, data, seed."""
    trainer, module = run.trainer, run.module
    return {
        "seed": run.seed,
        "epochs": run.epochs,
        "batch_size": run.batch_size,
        "processes": run.processes.size,
        "learning_rate": float(trainer.learning_rate),
        "patience": trainer.patience,
        "clip": trainer.clip,
        "precision": trainer.precision,
        "device": run.stepper.device.type,
        "objective": _plain(run.objective),
        "corruption": _plain(getattr(module, "corruption", None)),
        "bottleneck": _settings(getattr(module, "bottleneck", None)),
        "distortion": _settings(getattr(module, "distortion", None)),
        "network": _digest(repr(module)),
        "tensors": _digest(*(f"{name} {tuple(tensor.shape)}" for name, tensor in module.state_dict().items())),
        "data": _data(run.source),
        "validation": None if run.validation is None else _data(run.validation),
    }


def _data(source: Source) -> dict[str, Any]:
    """Returns size and shape of the data, and a digest of its first samples."""
    first = next(iter(source.batches(min(LOOKED_AT, len(source)))))
    target = "" if first.target is first.x else _values(first.target)
    shape = list(source.sample_shape)
    return {"samples": len(source), "sample_shape": shape, "first_samples": _digest(_values(first.x), target)}


def _values(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def _settings(module: nn.Module | None) -> dict[str, Any] | None:
    """Returns what a module was built with, as far as it is no tensor."""
    if module is None:
        return None
    named = {name: value for name, value in vars(module).items() if not name.startswith("_") and name != "training"}
    return {
        "name": type(module).__name__.lstrip("_").removesuffix("Module"),
        **{name: _plain(value) for name, value in named.items()},
    }


def _plain(part: Any) -> Any:
    """Returns a part as nested dictionaries of numbers and words; functions and modules by their names."""
    if isinstance(part, Part):
        return {"name": part.short_name, **{name: _plain(getattr(part, name)) for name in part.field_names()}}
    if isinstance(part, (list, tuple)):
        return [_plain(item) for item in part]
    if isinstance(part, (bool, int, float, str, type(None))):
        return part
    return getattr(part, "__qualname__", type(part).__qualname__)


def _digest(*texts: str) -> str:
    """Returns a short hash of texts, addresses in memory left out."""
    return hashlib.sha256(re.sub(r"0x[0-9a-f]+", "", "\n".join(texts)).encode()).hexdigest()[:16]
