"""The sections of the report on a compressed picture."""

from __future__ import annotations

__all__ = ["image_sections"]

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latente.codec import ImageCodec, LosslessImageCodec
from latente.report.components import Cell, Row, figure, grid, section, table
from latente.report.html import Html, join, tag
from latente.report.image_peers import Coder, Point, coders, curve, equal, exact_sizes, mean_squared, point_of
from latente.report.svg import INK, MUTED, SERIES, axes, plot
from latente.report.words import count, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = NDArray[np.uint8]
LARGEST = 1024  # pixels a side that the curves see: the middle of larger pictures
CROP, ZOOM = 208, 4  # side of a crop in pixels of the page, and how much the near one is enlarged
GAIN = 4  # by which differences are shown


def image_sections(
    before: Picture, after: Picture, quality: float | None, codec: ImageCodec | LosslessImageCodec | None = None
) -> list[Html | None]:
    """Returns what a report shows of a picture: views; beside other formats rate and distortion, or sizes without loss.

    All formats, latente too, code the same pixels for it: the middle of large pictures.

    Args:
        before: the picture, (h, w) or (h, w, 3) bytes.
        after: what is decoded, of the same shape.
        quality: with which it was coded; None where nothing was lost.
        codec: that coded it; None for that of the package.
    """
    mse = mean_squared(before, after)
    part, share = _middle(before)
    if quality is None:
        return [_views(before, after, mse), _exactly(part, share, codec)]
    others, ours = coders(), _latente(codec)
    mine = point_of(ours, part, quality)
    return [
        _views(before, after, mse),
        _curves(part, mine, {"latente": ours, **others}),
        _beside(part, mine, others, share),
    ]


def _latente(codec: ImageCodec | LosslessImageCodec | None) -> Coder:
    """The codec as a function of a picture and a quality; no stream holds its model, as no other format's does."""
    own = ImageCodec()
    if isinstance(codec, ImageCodec) and hasattr(codec, "model_"):
        own.model_ = codec.model_

    def code(picture: Picture, quality: float) -> tuple[int, Picture]:
        stream = own.encode(picture, quality=quality)
        return len(stream), own.decode(stream)

    return code


def _middle(picture: Picture) -> tuple[Picture, float]:
    """The middle of a large picture, and which share of it that is."""
    h, w = (min(n, LARGEST) for n in picture.shape[:2])
    i, j = (picture.shape[0] - h) // 2, (picture.shape[1] - w) // 2
    return np.ascontiguousarray(picture[i : i + h, j : j + w]), h * w / (picture.shape[0] * picture.shape[1])


