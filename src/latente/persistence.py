"""Model folders: one safetensors file that holds the tensors and says what they are.

`model.safetensors` is the truth: the tensors, and in its header a JSON description (format version, parts, front-door
decisions, library versions, training summary, a hash of all this and the tensors). `config.json` is a copy for people.
Nothing in either is ever executed.
"""

from __future__ import annotations

__all__ = ["FORMAT", "LOADERS", "ModelFileError", "Stored", "read_kind", "read_model", "write_model"]

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from latente.files import write_atomically

FORMAT = 1
FILE, READABLE = "model.safetensors", "config.json"
LOADERS = {  # what reads the folders of kinds that `latente.load` does not
    "AnomalyDetector": "latente.anomaly.load",
    "AudioDenoiser": "latente.audio.AudioDenoiser.load",
    "DefectSegmenter": "latente.anomaly.load",
    "SourceSeparator": "latente.audio.SourceSeparator.load",
    "Denoiser": "latente.denoising.load",
    "Generator": "latente.Generator.load",
    "Imputer": "latente.denoising.load",
    "MusicAutoencoder": "latente.audio.MusicAutoencoder.load",
    "SeriesDetector": "latente.anomaly.SeriesDetector.load",
    "SpeechFeatures": "latente.audio.SpeechFeatures.load",
    "WordRecogniser": "latente.audio.WordRecogniser.load",
}


class ModelFileError(ValueError):
    """Raised for a model folder that is missing, damaged, altered or of an unknown version.

    Example:
        >>> read_model("nowhere")
        Traceback (most recent call last):
        latente.persistence.ModelFileError: no model in nowhere: ...
    """


class Stored(BaseModel):
    """The description in a model file's header.

    Attributes:
        format: the version of the format.
        versions: of the libraries that wrote the file, by name.
        estimator: the class's name.
        params: the constructor's arguments, JSON-ready.
        data: what the front door decided.
        training: what is kept of the training.
        latent_dim: the size of the code where the parameter does not say it.
        latent_size: how that was found, or None.
        features: names of a frame's columns, or None.
        tensors: names of the tensors in the file.
        sha256: of the description, but for this, and the tensors.

    Example:
        >>> import tempfile
        >>> from latente import Autoencoder, Trainer
        >>> model = Autoencoder(1, trainer=Trainer(epochs=1), random_state=0).fit([[0, 1], [1, 0], [1, 1]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tensors, stored = read_model(model.save(folder))
        >>> stored.estimator, stored.params["latent_dim"]
        ('Autoencoder', 1)
    """

    model_config = ConfigDict(extra="forbid")

    format: int
    versions: dict[str, str]
    estimator: str
    params: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]
    latent_dim: int | None = None  # where the parameter does not say it
    latent_size: dict[str, Any] | None = None
    features: list[str] | None = None
    tensors: list[str]
    sha256: str

    @property
    def unsaid(self) -> set[str]:
        """The younger fields that are not used, and so not written: the file is as it was before there were any."""
        return {"latent_size"} if self.latent_size is None else set()


def write_model(folder: str | Path, tensors: Mapping[str, Tensor], description: dict[str, Any]) -> Path:
    """Writes a model folder and returns its path; an older model in it stays intact until the new one is complete.

    Args:
        folder: made where it is missing.
        tensors: by name.
        description: the fields of `Stored` but format, versions, tensors and sha256.

    Raises:
        OSError: when the folder cannot be written.

    Example:
        >>> import tempfile
        >>> description = {"estimator": "Mine", "params": {}, "data": {}, "training": {}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_model(folder, {"weight": torch.zeros(2)}, description)
        ...     sorted(file.name for file in path.iterdir())
        ['config.json', 'model.safetensors']
    """
    from importlib.metadata import version

    from safetensors.torch import save

    description = json.loads(json.dumps(description, default=_number))
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; a model is saved as a folder. Choose another path")
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: _alone(tensor) for name, tensor in tensors.items()}
    names = ("latente", "torch", "numpy", "scikit-learn")
    stored = Stored(
        format=FORMAT,
        versions={name: version(name) for name in names},
        tensors=sorted(plain),
        sha256="",
        **description,
    )
    stored.sha256 = _hash(plain, stored)
    text = json.dumps(stored.model_dump(exclude=stored.unsaid), indent=2, allow_nan=True)
    write_atomically(folder / FILE, save(plain, metadata={"latente": text}))
    write_atomically(folder / READABLE, (text + "\n").encode())
    return folder


