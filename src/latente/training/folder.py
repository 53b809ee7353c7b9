"""Checkpoints in a folder: the last ones and the best weights, each in one file that is complete or not there."""

from __future__ import annotations

__all__ = ["CheckpointError", "CheckpointFolder", "CheckpointWarning"]

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latente.files import write_atomically
from latente.training.checkpoint import TENSORS, Tensors, TrainingState
from latente.training.claim import FolderClaim
from latente.training.history import EpochRecord

FORMAT = 1
STEP, BEST = "step-{:012d}.safetensors", "best-{:06d}.safetensors"
DIGEST = re.compile("[0-9a-f]{16}")
STEPS, BESTS = "step-*.safetensors", "best-*.safetensors"


class CheckpointError(ValueError):
    """Raised for a checkpoint folder that cannot be used: damaged, of another run, or not writable.

    Example:
        >>> import tempfile
        >>> from latente import Autoencoder, Trainer
        >>> X = torch.eye(4)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model = Autoencoder(1, trainer=Trainer(epochs=1, checkpoint=folder), random_state=0).fit(X)
        ...     model.fit(X)  # without resume=True
        Traceback (most recent call last):
        latente.training.folder.CheckpointError: ...
    """


class CheckpointWarning(UserWarning):
    """Warned when a damaged checkpoint is passed over for the one before.

    Example:
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error", CheckpointWarning)  # rather stop than go back by one checkpoint
    """


class _Unreadable(CheckpointError):
    """Raised for a checkpoint that is not damaged, yet of no use here: nothing is passed over for it."""


