"""Any file into a .lat file."""

from __future__ import annotations

__all__ = ["compress_file"]

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from latente.codec.bounds import Bound
from latente.codec.files.base import BLOCK_BYTES, Format, Settings, Unfit, Written
from latente.codec.files.formats import told
from latente.codec.files.places import check_output, replaced, tree_bytes
from latente.codec.files.results import Compressed, models_of
from latente.codec.limits import Limits
from latente.codec.streams import ContainerReader
from latente.files import replacing
from latente.parts import is_integer

if TYPE_CHECKING:
    from latente.codec.array_codec import ArrayCodec
    from latente.codec.images.codec import ImageCodec
    from latente.codec.images.lossless.codec import LosslessImageCodec

    AnyCodec = ArrayCodec | ImageCodec | LosslessImageCodec


def compress_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    max_error: float | None = None,
    relative: bool = True,
    psnr: float | None = None,
    snr: float | None = None,
    quality: float | None = None,
    lossless: bool = False,
    columns: Mapping[str, float | Bound] | None = None,
    codec: AnyCodec | None = None,
    overwrite: bool = False,
    block_bytes: int = BLOCK_BYTES,
    limits: Limits | None = None,
) -> Compressed:
    """Compresses a file into a .lat file, and checks by decoding that no bound is broken before it is there.

    What the file is, is told by its content: .npy, .npz, Zarr, NetCDF, CSV, Parquet, WAV, pictures (PNG, JPEG, WebP,
    BMP, TIFF); of any other, and of those in which something is that could get lost, every byte is kept. State one
    bound at most; without any, nothing is lost.

    Args:
        path: of the file, or the folder of a Zarr store; it is never touched.
        out: the .lat file; None appends .lat to the name.
        max_error: largest absolute error of any value; 0 is lossless.
        relative: whether max_error is in units of the range of each array, variable or column.
        psnr: least peak signal-to-noise ratio in dB: 10 log10(range^2 / mean squared error).
        snr: least signal-to-noise ratio in dB: 10 log10(mean square / mean squared error).
        quality: in [0, 1], for a relative bound of 10^(-1 - 4 quality); for pictures that of `ImageCodec`.
        lossless: whether nothing may be lost.
        columns: bounds of columns, variables or members by name, which replace the common one: a `Bound`, or a number
            that is read as max_error is, 0 for exact.
        codec: a fitted `ArrayCodec`, of which what it learned is used for arrays where that pays; its bound is not. The
            file holds it (`embed`) or refers to it, and `decompress_file` then needs the codec. An `ImageCodec` is used
            for pictures, a `LosslessImageCodec` for pictures of which nothing may be lost.
        overwrite: whether an output that is there may be replaced.
        block_bytes: of values that are coded at a time, at least 65,536; larger files never need more than a few blocks
            of memory.
        limits: under which the result must be readable; None takes those of `Limits`.

    Raises:
        FileNotFoundError: when the file is not there.
        FileExistsError: when the output is, and overwrite is not asked for.
        ValueError: for bounds that contradict each other or name what is not in the file.
        ImportError: naming the extra to install, when a format needs one.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> file = Path(tempfile.mkdtemp()) / "waves.npy"
        >>> np.save(file, np.sin(np.linspace(0, 9, 5000)).astype(np.float32))
        >>> done = compress_file(file, max_error=1e-3)
        >>> done.largest_error <= 2e-3, done.ratio > 4
        (True, True)
    """
    source = Path(os.path.abspath(path)) if Path(path).name in ("", "..") else Path(path)
    target = source.with_name(source.name + ".lat") if out is None else Path(out)
    bound = Bound.of(max_error=max_error, relative=relative, psnr=psnr, snr=snr, quality=quality, lossless=lossless)
    _check(codec, block_bytes)
    settings = Settings(bound, _bounds(columns, relative), codec, block_bytes, limits or Limits())
    check_output(source, target, overwrite)
    return _compressed(source, target, settings)


def _check(codec: AnyCodec | None, block_bytes: int) -> None:
    """Raises ValueError for settings that make no sense."""
    if not is_integer(block_bytes, low=1 << 16, high=1 << 30):
        raise ValueError(f"block_bytes must be an integer from 65,536 to {1 << 30:,}; got {block_bytes!r}")
    if codec is not None and not hasattr(codec, "archive_") and not hasattr(codec, "model_"):
        raise ValueError(
            "codec must be fitted: give ArrayCodec().fit(archive) or a fitted codec of pictures, or leave it out"
        )


def _compressed(source: Path, target: Path, settings: Settings) -> Compressed:
    """Compresses a file; one that is at the target stays until all is checked."""
    before, size = _state(source), tree_bytes(source)
    with replaced(target) as part:
        found, why, written, notes = _write_smaller(source, part, settings, size)
        if _state(source) != before:
            raise OSError(f"{source} was changed while it was read; compress it again")
    needed = None if settings.model else models_of(written.parts)
    notes += (*written.notes, *((f"decompressing it needs the model {needed}",) if needed else ()))
    return Compressed(
        source, target, written.kind or found.kind, why, size, target.stat().st_size, settings.bound, written.parts,
        notes, written.promise,
    )  # fmt: skip


def _write_smaller(
    source: Path, target: Path, settings: Settings, size: int
) -> tuple[Format, str, Written, tuple[str, ...]]:
    """Writes a file with the model that is to be in it, or without where that is smaller; see `_write_best`."""
    first = _write_best(source, target, settings, size)
    if settings.model is None:
        return first
    with_model = target.stat().st_size
    found, why, written, notes = _write_best(source, target, replace(settings, codec=None), size)
    if with_model < target.stat().st_size:
        return _write_best(source, target, settings, size)
    told = f"without what the codec learned: with it in the file it would have {with_model:,} bytes"
    return found, why, written, (*notes, told)


def _write_best(
    source: Path, target: Path, settings: Settings, size: int
) -> tuple[Format, str, Written, tuple[str, ...]]:
    """Writes a file by the first format that can keep everything, or byte by byte where that is smaller."""
    notes: tuple[str, ...] = ()
    for known, why in told(source):
        try:
            with replacing(target) as file:
                written = known.write(source, file, settings)
                _read_again(file, settings.limits)
        except Unfit as reason:
            notes += (f"kept byte by byte and not as {known.kind}: {reason}",)
            continue
        if target.stat().st_size < size or known.kind == "bytes" or not source.is_file():
            return known, why, written, notes
        notes += (f"kept byte by byte: as {known.kind} it would have been larger",)
    raise ValueError(f"{source} is a folder; compress takes files, and folders that are Zarr stores. {' '.join(notes)}")


def _read_again(file: BinaryIO, limits: Limits) -> None:
    """Raises CodecError when what is on the disk cannot be read under the limits, or is not what was written."""
    file.flush()
    with open(file.name, "rb") as written:
        reader = ContainerReader(written, limits)
        for section in reader:
            reader.read(section)


def _bounds(columns: Mapping[str, float | Bound] | None, relative: bool) -> dict[str, Bound]:
    """Returns the bounds by name."""
    given = dict(columns or {})
    return {
        name: value if isinstance(value, Bound) else Bound.of(max_error=value, relative=relative)
        for name, value in given.items()
    }


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Returns names, sizes and times of change of a file, or of all files in a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