def _views(before: Picture, after: Picture, mse: float) -> Html:
    """Original, decoded and difference at the place of the middle and of the largest error, at 1:1 and enlarged."""
    is_tiny = max(before.shape[:2]) <= CROP // ZOOM
    places = {"all of it" if is_tiny else "the middle": _centre(before)}
    if mse and not is_tiny:
        places["the largest error"] = _worst(before, after)
    rows = []
    for zoom in (ZOOM,) if is_tiny else (1, ZOOM):
        for word, (i, j) in places.items():
            a, b = (_crop(x, i, j, CROP // zoom, zoom) for x in (before, after))
            gap = np.clip(128 + GAIN * (b.astype(np.int64) - a), 0, 255).astype(np.uint8)
            where = f"{word}, {CROP / min(CROP // zoom, before.shape[1]):.3g}:1"  # each is as wide on the page
            cells = [Cell(a, f"original, {where}", "original"), Cell(b, f"decoded, {where}", "decoded"),
                     Cell(gap, f"difference, {where}", f"difference x {GAIN}")]  # fmt: skip
            rows.append(Row(where, cells))
    psnr = Point(0, mse).psnr
    text = "The decoded picture is the original, bit for bit." if not mse else f"PSNR of the whole: {psnr:.2f} dB."
    return section("Before and after", figure(grid(rows, large=True), text, "Grey means no difference."), id_="views")


def _centre(picture: Picture) -> tuple[int, int]:
    return picture.shape[0] // 2, picture.shape[1] // 2


def _worst(before: Picture, after: Picture) -> tuple[int, int]:
    """The middle of the block of 16 x 16 pixels with the largest squared error."""
    places = np.arange(0, before.shape[1], 16)
    rows = []
    for top in range(0, len(before), 16):
        a, b = before[top : top + 16].astype(np.int32), after[top : top + 16]
        error = np.square(a - b).reshape(len(a), before.shape[1], -1).sum((0, 2), dtype=np.int64)
        rows.append(np.add.reduceat(error, places))
    sums = np.stack(rows)
    i, j = np.unravel_index(int(sums.argmax()), sums.shape)
    return 16 * int(i) + 8, 16 * int(j) + 8


def _crop(picture: Picture, i: int, j: int, side: int, zoom: int) -> Picture:
    top, left = (max(0, min(at - side // 2, n - side)) for at, n in zip((i, j), picture.shape[:2], strict=True))
    part = picture[top : top + side, left : left + side]
    return np.ascontiguousarray(part.repeat(zoom, 0).repeat(zoom, 1))


def _curves(picture: Picture, mine: Point, all_: Mapping[str, Coder]) -> Html:
    """PSNR over bits a pixel."""
    pixels = picture.shape[0] * picture.shape[1]
    found = {name: curve(coder, picture) for name, coder in all_.items()}

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="bits a pixel", ylabel="PSNR (dB)")
        for i, (name, points) in enumerate(found.items()):
            known = [(8 * p.bytes / pixels, p.psnr) for p in points if p.mse]
            ax.plot(*zip(*known, strict=True), color=SERIES[i], lw=2 if i == 0 else 1.2, marker="o", ms=3, label=name)
        if mine.mse:
            ax.plot([8 * mine.bytes / pixels], [mine.psnr], color=INK, marker="D", ms=6, ls="")
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(lambda value, _: "")
        ax.legend(frameon=False, labelcolor=MUTED)

    drawing = plot(draw, (4.8, 3.6), "rate-distortion curves of this picture", "curve")
    text = "Higher and further left is better." + (" The diamond is at the quality of this file." if mine.mse else "")
    return section("Rate and distortion", figure(drawing, text), id_="curve")


def _beside(picture: Picture, mine: Point, others: Mapping[str, Coder], share: float) -> Html | None:
    """Sizes at this file's error."""
    if not mine.mse:
        return None
    found = {"latente": mine, **{name: equal(coder, picture, mine.mse) for name, coder in others.items()}}
    known: Sequence[tuple[str, Point]] = [(name, point) for name, point in found.items() if point is not None]
    known = sorted(known, key=lambda item: item[1].bytes)
    rows = [[name, count(p.bytes), number(p.bytes / mine.bytes), f"{p.psnr:.2f}"] for name, p in known]
    emphasised = [next(i for i, (name, _) in enumerate(known) if name == "latente")]
    texts = ["latente at this file's quality, each other format at the coarsest setting that is at least as near."]
    texts.append(_same_pixels(share) + _missing(others))
    texts += [f"{name} does not get there." for name, point in found.items() if point is None]
    head = ["format", "bytes", "over latente's", "PSNR (dB)"]
    body = join([tag("p", text) for text in texts])
    return section("At equal quality", table(head, rows, emphasised=emphasised), body, id_="others")


def _same_pixels(share: float) -> str:
    """What all formats coded."""
    where = f"the middle of the picture ({100 * share:.0f}% of it)" if share < 1 else "all of the picture"
    return f"Each coded the same, {where}, without metadata and transparency; bytes of the whole stream."


def _missing(found: Mapping[str, object]) -> str:
    """What to install for the format that is not there."""
    return "" if "JPEG XL" in found else " JPEG XL appears here once imagecodecs is installed."


def _exactly(picture: Picture, share: float, codec: ImageCodec | LosslessImageCodec | None) -> Html:
    """Sizes without a loss."""
    own = codec if isinstance(codec, LosslessImageCodec) else LosslessImageCodec()
    found = {"latente": len(own.encode(picture)), **exact_sizes(picture)}
    pixels = picture.shape[0] * picture.shape[1]
    known = sorted(found.items(), key=lambda item: item[1])
    rows = [[name, count(size), number(size / found["latente"]), f"{8 * size / pixels:.2f}"] for name, size in known]
    emphasised = [next(i for i, (name, _) in enumerate(known) if name == "latente")]
    head = ["format", "bytes", "over latente's", "bits a pixel"]
    body = tag("p", f"Every pixel comes back from each. {_same_pixels(share)}{_missing(found)}")
    return section("Without a loss", table(head, rows, emphasised=emphasised), body, id_="others")
