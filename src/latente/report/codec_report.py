"""The report on a compressed file."""

from __future__ import annotations

__all__ = ["write_codec_report"]

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec import Compressed, ImageCodec, Part, decompress_file
from latente.codec.files.decompressing import part_values
from latente.files import write_atomically
from latente.report.codec_peers import Size, peers, sizes_at
from latente.report.components import Cell, Row, figure, grid, section, table, tiles
from latente.report.html import Html, join, tag
from latente.report.image_report import image_sections
from latente.report.page import page
from latente.report.svg import INK, MUTED, SERIES, axes, plot
from latente.report.words import count, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from latente.codec.files.compressing import AnyCodec

Array = NDArray[Any]
RELATIVE = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5)  # bounds of the curve
MOST = 1 << 21  # values that the curve and the other compressors see
SLICES, STEPS, BINS = 3, 600, 61
SMALLEST = 256  # values below which a curve says nothing


@dataclass(frozen=True)
class Pair:
    """The values of a part before and after, of one shape, with the part itself."""

    part: Part
    before: Array
    after: Array

    @property
    def span(self) -> float:
        """The largest finite value less the smallest."""
        finite = self.before[np.isfinite(self.before)]
        return float(finite.max()) - float(finite.min()) if finite.size else 0.0

    def differences(self) -> NDArray[np.float64]:
        """Returns after less before, of finite values; of large integers without rounding these first."""
        if self.before.dtype.kind in "iu":
            return (self.after.astype(np.int64) - self.before.astype(np.int64)).astype(np.float64)
        finite = np.isfinite(self.before)
        return self.after[finite].astype(np.float64) - self.before[finite].astype(np.float64)


def write_codec_report(done: Compressed, path: str | Path, codec: AnyCodec | None = None) -> Path:
    """Writes one self-contained HTML file on a compressed file.

    It shows sizes, how each part was coded, the rate-distortion curve, the errors against the bound, slices of the
    original, of what is decoded and of the difference, and the sizes that SZ3, ZFP, SPERR (with imagecodecs) and zstd
    need at the same bound. Of a picture it shows crops at 1:1 and 4:1, and the curves and sizes of JPEG, WebP, AVIF
    (where Pillow has it) and JPEG XL (with imagecodecs); where nothing was lost, the sizes of PNG, WebP and JPEG XL.

    Args:
        done: what `compress_file` returned; source and output must still be there.
        path: of the report.
        codec: with which the file was compressed, where that refers to what it learned.

    Raises:
        FileNotFoundError: when the source or the output is no longer there.
        CodecError: when the output was altered, or needs a codec that is not given.

    Example:
        >>> from latente.codec import compress_file
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "x.npy", np.sin(np.linspace(0, 9, 3000)).reshape(50, 60))
        >>> done = compress_file(folder / "x.npy", max_error=1e-2)
        >>> write_codec_report(done, folder / "report.html").name
        'report.html'
    """
    pair = _pair(done, codec)
    sections: list[Html | None] = [_summary(done), _parts(done)]
    if pair is not None and done.kind in ("image", "image-lossless"):
        sections += image_sections(pair.before, pair.after, _quality(done), codec)
    else:
        sections += _array_sections(pair)
    lead = f"{done.source.name}, compressed as {done.kind}: {done.why}."
    file = Path(path)
    write_atomically(file, page("Compression: report", lead, *sections).encode())
    return file


def _quality(done: Compressed) -> float | None:
    """Returns the quality of a picture's file; None where nothing was lost."""
    return ImageCodec.info(done.output.read_bytes()).quality if done.kind == "image" else None


def _array_sections(pair: Pair | None) -> list[Html | None]:
    """What is said of numbers: curve, errors, views, other compressors."""
    error = 0.0 if pair is None else _error(pair)
    compared = None if pair is None or pair.before.size < SMALLEST else _crop(pair.before)
    sizes = [] if compared is None else sizes_at(compared, error)
    return [
        None if compared is None or pair is None else _curve(compared, sizes, _name(pair, error)),
        None if pair is None or not error else _histogram(pair, error),
        None if pair is None else _views(pair),
        None if compared is None or pair is None else _others(sizes, error, compared, _name(pair, error)),
    ]


def _pair(done: Compressed, codec: AnyCodec | None) -> Pair | None:
    """Returns the part that is looked at, the largest one with a bound, else the largest of numbers; None for none."""
    with tempfile.TemporaryDirectory() as folder:
        again = decompress_file(done.output, Path(folder) / f"again{done.source.suffix}", codec=codec).output
        order = sorted(done.parts, key=lambda part: (part.bound != "exact", part.original_bytes), reverse=True)
        for part in order[:5]:
            if done.kind in ("bytes", "array") or part.name == "other files":
                continue
            before = part_values(done.source, done.kind, part.name)
            after = part_values(again, done.kind, part.name)
            if before is not None and after is not None and before.size and before.dtype.kind in "iuf":
                return Pair(part, np.array(before), np.array(after))
    return None


def _error(pair: Pair) -> float:
    """Returns the absolute error that the part may have; for a mean squared one, the largest that there is."""
    if _bounds_each(pair):
        return float(pair.part.bound.rpartition(" ")[2])
    return float(np.abs(pair.differences()).max(initial=0.0))


