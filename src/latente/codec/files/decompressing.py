"""A .lat file back into what it was made from, and what it says of itself."""

from __future__ import annotations

__all__ = ["decompress_file", "describe_file", "part_values"]

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from latente.codec.arrays.info import array_info
from latente.codec.bounds import Bound
from latente.codec.damage import telling_damage
from latente.codec.errors import CodecError
from latente.codec.files.base import Settings
from latente.codec.files.exact_pictures import ExactPictureFormat, promised
from latente.codec.files.formats import format_of
from latente.codec.files.pillow import WRITERS
from latente.codec.files.places import check_output, replaced, tree_bytes
from latente.codec.files.results import Decompressed, Description, Part, models_of
from latente.codec.limits import Limits
from latente.codec.streams import ContainerReader

if TYPE_CHECKING:
    from latente.codec.files.compressing import AnyCodec
    from latente.codec.models import Model

SUFFIX = re.compile(r"(\.[a-z0-9]{1,15})?")


def decompress_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    limits: Limits | None = None,
    codec: AnyCodec | None = None,
) -> Decompressed:
    """Writes what a .lat file was made from, exactly or within its bound. From a damaged one nothing is written.

    Args:
        path: of the .lat file.
        out: what is written; None takes the name without .lat, for pictures with .png. Pictures go by the ending:
            .png, .webp, .tif, .tiff or .bmp, without a further loss.
        overwrite: whether a file that is there may be replaced.
        limits: what the file may ask for; None takes those of `Limits`.
        codec: the fitted `ArrayCodec`, `ImageCodec` or `LosslessImageCodec` with which it was compressed, where the
            file refers to what that learned.

    Raises:
        CodecError: when the file is truncated, altered, of a newer version, not ours, too large, or needs a model that
            is not at hand.
        FileNotFoundError: when the file is not there.
        FileExistsError: when the output is, and overwrite is not asked for.

    Example:
        >>> import tempfile
        >>> from latente.codec import compress_file
        >>> file = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> file.write_text("again and again " * 100)
        1600
        >>> done = decompress_file(compress_file(file).output, file.with_name("again.txt"))
        >>> done.output.read_text() == file.read_text(), done.exact
        (True, True)
    """
    source = Path(path)
    target = _named(source) if out is None else Path(out)
    check_output(source, target, overwrite)
    settings = Settings(limits=limits or Limits(), models=_learned(codec))
    kind, exact, promise = _decompressed(source, target, settings)
    sizes = source.stat().st_size, tree_bytes(target)
    promise = "every pixel" if promise and settings.notes else promise  # written as another file than it was
    return Decompressed(source, target, kind, *sizes, exact, tuple(settings.notes), promise)


def _learned(codec: AnyCodec | None) -> tuple[Model, ...]:
    """The model of a fitted codec."""
    fitted = codec is not None and (hasattr(codec, "archive_") or hasattr(codec, "model_"))
    model = getattr(codec, "archive_", codec).model if fitted else None  # type: ignore[union-attr]
    return () if model is None else (model,)


def _decompressed(source: Path, target: Path, settings: Settings) -> tuple[str, bool, str]:
    """Writes what a file holds, with the model that is in it; returns kind, exactness and promise."""
    with _opened(source, settings.limits) as reader:
        known = format_of(reader.kind)
        _stated(reader)  # a bound that makes no sense is refused before anything is written
        exact = all(part.exact for part in known.describe(reader))
        if reader.model is not None and reader.model.embedded:
            model = reader.load_model(settings.models)
            settings = replace(settings, models=settings.models if model is None else (*settings.models, model))
        with replaced(target) as part:
            known.read(reader, part, settings)
        promise = promised(reader) if reader.kind == ExactPictureFormat.kind else ""
    return reader.kind, exact, promise


def part_values(path: str | os.PathLike[str], kind: str, name: str) -> NDArray[Any] | None:
    """Returns the numbers of a part of an original or a decompressed file; None where it has none.

    Args:
        path: of the file.
        kind: of the file, as `Compressed` says it.
        name: of the part.
    """
    return format_of(kind).values(Path(path), name)


def describe_file(path: str | os.PathLike[str], *, limits: Limits | None = None) -> Description:
    """Returns what a .lat file says of itself: kind, sizes, bound, and how each part was coded and why.

    Nothing is decoded, but all that can be compared without is: the CRC of the header, of every section and its head,
    of the file's end, the same of the streams inside of sections, and the hash of an embedded model. What only decoding
    finds: that what comes out is not what was encoded (the CRCs of the symbols, where a file was made by something that
    errs or was forged), that a block's content does not have the stated size, and that a model is not at hand.

    Args:
        path: of the .lat file.
        limits: what the file may ask for; None takes those of `Limits`.

    Raises:
        CodecError: as `decompress_file`.
        FileNotFoundError: when the file is not there.

    Example:
        >>> import tempfile
        >>> from latente.codec import compress_file
        >>> file = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> file.write_text("again and again " * 100)
        1600
        >>> describe_file(compress_file(file).output).kind
        'bytes'
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"no such file: {source}")
    with _opened(source, limits or Limits()) as reader:
        reader.verify()
        parts = format_of(reader.kind).describe(reader)
        size = parts[0].original_bytes if reader.kind == "array" else reader.header.get("size")
        return Description(
            source, reader.kind, reader.writer, size if isinstance(size, int) else None, source.stat().st_size,
            _stated(reader), _needed(reader, parts), parts,
        )  # fmt: skip


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[ContainerReader]:
    """Yields the reader of a file; whatever its content makes the code stumble over inside becomes an AlteredError."""
    with path.open("rb") as file, telling_damage(f"{path} makes no sense"), ContainerReader(file, limits) as reader:
        yield reader


def _needed(reader: ContainerReader, parts: tuple[Part, ...]) -> str | None:
    """Returns id and hash of the model that decoding needs, and where it is, or which parts refer to it."""
    if reader.model is not None and reader.model.embedded:
        return f"{reader.model.id} ({reader.model.hash}), in the file"
    return models_of(parts)


def _stated(reader: ContainerReader) -> str:
    """Returns the bound in words."""
    if reader.kind == "array":
        return array_info(reader.whole()).bound
    if reader.kind == "image":
        from latente.codec.images.codec import info_of

        return f"quality {info_of(reader, 0).quality:.3g} of the image codec"
    if reader.kind == ExactPictureFormat.kind:
        return f"lossless: {promised(reader)}"
    return str(Bound.from_json(reader.header) if "bound" in reader.header else Bound())


def _named(source: Path) -> Path:
    """Returns the name without .lat."""
    if source.suffix.lower() != ".lat":
        raise ValueError(f"{source} does not end in .lat; say where the result goes")
    plain = source.with_suffix("")
    kind, own = _picture(source)
    if not kind or plain.suffix.lower() in (*WRITERS, own):
        return plain
    return plain.with_suffix(".png") if own is None else plain.with_name(plain.name + own)


def _picture(path: Path) -> tuple[str, str | None]:
    """Returns the kind of a compressed picture, empty for others, and the ending of the file that it was, if known."""
    try:
        with path.open("rb") as file, ContainerReader(file) as reader:
            own = reader.header.get("suffix") if reader.kind == ExactPictureFormat.kind else None
            kind = reader.kind if reader.kind in ("image", ExactPictureFormat.kind) else ""
            return kind, own if isinstance(own, str) and SUFFIX.fullmatch(own) else None
    except (OSError, CodecError):
        return "", None  # it will be told when the file is read