class CheckpointFolder:
    """Keeps training states in a folder.

    A state is one file, `step-N.safetensors`; the best weights so far are another, `best-EPOCH.safetensors`, which the
    states name. Each is written under a temporary name, flushed and renamed; older ones are removed afterwards.

    Args:
        path: the folder; made when the first state is kept.
        run: what identifies the run, JSON-ready; a state of another run is refused.
        kept: how many of the last states stay.
    """

    def __init__(self, path: str | os.PathLike[str], run: dict[str, Any], kept: int = 2) -> None:
        self.path, self.run, self.kept = Path(path), json.loads(json.dumps(run)), kept
        self._claim = FolderClaim(self.path)
        self._damaged: list[Path] = []  # found by `restore`; removed when there is a new state
        self._best: str | None = None  # the file of best weights that is known to be this run's, and intact
        try:
            if self.path.exists() and not self.path.is_dir():
                raise CheckpointError(f"checkpoint={str(path)!r} is a file; checkpoints are kept in a folder")
        except OSError as error:
            raise CheckpointError(f"checkpoint={str(path)!r} cannot be used: {error.strerror or error}") from error

    def claim(self) -> None:
        """Keeps other processes out until `release`, or the end of this one; makes the folder.

        Raises:
            CheckpointError: when another run is training with this folder, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            free = self._claim.take()
        except OSError as error:
            raise CheckpointError(f"cannot write checkpoints to {self.path}: {error.strerror or error}") from error
        if not free:
            raise CheckpointError(
                f"another run is training with the checkpoint folder {self.path}; wait for its end, or give another "
                "folder"
            )

    def release(self) -> None:
        """Lets others have the folder."""
        self._claim.give_back()

    def check_writable(self) -> None:
        """Raises CheckpointError when nothing can be written there; removes what a killed run left half-written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for old in [*self.path.glob(".step-*"), *self.path.glob(".best-*"), *self.path.glob(".write-test*")]:
                old.unlink(missing_ok=True)
            test = self.path / "write-test"
            write_atomically(test, b"")
            test.unlink()
        except OSError as error:
            raise CheckpointError(f"cannot write checkpoints to {self.path}: {error.strerror or error}") from error

    @property
    def empty(self) -> bool:
        """Whether there is no state at all."""
        return not self._states()

    def _states(self) -> list[Path]:
        """Returns the states, newest first."""
        return sorted(self.path.glob(STEPS), reverse=True) if self.path.is_dir() else []

    # Writing

    def save(self, state: TrainingState) -> None:
        """Keeps a state; the ones before stay until it is complete.

        Raises:
            CheckpointError: when it cannot be written; what was kept before is intact.
        """
        best = BEST.format(state.best_epoch) if state.best else None
        tensors = {f"{group}/{k}": v for group in TENSORS if group != "best" for k, v in getattr(state, group).items()}
        numbers = {f.name: getattr(state, f.name) for f in fields(state) if f.name not in (*TENSORS, "records")}
        described = {"state": numbers, "records": [vars(record) for record in state.records], "best": best}
        try:
            if best is not None and best != self._best:  # a file of that name may be another run's, or damaged
                self._write(self.path / best, state.best, {})
                self._best = best
            self._write(newest := self.path / STEP.format(state.step), tensors, described)
            self._prune(newest)
        except OSError as error:
            older = "the checkpoints before it are intact" if not self.empty else "there is none before it"
            raise CheckpointError(
                f"the checkpoint of step {state.step} could not be written to {self.path}: "
                f"{error.strerror or error}; {older}. Make room and resume"
            ) from error

    def _write(self, path: Path, tensors: Tensors, described: dict[str, Any]) -> None:
        from safetensors.torch import save

        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        header = json.dumps({"format": FORMAT, "run": self.run, **described})
        write_atomically(path, save(plain, {"latente": header, "sha256": _hash(plain, header)}))

    def _prune(self, newest: Path) -> None:
        """Removes all states but the last ones, and best weights that none of those names."""
        gone = set(self._damaged) - {newest}
        kept = [path for path in self._states() if path not in gone]
        for old in [*gone, *kept[self.kept :]]:
            old.unlink(missing_ok=True)
        self._damaged = []
        named = {_header(path).get("best") for path in self._states()}
        for path in self.path.glob(BESTS):
            if path.name not in named:
                path.unlink(missing_ok=True)

    # Reading

    def restore(self) -> TrainingState | None:
        """Returns the newest state that is intact, or None where there is none at all; warns of damaged ones.

        Where the best weights that all states name are lost, the newest state is taken without them.

        Raises:
            CheckpointError: when every state is damaged, or the newest intact one is of another run.
        """
        damaged: dict[Path, str] = {}
        for best, path in [(True, path) for path in self._states()] + [(False, path) for path in self._states()]:
            try:
                state, run = self._read(path, best)
            except _Unreadable:
                raise
            except CheckpointError as error:
                damaged.setdefault(path, str(error))
                continue
            self._check_run(path, run)
            without = "" if best else ", without the best weights so far, which start to be looked for anew"
            for text in damaged.values():
                warnings.warn(f"{text}; going on from {path.name} instead{without}", CheckpointWarning, stacklevel=2)
            self._damaged, self._best = list(damaged), BEST.format(state.best_epoch) if state.best else None
            return state
        if damaged:
            texts = "; ".join(damaged.values())
            raise CheckpointError(f"{texts}; no other checkpoint is left. Remove the folder to start anew")
        return None

    def seed(self) -> int | None:
        """Returns the seed of the run whose states are kept here, or None."""
        for path in self._states():
            try:
                return int(_load(path)[1]["run"]["seed"])
            except (CheckpointError, KeyError, TypeError, ValueError):
                continue
        return None

    def _read(self, path: Path, with_best: bool = True) -> tuple[TrainingState, dict[str, Any]]:
        tensors, header = _load(path)
        try:
            state = TrainingState(**header["state"], records=[EpochRecord(**record) for record in header["records"]])
            run, best = dict(header["run"]), header["best"]
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"the checkpoint {path} is damaged: its description lacks {error}") from error
        for name, tensor in tensors.items():
            group, _, key = name.partition("/")
            getattr(state, group)[key] = tensor
        if best is not None and with_best:
            state.best, _ = _load(self.path / best)
        elif best is not None:
            state.best_loss, state.best_epoch, state.stopped = float("inf"), 0, ""
        return state, run

    def _check_run(self, path: Path, run: dict[str, Any]) -> None:
        """Raises CheckpointError when a state belongs to a run that is described otherwise."""
        there, here = dict(_flat(run)), dict(_flat(self.run))
        differs = [key for key in {**there, **here} if there.get(key) != here.get(key)]
        if differs:
            text = "; ".join(_difference(key, there.get(key), here.get(key)) for key in differs[:5])
            raise CheckpointError(
                f"the checkpoint {path} is of another run: {text}. Resume with the settings and data of that run, or "
                "give another folder"
            )


def _difference(key: str, there: Any, here: Any) -> str:
    """Says how two runs differ; digests say nothing to people."""
    digests = all(isinstance(value, str) and DIGEST.fullmatch(value) for value in (there, here))
    return f"not the same {key}" if digests else f"{key} is {there!r} there, {here!r} here"


def _load(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Returns a file's tensors and description.

    Raises:
        CheckpointError: when it is missing or damaged, or of another format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        text = metadata["latente"]
        intact = metadata["sha256"] == _hash(tensors, text)
        header = json.loads(text)
    except PermissionError as error:
        raise _Unreadable(f"the checkpoint {path} cannot be read: {error.strerror}") from error
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"the checkpoint {path} is damaged: {error}") from error
    if not intact:
        raise CheckpointError(f"the checkpoint {path} is damaged: its contents do not match their hash")
    if header.get("format") != FORMAT:
        raise _Unreadable(
            f"the checkpoint {path} has format {header.get('format')!r}; this version of latente reads {FORMAT}"
        )
    return tensors, header


def _header(path: Path) -> dict[str, Any]:
    """Returns a file's description without reading its tensors; an empty one when it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return dict(json.loads((file.metadata() or {}).get("latente", "{}")))
    except (SafetensorError, OSError, ValueError, TypeError):
        return {}


def _hash(tensors: Tensors, header: str) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        tensor: Tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the leaves of nested dictionaries with dotted names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