def _bounds_each(pair: Pair) -> bool:
    """Returns whether the part's bound is one of every error, not of their mean square."""
    return pair.part.bound.startswith("error of at most")


def _name(pair: Pair, error: float) -> str:
    """Returns what the error of `_error` is, with the error."""
    return f"{'bound' if _bounds_each(pair) or not error else 'largest error'}, {number(error)}"


def _crop(values: Array) -> Array:
    """Returns finite values, few enough; what is not finite is replaced by the mean, since others take no NaN."""
    if values.size > MOST:
        values = values[: max(MOST // max(math.prod(values.shape[1:]), 1), 1)]
        values = values.reshape(-1)[:MOST] if values.size > MOST else values
    finite = np.isfinite(values)
    if finite.all():
        return np.ascontiguousarray(values)
    middle = values[finite].mean() if finite.any() else 0
    return np.ascontiguousarray(np.where(finite, values, middle).astype(values.dtype))


def _summary(done: Compressed) -> Html:
    errors = [part for part in done.parts if part.largest_error]
    worst = max(errors, key=lambda part: part.largest_error or 0.0, default=None)
    seen = "nothing was lost" if worst is None else f"in {worst.name}; allowed: {worst.bound}"
    stated = done.parts[0].bound if done.kind == "image" and done.parts else done.stated
    notes = [tag("p", f"{note[0].upper()}{note[1:]}.") for note in done.notes]
    return section(
        "Summary",
        tiles(
            [
                (
                    "ratio",
                    f"{done.ratio:.2f} to 1",
                    f"{count(done.original_bytes)} to {count(done.compressed_bytes)} bytes",
                ),
                ("allowed", "nothing lost" if done.bound.lossless else number(done.bound.value), stated),
                ("largest error", number(done.largest_error), seen),
            ]
        ),
        *notes,
        id_="summary",
    )


def _parts(done: Compressed) -> Html:
    rows = [
        [part.name, count(part.original_bytes), count(part.compressed_bytes), f"{part.ratio:.2f}", part.bound,
         "" if part.largest_error is None else number(part.largest_error), part.method]
        for part in done.parts[:100]
    ]  # fmt: skip
    head = ["part", "bytes before", "after", "ratio", "allowed", "largest error", "how, and why"]
    more = len(done.parts) - len(rows)
    note = tag("p", f"{more} further parts are not listed.") if more > 0 else None
    return section("Parts", table(head, rows, prose=True), note, id_="parts")


def _curve(values: Array, sizes: Sequence[Size], name: str) -> Html | None:
    """Bits for each value against the peak signal-to-noise ratio, at several bounds."""
    span = float(values.max()) - float(values.min())
    if not span > 0 or not math.isfinite(span):
        return None
    points: dict[str, list[tuple[float, float]]] = {}
    for share in RELATIVE:
        for size in sizes_at(values, share * span, exact=False):
            if size.mse > 0:
                point = (8 * size.bytes / values.size, 10 * math.log10(span * span / size.mse))
                points.setdefault(size.name, []).append(point)
    at = [(8 * size.bytes / values.size, size.mse) for size in sizes if size.name == "latente" and size.mse > 0]

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="bits for each value", ylabel="PSNR (dB)")
        for i, (name, curve) in enumerate(points.items()):
            x, y = zip(*sorted(curve), strict=True)
            ax.plot(x, y, color=SERIES[i], lw=2 if i == 0 else 1.2, marker="o", ms=3, label=name)
        for rate, mse in at:
            ax.plot([rate], [10 * math.log10(span * span / mse)], color=INK, marker="D", ms=6, ls="")
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(lambda value, _: "")
        ax.legend(frameon=False, labelcolor=MUTED)

    drawing = plot(draw, (4.6, 3.4), "rate-distortion curves", "curve")
    marked = f" The diamond is an array that is bounded by this file's {name}." if at else ""
    text = f"Higher and further left is better. Bounds from {RELATIVE[0]:g} to {RELATIVE[-1]:g} of the range.{marked}"
    return section("Rate and distortion", figure(drawing, text), id_="curve")


def _histogram(pair: Pair, error: float) -> Html:
    share = pair.differences() / error
    outside = int((np.abs(share) > 1 + 1e-12).sum())
    each = _bounds_each(pair)

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel=f"error in units of the {'bound' if each else 'largest'}", ylabel="values")
        ax.hist(np.clip(share, -1.2, 1.2), bins=np.linspace(-1.2, 1.2, BINS).tolist(), color=SERIES[0])
        for side in (-1, 1):
            ax.axvline(side, color=INK, lw=1.5, ls="--")

    held = "No value is outside of it." if not outside else f"{count(outside)} values are outside of it."
    held = held if each else f"Single errors have no bound: allowed is a {pair.part.bound}."
    drawing = plot(draw, (4.6, 3.0), "histogram of the errors between the bounds", "errors")
    rms = float(np.sqrt(np.square(share).mean()))
    mean = f"The mean error is {number(float(share.mean()))}, the root mean square {number(rms)} of it."
    text = f"The dashed lines are at the {_name(pair, error)}, of {pair.part.name}. {held}"
    return section("Errors", figure(drawing, text, mean), id_="errors")


