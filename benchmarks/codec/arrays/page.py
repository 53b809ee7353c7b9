"""Writes docs/benchmarks-codec-arrays.md from results.csv.

python benchmarks/codec/arrays/page.py
"""

from __future__ import annotations

import math

from protocol import BOUNDS, FILES, HERE, read

PAGE = HERE.parents[2] / "docs" / "benchmarks-codec-arrays.md"
LOSSY = ("SZ3", "SPERR", "ZFP")
KEPT = ("fpzip", "pcodec", "blosc2", "zstd")
OURS = ("latente", "latente, thorough")
ARCHIVE = ("latente, not fitted", "latente, archive's mean", "latente, autoencoder")
HEAD = """# Compressing arrays: latente beside SZ3, SPERR, ZFP and lossless coders

Made by the scripts in `benchmarks/codec/arrays`; its README has the protocol. Four real float32 arrays; bounds relative
to the range, largest less smallest value. Sizes count everything in the file: for latente container, header and
checksums too. One thread of a shared two-core machine, CPU time, best of three calls; speeds vary by a fifth.

What these figures cannot show:

- The codec was made with these four arrays in sight: its constants (the step of the transform, the classes of contexts)
  were chosen on them. There is no fifth array that it has not seen.
- SZ3, SPERR and ZFP are compiled and several times faster.
- SPERR's float32 output breaks its bound at some of the tight ones (error above 1 in the table of errors); its sizes
  are counted as they are.
"""


class Table:
    """The rows of a study by data, bound and method."""

    def __init__(self, study: str) -> None:
        self.rows = {(r["data"], float(r["bound"]), r["method"]): r for r in read() if r["study"] == study}

    def value(self, data: str, bound: float, method: str, name: str = "ratio") -> float:
        text = self.rows.get((data, bound, method), {}).get(name, "")
        return float(text) if text else math.nan

    def best(self, data: str, bound: float, methods: tuple[str, ...], name: str = "ratio") -> float:
        return max(self.value(data, bound, method, name) for method in methods)


def shown(value: float, digits: int = 3) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}g}" if value < 1000 else f"{value:.0f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(r) + " |" for r in (head, ["---"] * len(head), *rows)] + [""]


def ratios() -> list[str]:
    found = Table("arrays")
    rows = []
    for data in FILES:
        for bound in BOUNDS[:-1]:
            cells = [shown(found.value(data, bound, method)) for method in (*LOSSY, *OURS)]
            gain = found.value(data, bound, "latente") / found.best(data, bound, LOSSY)
            rows.append([data, f"{bound:g}", *cells, f"{gain:.2f}"])
    head = ["array", "bound", *LOSSY, *OURS, "latente / best of the three"]
    return ["## Ratio to float32 under a bound", "", *table(head, rows)]


def lossless() -> list[str]:
    found = Table("arrays")
    rows = [[data, *(shown(found.value(data, 0.0, method)) for method in (*KEPT, *OURS))] for data in FILES]
    return ["## Ratio when every bit is kept", "", *table(["array", *KEPT, *OURS], rows)]


def errors() -> list[str]:
    found = Table("arrays")
    rows = []
    for data in FILES:
        for bound in BOUNDS[:-1]:
            cells = [found.value(data, bound, method, "error") for method in (*LOSSY, *OURS)]
            rows.append([data, f"{bound:g}", *("" if math.isnan(c) else f"{c:.4f}" for c in cells)])
    return ["## Largest error over the bound", "", *table(["array", "bound", *LOSSY, *OURS], rows)]


def speeds() -> list[str]:
    found = Table("arrays")
    rows = []
    for data in FILES:
        for bound in BOUNDS:
            methods = (*(LOSSY if bound else ()), *OURS)
            cells = {
                m: [shown(found.value(data, bound, m, n)) for n in ("encode_mb_s", "decode_mb_s")] for m in methods
            }
            rows.append([data, f"{bound:g}", *(" / ".join(cells[m]) if m in cells else "" for m in (*LOSSY, *OURS))])
    text = "MB of float32 encoded / decoded in a second of CPU time. 1e-3 is the default bound."
    return ["## Speed", "", text, "", *table(["array", "bound", *LOSSY, *OURS], rows)]


def archives() -> list[str]:
    lines = [
        "## What the autoencoder adds",
        "",
        "A codec is fitted on the first half of an array (along its first axis; for `every other` on every other year)",
        "and used on the rest, each compressed as one array; for `a file a field` each year is a file of its own. What",
        "was learned is shared, and referred to by its hash (57 bytes in each file). Ratios; `archive's mean` has the mean",
        "sample and the level of each sample, but no codes. All other ways to predict compete as well, so a row can lose",
        "by the fit only where the choice errs.",
        "",
    ]
    rows = []
    for study in ("archive", "archive, every other", "archive, a file a field"):
        found = Table(study)
        for data in FILES:
            for bound in BOUNDS[:4]:
                if math.isnan(found.value(data, bound, ARCHIVE[0])):
                    continue
                best = found.best(data, bound, LOSSY[:2]) if bound >= 1e-3 else math.nan
                own = [found.value(data, bound, method) for method in ARCHIVE]
                note = found.rows[data, bound, ARCHIVE[2]]["note"].rpartition("autoencoder predicts ")[2]
                gain = "" if math.isnan(best) else f"{max(own) / best:.2f}"
                rows.append([study, data, f"{bound:g}", shown(best), *map(shown, own), note, gain])
    head = ["study", "array", "bound", "best of SZ3, SPERR", *ARCHIVE, "blocks it predicts", "best of ours / theirs"]
    inside = Table("model in the file")
    own = [
        [data, shown(inside.value(data, 1e-2, ARCHIVE[2]))] for data in FILES if (data, 1e-2, ARCHIVE[2]) in inside.rows
    ]
    return [
        *lines,
        *table(head, rows),
        "With the model in the file and learned from the array itself, as some published codecs have it, the file is",
        "larger than the array; a smaller network would have to save more than its own size, which none does here",
        "(ratios at 1e-2):",
        "",
        *table(["array", "autoencoder in the file"], own),
    ]


def properties() -> list[str]:
    rows = [r for r in read() if r["study"] in ("properties", "damaged")]
    names = {
        "properties": "random arrays: promises broken",
        "damaged": "damaged streams: wrong array, crash or other error",
    }
    cells = [[names[r["study"]], r["bytes"], r["note"].rstrip("; ")] for r in rows]
    return ["## The bound, and damage", "", *table(["what", "found", "of"], cells)]


def main() -> None:
    parts = [ratios(), lossless(), errors(), archives(), speeds(), properties()]
    PAGE.write_text("\n".join([HEAD, *(line for part in parts for line in part)]).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
