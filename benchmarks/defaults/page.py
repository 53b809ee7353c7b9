"""The page docs/benchmarks-defaults.md: each script replaces its own part and leaves the others."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-defaults.md"


def replace_part(name: str, lines: list[str]) -> None:
    """Writes a part of the page between its marks; a part that is not there yet goes to the end.

    Args:
        name: of the part, which its marks hold.
        lines: of Markdown.
    """
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(start)
    if not found:
        before, rest = (text.rstrip("\n") + "\n\n" if text else ""), ""
    after = rest.partition(end)[2]
    fresh = PAGE.with_suffix(".tmp")
    fresh.write_text(before + start + "\n".join(lines) + "\n" + end + after, encoding="utf-8")
    fresh.replace(PAGE)
