"""`latente compress` and `decompress`: files within a stated bound, and back; what `info` says of a .lat file."""

from __future__ import annotations

__all__ = ["compress", "decompress", "describe_lat", "is_lat"]

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latente.cli import options
from latente.cli.printing import lines, show
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.codec import ArrayCodec, Compressed, ImageCodec, Limits, Part

SHOWN = 30  # parts of a file that are listed
BOUND = "How much may be lost"


def compress(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Any file; the folder of a Zarr store.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT.lat", help="Where it goes.", show_default="FILE.lat"),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option("--max-error", metavar="E", help="Largest error of any number.", rich_help_panel=BOUND),
    ] = None,
    relative: Annotated[
        bool | None,
        typer.Option(
            "--relative/--absolute",
            help="Whether E is in units of the range (largest less smallest value) of each array or column.",
            show_default="relative",
            rich_help_panel=BOUND,
        ),
    ] = None,
    psnr: Annotated[
        float | None,
        typer.Option("--psnr", metavar="DB", help="Least peak signal-to-noise ratio.", rich_help_panel=BOUND),
    ] = None,
    snr: Annotated[
        float | None,
        typer.Option("--snr", metavar="DB", help="Least signal-to-noise ratio; for sound.", rich_help_panel=BOUND),
    ] = None,
    quality: Annotated[
        float | None,
        typer.Option(
            "--quality",
            metavar="0..1",
            help="For pictures; else a relative E of 10^(-1 - 4 quality).",
            rich_help_panel=BOUND,
        ),
    ] = None,
    lossless: Annotated[
        bool, typer.Option("--lossless", help="Nothing; so it is without any bound.", rich_help_panel=BOUND)
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME=E",
            help="Another E for a column, a variable or a member; 0 keeps it exactly. May be given again.",
            rich_help_panel=BOUND,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="MODEL", help="What ArrayCodec.fit or ImageCodec.fit learned, saved."),
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Also write OUT.html: curves, errors, sizes of others.")] = (
        False
    ),
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Compress a file within a stated bound; what cannot be bounded is kept exactly."""
    from latente.codec import compress_file

    if relative is not None and max_error is None and not column:
        raise ValueError(f"--{'relative' if relative else 'absolute'} says how --max-error is meant; give that, too")
    target = file.with_name(file.name + ".lat") if output is None else output
    page = target.with_name(target.name + ".html")
    if report and page.exists() and not force:
        raise FileExistsError(f"{page} exists; add --force to overwrite it, or choose another output")
    done = compress_file(
        file, target, max_error=max_error, relative=relative is not False, psnr=psnr, snr=snr, quality=quality,
        lossless=lossless, columns=_columns(column or ()), codec=_codec(model), overwrite=force,
    )  # fmt: skip
    for text in done.notes:
        note(f"note: {text}")
    if report:
        from latente.report import write_codec_report

        write_codec_report(done, page)
    show(_record(done, page if report else None), _text(done, page if report else None), as_json)


def decompress(
    file: Annotated[Path, typer.Argument(metavar="FILE.lat", help="What compress wrote.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="Where it goes.", show_default="FILE"),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="MODEL", help="What compress was given, if it is not in the file."),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", help="The most that the result may take.", min=1, show_default="256 GiB"),
    ] = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write what a .lat file was made from, exactly or within its bound."""
    from latente.codec import decompress_file

    done = decompress_file(file, output, overwrite=force, limits=_limits(max_bytes), codec=_codec(model))
    record = {"output": str(done.output), "kind": done.kind, "bytes": done.original_bytes, "exact": done.exact}
    how = "exactly as it was" if done.exact else "within its bound"
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
        "bound": found.bound,
        "model": found.model or "none",
        **_parts(found.parts),
    }
    record = asdict(found) | {"source": str(found.source), "ratio": found.ratio}
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


def _codec(path: Path | None) -> ArrayCodec | ImageCodec | None:
    """Returns the fitted codec in a file."""
    from latente.codec import ArrayCodec, ContainerReader, ImageCodec

    if path is None:
        return None
    if not path.is_file():
        raise FileNotFoundError(f"no such model: {path}; give a file that ArrayCodec.save or ImageCodec.save wrote")
    with path.open("rb") as file:
        kind = ContainerReader(file).kind
    return ImageCodec.load(path) if kind == "image-codec" else ArrayCodec.load(path)


def _limits(max_bytes: int | None) -> Limits | None:
    from latente.codec import Limits

    return None if max_bytes is None else Limits(output_bytes=max_bytes)


def _record(done: Compressed, page: Path | None) -> dict[str, Any]:
    return {
        "output": str(done.output), "kind": done.kind, "why": done.why, "original_bytes": done.original_bytes,
        "compressed_bytes": done.compressed_bytes, "ratio": done.ratio, "bound": str(done.bound),
        "largest_error": done.largest_error, "parts": [asdict(part) | {"ratio": part.ratio} for part in done.parts],
        "notes": list(done.notes), "report": None if page is None else str(page),
    }  # fmt: skip


def _text(done: Compressed, page: Path | None) -> str:
    rows = {
        "wrote": str(done.output),
        "file": f"{done.kind}: {done.why}",
        "size": f"{done.original_bytes:,} to {done.compressed_bytes:,} bytes, {done.ratio:.2f} to 1",
        "bound": str(done.bound),
        **_parts(done.parts),
    }
    return lines(rows if page is None else rows | {"report": str(page)})


def _parts(parts: Sequence[Part]) -> dict[str, str]:
    """Returns lines on the parts of a file by their names."""
    found: dict[str, str] = {}
    for part in parts[:SHOWN]:
        error = "" if not part.largest_error else f", largest {part.largest_error:.6g}"
        text = f"{part.original_bytes:,} to {part.compressed_bytes:,} bytes; {part.bound}{error}; {part.method}"
        found[f"- {part.name}"] = text
    if len(parts) > SHOWN:
        found["..."] = f"and {len(parts) - SHOWN} more; --json lists them all"
    return found
