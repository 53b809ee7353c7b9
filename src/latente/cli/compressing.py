"""`latente compress` and `decompress`: files within a stated bound, and back; what `info` says of a .lat file."""

from __future__ import annotations

__all__ = ["compress", "decompress", "describe_lat", "is_lat"]

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli import compress_options, options
from latente.cli.printing import lines, show
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.codec import Compressed, Limits, Part
    from latente.codec.files.compressing import AnyCodec

EXACT = ("lossless", "every bit is kept")  # bounds that say so themselves
SHOWN = 30  # parts of a file that are listed


def compress(
    file: compress_options.File,
    output: compress_options.LatOutput = None,
    max_error: compress_options.MaxError = None,
    relative: compress_options.Relative = None,
    psnr: compress_options.Psnr = None,
    snr: compress_options.Snr = None,
    quality: compress_options.Quality = None,
    lossless: compress_options.Lossless = False,
    column: compress_options.Column = None,
    model: compress_options.Model = None,
    report: compress_options.Report = False,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Compress a file within a stated bound; what cannot be bounded is kept exactly."""
    from latente.codec import compress_file

    if relative is not None and max_error is None and not column:
        raise ValueError(f"--{'relative' if relative else 'absolute'} says how --max-error is meant; give that, too")
    target = file.with_name(file.name + ".lat") if output is None else output
    page = _page(target, force) if report else None
    codec = _codec(model)
    done = compress_file(
        file, target, max_error=max_error, relative=relative is not False, psnr=psnr, snr=snr, quality=quality,
        lossless=lossless, columns=_columns(column or ()), codec=codec, overwrite=force,
    )  # fmt: skip
    for text in done.notes:
        note(f"note: {text}")
    if page is not None:
        from latente.report import write_codec_report

        write_codec_report(done, page, codec)
    show(_record(done, page), _text(done, page), as_json)


def _page(target: Path, force: bool) -> Path:
    """Returns where the report goes."""
    page = target.with_name(target.name + ".html")
    if page.exists() and not force:
        raise FileExistsError(f"{page} exists; add --force to overwrite it, or choose another output")
    return page


def decompress(
    file: compress_options.LatFile,
    output: compress_options.Output = None,
    model: compress_options.ModelToo = None,
    max_bytes: compress_options.MaxBytes = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write what a .lat file was made from, exactly or within its bound."""
    from latente.codec import decompress_file

    done = decompress_file(file, output, overwrite=force, limits=_limits(max_bytes), codec=_codec(model))
    record = {
        "output": str(done.output), "kind": done.kind, "bytes": done.original_bytes, "exact": done.exact,
        "promise": done.promise, "notes": list(done.notes),
    }  # fmt: skip
    for text in done.notes:
        note(f"note: {text}")
    how = done.promise or ("exactly as it was" if done.exact else "within its bound")
    show(record, f"wrote {done.output}: {done.kind}, {done.original_bytes:,} bytes, {how}", as_json)


def is_lat(path: Path) -> bool:
    """Returns whether a path is a .lat file by its name or its first bytes."""
    from latente.codec.frames import MAGIC

    if path.suffix.lower() == ".lat" and not path.is_dir():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def describe_lat(path: Path, as_json: bool) -> None:
    """Says what a .lat file holds: `latente info FILE.lat`."""
    from latente.codec import describe_file

    found = describe_file(path)
    size = f"{found.compressed_bytes:,} bytes"
    if found.original_bytes is not None:
        size = f"{found.original_bytes:,} to {size}, {found.ratio:.2f} to 1"
    rows = {
        "file": f"{found.kind}, written by latente {found.writer}",
        "size": size,
        "bound": _bound(found.bound, found.exact),
        "model": found.model or "none",
        **_parts(found.parts),
    }
    record = asdict(found) | {"exact": found.exact, "source": str(found.source), "ratio": found.ratio}
    show(record, lines(rows), as_json)


def _columns(texts: Sequence[str]) -> dict[str, float]:
    """Returns bounds by name from NAME=E."""
    found = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise ValueError(f"--column must be NAME=E, e.g. temperature=0.01; got {text!r}")
    return found


def _codec(path: Path | None) -> AnyCodec | None:
    """Returns the fitted codec in a file."""
    if path is None:
        return None
    if not path.is_file():
        raise FileNotFoundError(f"no such model: {path}; give a file that the method save of a codec wrote")
    from latente.codec import ArrayCodec, ImageCodec, LosslessImageCodec

    kind = _kind(path)
    if kind == "image-codec":
        return ImageCodec.load(path)
    if kind == "lossless-image-codec":
        return LosslessImageCodec.load(path)
    if kind != "array-codec":
        raise ValueError(
            f"{path} is no fitted codec, or damaged; --model takes what save of ArrayCodec (arrays, tables), "
            "ImageCodec or LosslessImageCodec (pictures) wrote"
        )
    codec = ArrayCodec.load(path)
    if not hasattr(codec, "archive_"):
        raise ValueError(f"{path} holds a codec that learned nothing; fit it before you save it")
    return codec


def _kind(path: Path) -> str:
    """Returns the kind of a .lat file; empty where it is none."""
    from latente.codec import CodecError, ContainerReader

    try:
        with path.open("rb") as file:
            return ContainerReader(file).kind
    except CodecError:
        return ""


def _limits(max_bytes: int | None) -> Limits | None:
    from latente.codec import Limits

    return None if max_bytes is None else Limits(output_bytes=max_bytes)


def _record(done: Compressed, page: Path | None) -> dict[str, Any]:
    return {
        "output": str(done.output), "kind": done.kind, "why": done.why, "original_bytes": done.original_bytes,
        "compressed_bytes": done.compressed_bytes, "ratio": done.ratio, "bound": done.stated,
        "largest_error": done.largest_error, "exact": done.exact,
        "parts": [asdict(part) | {"ratio": part.ratio} for part in done.parts],
        "notes": list(done.notes), "report": None if page is None else str(page),
    }  # fmt: skip


def _text(done: Compressed, page: Path | None) -> str:
    rows = {
        "wrote": str(done.output),
        "file": f"{done.kind}: {done.why}",
        "size": f"{done.original_bytes:,} to {done.compressed_bytes:,} bytes, {done.ratio:.2f} to 1",
        "bound": _bound(done.stated, done.exact),
        **_parts(done.parts),
    }
    return lines(rows if page is None else rows | {"report": str(page)})


def _bound(stated: str, exact: bool) -> str:
    """Returns a bound in words, and that it cost nothing where that is so."""
    return f"{stated}; every bit comes back" if exact and not stated.startswith(EXACT) else stated


def _parts(parts: Sequence[Part]) -> dict[str, str]:
    """Returns lines on the parts of a file by their names."""
    found: dict[str, str] = {}
    for part in parts[:SHOWN]:
        error = "" if not part.largest_error else f", largest {part.largest_error:.6g}"
        error = ", came back exact" if part.exact and part.bound != "exact" else error
        text = f"{part.original_bytes:,} to {part.compressed_bytes:,} bytes; {part.bound}{error}; {part.method}"
        found[f"- {part.name}"] = text
    if len(parts) > SHOWN:
        found["..."] = f"and {len(parts) - SHOWN} more; --json lists them all"
    return found
