"""Files of codecs: settings and, where something was learned, the model."""

from __future__ import annotations

__all__ = ["load_codec", "save_codec"]

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latente.codec.container import Container, pack, unpack
from latente.codec.errors import CodecError
from latente.codec.models import Model
from latente.files import write_atomically


def save_codec(path: str | Path, kind: str, settings: Mapping[str, Any], model: Model | None) -> Path:
    """Writes a codec's file and returns its path.

    Args:
        path: of the file.
        kind: of the container.
        settings: its header.
        model: what was learned, or None.
    """
    write_atomically(Path(path), pack(kind, settings, {}, model))
    return Path(path)


def load_codec(path: str | Path, kind: str, name: str) -> Container:
    """Returns what `save_codec` wrote.

    Args:
        path: of the file.
        kind: of the container.
        name: of the class, for the message.

    Raises:
        CodecError: when the file is damaged or of another kind.
        FileNotFoundError: when it is not there.
    """
    data = Path(path).read_bytes()
    try:
        return unpack(data).expect(kind)
    except CodecError as error:
        raise type(error)(f"{path} is no codec that {name}.save wrote, or damaged: {error}") from error
