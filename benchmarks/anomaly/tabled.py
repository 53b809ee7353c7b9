"""Tables and verdicts of the pages."""

from __future__ import annotations

__all__ = ["spread", "table", "text", "verdict"]

import numpy as np


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def verdict(what: str, value: float | None, bar: float, digits: int, factor: float, done: int, of: int) -> str:
    """Says whether a figure reaches its bar, and on how much of the benchmark it was measured.

    Args:
        what: the figure.
        value: None where it was not measured.
        bar: that it should reach.
        digits: that are shown,
        factor: of what is multiplied by this.
        done: runs that there are.
        of: runs that there should be.
    """
    if value is None:
        return f"The bar for the {what}, {factor * bar:.{digits}f}: not measured.\n"
    short = factor * (bar - value)
    said = "met" if short <= 0 else f"missed by {short:.{digits}f}"
    part = "" if done >= of else f", on {done} of {of} only"
    return f"The bar for the {what}, {factor * bar:.{digits}f}: {said} ({factor * value:.{digits}f}{part}).\n"


def text(value: float | None, digits: int = 1, best: bool = False) -> str:
    if value is None:
        return ""
    return f"**{value:.{digits}f}**" if best else f"{value:.{digits}f}"


def spread(values: list[float]) -> str:
    """A mean, and its standard error where there are several values."""
    error = f" ± {np.std(values, ddof=1) / np.sqrt(len(values)):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{error}"
