"""The models that streams refer to: named, and known by the hash of their tensors."""

from __future__ import annotations

__all__ = ["Model", "ModelRef", "hash_tensors"]

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError, MissingModelError, WrongModelError

ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:+-]{0,62}[A-Za-z0-9._:+])?")
SHOWN = 8  # digits of a hash in an id
DIGITS = 32  # hexadecimal, 128 bits of a SHA-256


def hash_tensors(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Returns the first 128 bits of the SHA-256 of tensors, as 32 hexadecimal digits.

    Hashed are, by ascending name, the line "name dtype shape" and the bytes in C order, little-endian.

    Args:
        tensors: arrays of numbers by name.

    Example:
        >>> hash_tensors({"w": np.zeros(2, np.float32)})
        '7dd73c60dc2e7da48bdf44f7d8dd30f6'
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.name} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()[:DIGITS]


@dataclass(frozen=True)
class ModelRef:
    """Which model a stream needs.

    Attributes:
        id: the name under which it was released; it is never given to other tensors.
        hash: of its tensors, as `hash_tensors` returns it.
        embedded: whether the stream holds the model itself.

    Raises:
        ValueError: for an id or a hash of another form.

    Example:
        >>> ModelRef("climate-1", "0" * 32).embedded
        False
    """

    id: str
    hash: str
    embedded: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not ID.fullmatch(self.id):
            raise ValueError(
                "a model's id must be 1 to 64 letters, digits or ._:+-, start with a letter or digit and not end in -; "
                f"got {self.id!r}"
            )
        if not isinstance(self.hash, str) or not re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", self.hash):
            raise ValueError(f"a model's hash must be {DIGITS} hexadecimal digits; got {self.hash!r}")

    def to_json(self) -> list[Any]:
        """Returns what a header says: id, hash, whether it is embedded; an id is cut where the hash begins in it."""
        start = self.id.removesuffix(self.hash[:SHOWN])
        return [start if start.endswith("-") else self.id, self.hash, int(self.embedded)]

    @classmethod
    def from_json(cls, content: list[Any]) -> ModelRef:
        """Returns what a header says; see `to_json`."""
        start, digits, embedded = content
        return cls(start + digits[:SHOWN] if start.endswith("-") else start, digits, bool(embedded))


def id_of(name: str, digits: str) -> str:
    """Returns the id of a model of which no more is known than its name and its hash.

    Args:
        name: e.g. "archive".
        digits: the hash of its tensors.

    Example:
        >>> id_of("archive", "7dd73c60dc2e7da48bdf44f7d8dd30f6")
        'archive-7dd73c60'
    """
    return f"{name}-{digits[:SHOWN]}"


@dataclass(frozen=True, eq=False)
class Model:
    """The tensors that a decoder needs.

    Attributes:
        id: see `ModelRef`.
        tensors: arrays of numbers by name.

    Example:
        >>> model = Model("climate-1", {"w": np.arange(3.0)})
        >>> Model.from_bytes(model.to_bytes(), model.ref).tensors["w"]
        array([0., 1., 2.])
    """

    id: str
    tensors: Mapping[str, NDArray[Any]]

    @cached_property
    def ref(self) -> ModelRef:
        """What a stream says of this model."""
        return ModelRef(self.id, hash_tensors(self.tensors))

    def to_bytes(self) -> bytes:
        """Returns the tensors in the safetensors format."""
        from safetensors.numpy import save

        return save({name: np.ascontiguousarray(tensor) for name, tensor in self.tensors.items()})

    @classmethod
    def from_bytes(cls, content: bytes, ref: ModelRef) -> Model:
        """Returns the model that `to_bytes` wrote.

        Args:
            content: in the safetensors format.
            ref: what the stream says of it.

        Raises:
            AlteredError: when the content cannot be read.
            WrongModelError: when its hash is not the stated one.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = load(content)
        except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise AlteredError(f"the embedded model cannot be read: {error}") from error
        return _checked(cls(ref.id, tensors), ref)


def find(ref: ModelRef, known: Iterable[Model]) -> Model:
    """Returns the model that a stream refers to.

    Args:
        ref: what the stream says.
        known: models to choose from.

    Raises:
        MissingModelError: when none has its name.
        WrongModelError: when the one of that name has other tensors.
    """
    models = list(known)
    for model in models:
        if model.ref.hash == ref.hash:
            return model
    for model in models:
        if model.id == ref.id:
            return _checked(model, ref)
    names = ", ".join(sorted(repr(model.id) for model in models)) or "none"
    raise MissingModelError(
        f"decoding needs the model {ref.id!r} with hash {ref.hash}, which is not in the stream; at hand: {names}. "
        "Decode with the fitted codec with which it was encoded (its class's load; on the command line --model)"
    )


def _checked(model: Model, ref: ModelRef) -> Model:
    if model.ref.hash != ref.hash:
        raise WrongModelError(
            f"decoding needs the model {ref.id!r} with hash {ref.hash}; the one given has other tensors, with hash "
            f"{model.ref.hash}. Give the very model with which it was encoded"
        )
    return model
