"""What makes a run this run and no other."""

from __future__ import annotations

__all__ = ["describe_run"]

import hashlib
import json
import re
from dataclasses import is_dataclass
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from latente.data import ArraySource, MappedSource, Source, StreamSource
from latente.parts import Part
from latente.training.adam import USUAL_BETA2

if TYPE_CHECKING:
    from latente.training.run import Run

LOOKED_AT = 512  # samples of a stream, spread over the whole of it


def describe_run(run: Run) -> dict[str, Any]:
    """Returns what must be the same for a checkpoint to be resumed, JSON-ready: settings, network, data, seed."""
    trainer, module = run.trainer, run.module
    return {
        "seed": run.seed,
        "epochs": run.epochs,
        "batch_size": run.batch_size,
        "processes": run.processes.size,
        "learning_rate": run.stepper.learning_rate,
        "weight_decay": run.stepper.weight_decay,
        "beta2": None if run.stepper.beta2 == USUAL_BETA2 else run.stepper.beta2,  # older checkpoints have none
        "optimizer": None if run.stepper.method == "adam" else run.stepper.method,  # likewise
        "patience": _plain(trainer.patience),
        "clip": _plain(trainer.clip),
        "precision": _plain(trainer.precision),
        "threads": _plain(trainer.threads),
        "compile": _plain(trainer.compile),
        "device": run.stepper.device.type,
        "objective": _plain(run.objective),
        "corruption": _plain(getattr(module, "corruption", None)),
        "bottleneck": _settings(getattr(module, "bottleneck", None)),
        "distortion": _settings(getattr(module, "distortion", None)),
        "settings": _held_settings(module),
        "network": _digest(repr(module)),
        "tensors": _digest(*(f"{name} {tuple(tensor.shape)}" for name, tensor in module.state_dict().items())),
        "data": _data(run.source),
        "validation": None if run.validation is None else _data(run.validation),
    }


def _data(source: Source) -> dict[str, Any]:
    """Returns size and shape of the data, how it is stored, and a digest of its values."""
    inner = source
    while isinstance(inner, MappedSource):
        inner = inner.source
    if isinstance(inner, ArraySource):
        tensors = [inner.x, *(t for t in (inner.target, inner.condition, inner.index) if t is not None)]
        contents = [_values(tensor) for tensor in tensors]
    elif isinstance(inner, StreamSource):
        stored = [rows for rows in (inner.rows, inner.target) if rows is not None]
        contents = [_values(torch.from_numpy(np.ascontiguousarray(rows.sample(LOOKED_AT)))) for rows in stored]
        contents.append(json.dumps(inner.schema.to_dict(), sort_keys=True, default=str))  # statistics of all samples
    else:
        contents = [_values(next(iter(source.batches(min(LOOKED_AT, len(source))))).x)]
    return {
        "samples": len(source),
        "sample_shape": list(source.sample_shape),
        "stored": type(inner).__name__,
        "values": _digest(*contents),
    }


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


def _held_settings(module: nn.Module) -> dict[str, Any] | None:
    """Returns the dataclasses of settings that a module holds besides; None where there are none."""
    known = {"corruption", "bottleneck", "distortion"}
    held = {name: value for name, value in vars(module).items() if is_dataclass(value) and name not in known}
    return {name: _plain(value) for name, value in held.items()} or None


def _plain(part: Any) -> Any:
    """Returns a part as nested dictionaries of numbers and words; functions by name and code, modules by name."""
    if isinstance(part, Part):
        return {"name": part.short_name, **{name: _plain(getattr(part, name)) for name in part.field_names()}}
    if isinstance(part, (list, tuple)):
        return [_plain(item) for item in part]
    if isinstance(part, dict):
        return {str(name): _plain(value) for name, value in part.items()}
    if isinstance(part, (bool, int, float, str, type(None))):
        return part
    return _named(part)


def _named(part: Any) -> Any:
    """Returns what is no part of latente's: by its name, its code, the values and functions that it holds."""
    if isinstance(part, (np.generic, np.ndarray, Tensor)):
        return _value(part)
    if isinstance(part, partial):
        return {"name": "partial", "of": _plain(part.func), "args": _plain(part.args), "named": _plain(part.keywords)}
    if isinstance(part, MethodType):
        return {"name": part.__qualname__, "of": _plain(part.__self__)}
    name = getattr(part, "__qualname__", type(part).__qualname__)
    if isinstance(part, FunctionType):
        return f"{name} {_digest(*_code(part))}"
    own = {} if isinstance(part, (type, nn.Module)) else getattr(part, "__dict__", {})
    held = {key: _value(value) for key, value in own.items() if not key.startswith("_")}
    return {"name": name, **held} if held else name


def _value(value: Any) -> Any:
    """Returns a number or a word as it is, an array by a digest, anything else by its type."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, Tensor)):
        array = value.detach().float().cpu().numpy() if isinstance(value, Tensor) else value
        return f"array {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"
    return value if isinstance(value, (bool, int, float, str, type(None))) else type(value).__qualname__


def _code(function: FunctionType) -> list[str]:
    """Returns what a function does: its instructions, constants, defaults and what it holds from outside."""
    texts, codes = [], [function.__code__]
    while codes:
        code = codes.pop()
        texts.append(code.co_code.hex())
        texts.append(repr([value for value in code.co_consts if not isinstance(value, CodeType)]))
        texts.append(repr(code.co_names))
        codes += [value for value in code.co_consts if isinstance(value, CodeType)]
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    return [*texts, repr(function.__defaults__), repr(function.__kwdefaults__), repr([_plain(value) for value in held])]


def _digest(*texts: str) -> str:
    """Returns a short hash of texts, addresses in memory left out."""
    return hashlib.sha256(re.sub(r"0x[0-9a-f]+", "", "\n".join(texts)).encode()).hexdigest()[:16]
