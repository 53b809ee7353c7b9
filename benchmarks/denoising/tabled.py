"""Tables of Markdown."""

from __future__ import annotations

__all__ = ["table", "text"]


def text(value: float | None, digits: int = 2, best: bool = False) -> str:
    if value is None:
        return ""
    return f"**{value:.{digits}f}**" if best else f"{value:.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]