def _views(pair: Pair) -> Html:
    """Slices of arrays of two and more axes, a stretch of others."""
    long = pair.before.ndim >= 2 and min(pair.before.shape[-2:]) >= 8
    return section("Before and after", _slices(pair) if long else _stretch(pair), id_="views")


def _slices(pair: Pair) -> Html:
    planes = [array.reshape(-1, *array.shape[-2:]) for array in (pair.before, pair.after)]
    places = np.linspace(0, len(planes[0]) - 1, min(SLICES, len(planes[0]))).astype(int).tolist()
    before, after = ([array[i].astype(np.float64) for i in places] for array in planes)
    finite = np.concatenate([plane[np.isfinite(plane)] for plane in before])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    differences = [b - a for a, b in zip(before, after, strict=True)]
    top = max((float(np.nanmax(np.abs(d), initial=0.0)) for d in map(_finite, differences)), default=0.0) or 1.0
    names = [f"slice {i}" for i in places]
    rows = [
        Row("original", [Cell(_grey(p, low, high), f"original, {n}", n) for p, n in zip(before, names, strict=True)]),
        Row("decoded", [Cell(_grey(p, low, high), f"decoded, {n}") for p, n in zip(after, names, strict=True)]),
        Row("difference", [Cell(_signed(p, top), f"difference, {n}") for p, n in zip(differences, names, strict=True)]),
    ]
    text = f"{pair.part.name}, last two axes. Black is {number(low)}, white {number(high)}."
    return figure(grid(rows), text, f"In the differences blue is {number(-top)} and red {number(top)}.")


def _stretch(pair: Pair) -> Html:
    """The stretch around the largest error."""
    before, after = pair.before.reshape(len(pair.before), -1)[:, 0], pair.after.reshape(len(pair.after), -1)[:, 0]
    worst = int(np.argmax(np.abs(np.nan_to_num(after.astype(np.float64) - before.astype(np.float64)))))
    start = max(0, min(worst - STEPS // 2, len(before) - STEPS))
    part = slice(start, start + STEPS)
    steps = np.arange(start, start + len(before[part]))

    def draw(fig: Figure) -> None:
        ax = axes(fig, 2, 1, 1, ylabel="values")
        ax.plot(steps, before[part], color=MUTED, lw=2, label="original")
        ax.plot(steps, after[part], color=SERIES[0], lw=1, label="decoded")
        ax.legend(frameon=False, labelcolor=MUTED)
        below = axes(fig, 2, 1, 2, ylabel="difference", xlabel="place")
        below.plot(steps, after[part].astype(np.float64) - before[part].astype(np.float64), color=SERIES[0], lw=1)

    drawing = plot(draw, (6.4, 4.0), "a stretch of the values before and after", "stretch")
    return figure(drawing, f"{pair.part.name} around its largest error.")


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)


def _grey(values: Array, low: float, high: float) -> NDArray[np.uint8]:
    share = np.clip((_finite(values) - low) / ((high - low) or 1.0), 0, 1)
    return _zoomed(np.rint(255 * share).astype(np.uint8))


def _signed(values: Array, top: float) -> NDArray[np.uint8]:
    """Returns blue for negative, white for zero, red for positive values."""
    share = np.clip(_finite(values) / top, -1, 1)
    red, blue = 1 - np.clip(-share, 0, 1), 1 - np.clip(share, 0, 1)
    return _zoomed(np.rint(255 * np.stack([red, np.minimum(red, blue), blue], -1)).astype(np.uint8))


def _zoomed(pixels: NDArray[np.uint8], side: int = 220) -> NDArray[np.uint8]:
    """Returns a picture whose longer side is near to `side` pixels, by whole factors."""
    longest = max(pixels.shape[:2])
    if longest > side:
        step = -(-longest // side)
        return np.ascontiguousarray(pixels[::step, ::step])
    factor = max(side // longest, 1)
    return pixels.repeat(factor, 0).repeat(factor, 1)


def _others(sizes: Sequence[Size], error: float, values: Array, name: str) -> Html:
    raw = values.nbytes
    rows = [
        [size.name, count(size.bytes), f"{raw / size.bytes:.2f}", number(size.largest),
         "yes" if size.held else f"no: {size.largest / error:.4f} of it" if error else "no"]
        for size in sorted(sizes, key=lambda size: size.bytes)
    ]  # fmt: skip
    missing = (
        [] if peers() else ["SZ3, ZFP and SPERR appear here once imagecodecs is installed: pip install imagecodecs."]
    )
    mine = next(i for i, row in enumerate(rows) if row[0] == "latente")
    text = f"The same {count(values.size)} values, every error within the {name}; streams alone, without the file."
    text += " What a fitted codec learned is not used here."
    head = ["compressor", "bytes", "ratio", "largest error", "bound kept"]
    return section(
        "Beside others",
        table(head, rows, emphasised=[mine]),
        join([tag("p", sentence) for sentence in [text, *missing]]),
        id_="others",
    )
