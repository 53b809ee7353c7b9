"""Strips of decoded ways and of decoded draws, as PNG files in docs/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

DOCS = Path(__file__).parents[2] / "docs"
MARGIN, LINE, SCALE = 90, 30, 2
TITLES = {"normal": "draws of N(0, I)", "gaussian": "fitted Gaussian", "mixture": "mixture of 32"}


def write_pictures(folder: Path, names: list[str]) -> None:
    """Writes docs/latent-space-ways-k*.png and docs/latent-space-draws-k*.png from what the rows kept.

    Args:
        folder: of the .npz files.
        names: of the rows, e.g. "plain-k8".
    """
    for k in ("2", "8"):
        rows = {name.split("-k")[0]: np.load(folder / f"{name}.npz") for name in names if name.endswith(f"-k{k}")}
        if rows:
            _ways(rows).save(DOCS / f"latent-space-ways-k{k}.png", optimize=True)
            _draws(rows).save(DOCS / f"latent-space-draws-k{k}.png", optimize=True)


def _ways(rows: dict[str, np.lib.npyio.NpzFile]) -> Image.Image:
    lines = [(kind, [(*row["ways"][0], None, *row["ways"][1])][0]) for kind, row in rows.items()]
    return _sheet(lines, [])


def _draws(rows: dict[str, np.lib.npyio.NpzFile]) -> Image.Image:
    lines = []
    for kind, row in rows.items():
        pictures: list[np.ndarray | None] = []
        for key in TITLES:
            pictures += [*(255 * row[key].clip(0, 1)).round().astype(np.uint8)[:7], None]
        lines.append((kind, pictures[:-1]))
    return _sheet(lines, list(TITLES.values()))


def _sheet(lines: list[tuple[str, list[np.ndarray | None]]], titles: list[str]) -> Image.Image:
    """Returns rows of pictures (28, 28) with their names at the left; None leaves half a picture free."""
    top = 16 if titles else 0
    widths = [sum(LINE if p is not None else LINE // 2 for p in pictures) for _, pictures in lines]
    sheet = Image.new("L", (SCALE * (MARGIN // 2 + max(widths)), SCALE * (top // 2 + LINE * len(lines)) + top), 255)
    pen = ImageDraw.Draw(sheet)
    for i, title in enumerate(titles):
        pen.text((SCALE * (MARGIN // 2 + i * (7 * LINE + LINE // 2)), 2), title, fill=0)
    for j, (name, pictures) in enumerate(lines):
        y, x = SCALE * (top + LINE * j) if not titles else SCALE * (top // 2 + LINE * j) + 8, SCALE * MARGIN // 2
        pen.text((2, y + LINE - 6), name, fill=0)
        for picture in pictures:
            if picture is not None:
                sheet.paste(Image.fromarray(picture).resize((28 * SCALE, 28 * SCALE), Image.Resampling.NEAREST), (x, y))
            x += SCALE * (LINE if picture is not None else LINE // 2)
    return sheet