def read_model(folder: str | Path) -> tuple[dict[str, Tensor], Stored]:
    """Returns a model folder's tensors and description.

    Raises:
        ModelFileError: when it is missing, damaged, altered, or of a format that this version does not know.

    Args:
        folder: that `write_model` or an estimator's `save` wrote.

    Example:
        >>> import tempfile
        >>> description = {"estimator": "Mine", "params": {}, "data": {}, "training": {}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tensors, stored = read_model(write_model(folder, {"weight": torch.zeros(2)}, description))
        >>> tensors, stored.format
        ({'weight': tensor([0., 0.])}, 1)
    """
    from safetensors import SafetensorError, safe_open

    path = Path(folder) / FILE
    if not path.is_file():
        raise ModelFileError(f"no model in {folder}: {FILE} is missing there; give the folder that `save` wrote")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("latente")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged and cannot be read: {error}") from error
    if text is None:
        raise ModelFileError(f"{path} has no description in its header; it was not written by latente")
    stored = _parse(path, text)
    missing = sorted(set(stored.tensors) - set(tensors))
    if missing:
        raise ModelFileError(f"{path} lacks {len(missing)} of its tensors, e.g. {missing[0]!r}; save the model again")
    if _hash(tensors, stored) != stored.sha256:
        raise ModelFileError(
            f"the tensors or the description in {path} were altered after saving: their hash is not the stored one"
        )
    return tensors, stored


def _parse(path: Path, text: str) -> Stored:
    try:
        raw = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelFileError(f"the description in {path} is no JSON: {error}") from error
    found = raw.get("format") if isinstance(raw, dict) else None
    if found != FORMAT:
        raise ModelFileError(
            f"{path} has format {found!r}; this version of latente reads format {FORMAT}. Upgrade latente, or save the "
            "model again with this version"
        )
    try:
        return Stored.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelFileError(f"the description in {path} is not valid at {where!r}: {first['msg']}") from error


def load_tensors(load: Callable[[], Any], what: str) -> None:
    """Runs a function that fills a module with tensors, and turns its complaint into a ModelFileError."""
    try:
        load()
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(f"the tensors in {what} do not fit the model that it describes: {reason}") from error


def _number(value: Any) -> Any:
    """Returns numpy's numbers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} cannot be described in a model file")


def _alone(tensor: Tensor) -> Tensor:
    """Returns a copy with memory of its own: modules may share a tensor, a file may not."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _hash(tensors: Mapping[str, Tensor], stored: Stored) -> str:
    """Returns the SHA-256 of the description (but for the hash in it) and of the tensors."""
    unsaid = stored.unsaid | ({"latent_dim"} if stored.latent_dim is None else set())  # as in files older than it
    description = json.dumps(stored.model_dump(exclude={"sha256", *unsaid}), sort_keys=True)
    digest = hashlib.sha256(description.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()


def read_kind(folder: str | Path, kind: str) -> tuple[dict[str, Tensor], Stored]:
    """Returns what `read_model` does, for a folder that holds one kind of model.

    Args:
        folder: that a `save` wrote.
        kind: the class's name.

    Raises:
        ModelFileError: as `read_model`, and for another kind of model; the message names its loader.

    Example:
        >>> import tempfile
        >>> description = {"estimator": "Imputer", "params": {}, "data": {}, "training": {}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     read_kind(write_model(folder, {"weight": torch.zeros(2)}, description), "Generator")
        Traceback (most recent call last):
        latente.persistence.ModelFileError: ... another kind of model, Imputer, not Generator; use ...
    """
    tensors, stored = read_model(folder)
    own = stored.estimator
    if own != kind:
        loader = LOADERS.get(own, "latente.load")
        raise ModelFileError(f"{folder} holds another kind of model, {own}, not {kind}; use {loader}")
    return tensors, stored
