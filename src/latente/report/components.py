"""The pieces that pages are made of."""

from __future__ import annotations

__all__ = ["Cell", "Row", "details", "figure", "findings_list", "grid", "picture", "section", "table", "tiles"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics import Finding
from latente.report.html import Html, join, tag
from latente.report.pictures import data_uri

SIGNS = {"warning": "!", "note": "i", "good": "✓"}


def section(title: str, *children: object, id_: str, level: int = 2) -> Html:
    """Returns a section with its heading.

    Args:
        title: the heading.
        children: what it holds; None is left out.
        id_: unique in the page, for links.
        level: 2 for a chapter, 3 inside one.
    """
    return tag("section", tag(f"h{level}", title), *children, id=id_)


def figure(content: object, *sentences: str, wide: bool = False, beside: bool = False) -> Html:
    """Returns a figure and, under it, what it shows.

    Args:
        content: markup.
        sentences: plain sentences with the numbers.
        wide: whether what is too wide for the page scrolls inside the figure.
        beside: whether the sentences stand beside the figure where there is room.
    """
    body = tag("div", content, class_="scroll", tabindex=0) if wide else content
    caption = tag("figcaption", " ".join(sentence for sentence in sentences if sentence))
    return tag("figure", body, caption, class_="beside" if beside else None)


def table(
    head: Sequence[object],
    rows: Sequence[Sequence[object]],
    *,
    caption: str = "",
    emphasised: Sequence[int] = (),
    prose: bool = False,
) -> Html:
    """Returns a table whose first column names the rows; it scrolls inside itself where the page is narrow.

    Args:
        head: names of the columns.
        rows: cells; text or markup.
        caption: what the table holds.
        emphasised: indices of rows that stand out.
        prose: whether cells hold words, not numbers.
    """
    top = tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head)))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]),
            class_="strong" if i in emphasised else None)
        for i, row in enumerate(rows)
    ]  # fmt: skip
    named = tag("caption", tag("span", caption)) if caption else None
    whole = tag("table", named, top, tag("tbody", *body), class_="prose" if prose else None)
    return tag("div", whole, class_="scroll", tabindex=0)


def tiles(items: Sequence[tuple[str, str, str]]) -> Html:
    """Returns large numbers, each with its name and a remark.

    Args:
        items: name, number, remark.
    """
    cells = [
        tag("div", tag("dt", name), tag("dd", tag("strong", value), tag("span", remark)))
        for name, value, remark in items
    ]
    return tag("dl", *cells, class_="tiles")


def details(summary: str, *children: object) -> Html:
    """Returns something that opens on a click (and is open in print, where the browser can)."""
    return tag("details", tag("summary", summary), *children)


def findings_list(findings: Sequence[Finding]) -> Html:
    """Returns the findings, each with its severity in words and as a sign."""
    items = [
        tag("li", tag("span", SIGNS[f.severity], class_="sign", aria_hidden="true"),
            tag("p", tag("strong", f"{f.name[0].upper()}{f.name[1:]}"), f" ({f.severity}). ", f.message, " ", f.advice),
            class_=f.severity)
        for f in findings
    ]  # fmt: skip
    return tag("ul", *items, class_="findings") if items else tag("p", "Nothing stood out.")


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a grid.

    Attributes:
        pixels: (height, width[, 3]) bytes.
        alt: what it shows.
        caption: a number or a word under it; empty for none.
    """

    pixels: NDArray[np.uint8]
    alt: str
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a grid: its name and its pictures."""

    name: str
    cells: Sequence[Cell]


def grid(rows: Sequence[Row], *, large: bool = False) -> Html:
    """Returns pictures in rows; the names stand at the left, and above their rows where the page is narrow.

    Args:
        rows: all with as many cells.
        large: whether pictures are shown at up to 208 pixels instead of 84.
    """
    columns = max(len(row.cells) for row in rows)
    parts = []
    for row in rows:
        parts.append(tag("div", row.name, class_="name"))
        parts += [tag("div", picture(cell.pixels, cell.alt), tag("span", cell.caption) if cell.caption else None,
                      class_="cell") for cell in row.cells]  # fmt: skip
        parts += [tag("div", class_="cell") for _ in range(columns - len(row.cells))]
    return tag("div", *parts, class_="grid large" if large else "grid", style=f"--columns:{columns}")


def picture(pixels: NDArray[np.uint8], alt: str) -> Html:
    """Returns an <img> whose PNG is in the page.

    Args:
        pixels: (height, width[, 3 or 4]) bytes.
        alt: what it shows.
    """
    height, width = pixels.shape[:2]
    return tag("img", src=data_uri(pixels), alt=alt, width=width, height=height)


def paragraphs(*texts: str) -> Html:
    """Returns each text as a paragraph."""
    return join(tag("p", text) for text in texts)
