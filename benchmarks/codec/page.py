"""Writes the figures of hostile.csv and files.csv into docs/compression.md.

python benchmarks/codec/page.py
"""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "compression.md"
HEADING = "## Measured\n"


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def hostile() -> str:
    """The sentence on damaged streams."""
    found = rows("hostile.csv")
    sums = {name: sum(int(row[name]) for row in found) for name in ("tried", "refused", "exact", "other", "failed")}
    forged = sum(int(row["tried"]) for row in found if row["damage"] == "forged")
    wrong = sum(int(row["other"]) for row in found if row["damage"] != "forged")
    slowest, growth = (max(float(row[name]) for row in found) for name in ("slowest_s", "growth_mb"))
    return (
        f"Damaged streams (`benchmarks/codec/hostile.py`): {sums['tried']:,} tried, {sums['refused']:,} refused, "
        f"{sums['exact']:,} decoded to the very original, {sums['failed']:,} failed. Of the {forged:,} whose checksums "
        f"had been repaired, {sums['other'] - wrong:,} decoded to something else, of all others {wrong:,}. The slowest "
        f"took {slowest:.2f} s, the largest growth of memory was {growth:.0f} MB."
    )


def files() -> str:
    """The table of real files."""
    lines = ["| file | bound | bytes | .lat | ratio | zstd 19 | compared | s there | s back |", "|---" * 9 + "|"]
    for row in rows("files.csv"):
        cells = [
            row["file"], row["bound"], f"{int(row['bytes']):,}", f"{int(row['lat_bytes']):,}", row["ratio"],
            row["zstd19_ratio"], row["check"], row["compress_s"], row["decompress_s"],
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    start = text[: text.index(HEADING) + len(HEADING)]
    intro = (
        "Real files (`benchmarks/codec/files.py`), everything in a file counted, one thread of a two-core machine that "
        "was busy with other work, the check of every value included in the time:"
    )
    PAGE.write_text(f"{start}\n{hostile()}\n\n{intro}\n\n{files()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
