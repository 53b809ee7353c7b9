"""matplotlib figures as inline SVG whose colours follow the page, light or dark."""

from __future__ import annotations

__all__ = ["GRID", "INK", "MUTED", "SERIES", "SURFACE", "axes", "plain", "plot"]

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from latente.report.html import Html, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A figure is drawn in stand-ins, one for each of the page's colours, which `to_svg` replaces by CSS variables.
INK, MUTED, GRID, SURFACE = "#010203", "#010204", "#010205", "#010206"
SERIES = tuple(f"#0102{16 + i:02x}" for i in range(12))
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", SURFACE: "--surface"} | {
    colour: f"--c{i}" for i, colour in enumerate(SERIES)
}
SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "latente",  # equal figures are equal files
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10,
    "text.parse_math": False,  # names of columns and labels are no formulas
    "path.simplify": False,
}
LONGEST = 24  # characters of a name in a figure


def plot(draw: Callable[[Figure], None], size: tuple[float, float], alt: str, prefix: str) -> Html:
    """Returns a drawing as an inline <svg> that fills its place.

    Args:
        draw: draws on an empty figure, in the colours of this module.
        size: width and height in inches; a width of 4.6 fits a phone.
        alt: what is to be seen, for those who cannot see it.
        prefix: for the ids inside, unique in the page.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")  # pyplot and its global state are not involved
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    view = re.search(r'viewBox="([^"]+)"', drawing)
    inner = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    return tag(
        "svg", Html(_tidy(inner, prefix)), xmlns="http://www.w3.org/2000/svg", viewBox=view[1] if view else None,
        role="img", aria_label=alt, class_="plot", style=f"max-width:{112 * size[0]:.0f}px",
    )  # fmt: skip


def axes(figure: Figure, *place: int, **settings: Any) -> Axes:
    """Adds axes in the page's colours: a grid, no box.

    Args:
        figure: where.
        place: rows, columns and index, as `add_subplot` takes them; none for a single one.
        settings: for `Axes.set`: xlabel, ylabel, title, ...
    """
    ax = figure.add_subplot(*place)
    ax.patch.set_alpha(0)
    ax.set(**settings)
    ax.set_axisbelow(True)
    ax.grid(color=GRID, linewidth=0.8)
    ax.tick_params(colors=MUTED, labelcolor=MUTED, length=0)
    for name, spine in ax.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(GRID)
    for label in (ax.xaxis.label, ax.yaxis.label, ax.title):
        label.set_color(INK)
    return ax


def plain(name: object) -> str:
    """Returns a name as a figure can show it: one line, not too long."""
    line = " ".join("".join(c if ord(c) >= 32 else " " for c in str(name)).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _tidy(inner: str, prefix: str) -> str:
    """Colours become variables, numbers short, ids unique; fonts, styles and ids that nothing refers to go."""
    for colour, variable in VARIABLES.items():
        inner = inner.replace(colour, f"var({variable})")
    inner = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"font-family: [^;\"]+;? ?", "", inner)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inner))
    inner = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", inner)
    inner = re.sub(r'xlink:href="#', f'href="#{prefix}-', inner)
    inner = re.sub(r"url\(#", f"url(#{prefix}-", inner)
    inner = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _short, tag[0]), inner)  # of places, not of text
    return re.sub(r"\s*\n\s*", "\n", inner)


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
