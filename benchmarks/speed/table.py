"""Rows of measurements as Markdown."""

from __future__ import annotations

__all__ = ["defaults_against_peers", "line", "markdown", "summary", "write_page"]

from collections.abc import Callable, Iterable
from typing import Any

from speed import costs
from speed.measure import spread
from speed.results import HERE, KEY, Row
from speed.works import PEERS, TITLES, tasks_of

PAGE = HERE.parents[1] / "docs" / "speed.md"
SAME_NETWORK = (
    "torch",
    "pyautoencoder",
    "skorch",
    "sklearn",
    "keras-jax",
    "keras-torch",
)  # in (a) and, by default, (e)
Record = dict[str, str]
Group = list[Record]
NUMBERS = ("rate", "epoch_cpu", "startup_cpu", "first_cpu", "total_cpu", "error", "median_error", "peak_mb")


def line(row: Row) -> str:
    """One measurement for the terminal."""
    parts = [f"  {row.task.case:12} {row.task.name:28} #{row.repeat}"]
    parts += [f"{name} {row.result[name]:.4g}" for name in NUMBERS if row.result.get(name) is not None]
    return "  ".join([*parts, str(row.result.get("note", ""))]).rstrip()


def grouped(records: Iterable[Record]) -> dict[tuple[str, str], Group]:
    """The repeats of every (case, name), in the order in which they came."""
    groups: dict[tuple[str, str], Group] = {}
    for record in records:
        groups.setdefault((record["case"], f"{record['library']} {record['variant']}".strip()), []).append(record)
    return groups


def values(group: Group, field: str) -> list[float]:
    return [float(record[field]) for record in group if record.get(field)]


def summary(group: Group, field: str, digits: int = 3) -> str:
    """Median (smallest..largest), or an empty cell."""
    found = values(group, field)
    if not found:
        return ""
    middle, low, high = (_round(value, digits) for value in spread(found))
    return middle if len(found) == 1 or low == high else f"{middle} ({low}..{high})"


def _round(value: float, digits: int) -> str:
    if value >= 10 ** (digits - 1):
        return f"{round(value, digits - len(str(int(value)))):,.0f}"
    return f"{value:.{digits}g}"


def ratio(group: Group, other: Group | None, field: str) -> str:
    """The median over the repeats of group / other; repeats are paired, since they ran next to each other."""
    if not other:
        return ""
    mine = {record["repeat"]: float(record[field]) for record in group if record.get(field)}
    theirs = {record["repeat"]: float(record[field]) for record in other if record.get(field)}
    pairs = [mine[k] / theirs[k] for k in mine if k in theirs]
    return f"{spread(pairs)[0]:.2f}" if pairs else ""


def _note(group: Group) -> str:
    return "; ".join(dict.fromkeys(record["note"] for record in group if record.get("note")))


Column = tuple[str, Callable[[str, Group, dict[tuple[str, str], Group]], str]]


def _plain(title: str, field: str, digits: int = 3) -> Column:
    return title, lambda case, group, all_: summary(group, field, digits)


def _decided(field: str) -> Column:
    return field, lambda case, group, all_: group[-1].get(field, "")


def _against(title: str, field: str, name: str) -> Column:
    return title, lambda case, group, all_: ratio(group, all_.get((case, name)), field)


def _above_idle(case: str, group: Group, all_: dict[tuple[str, str], Group]) -> str:
    idle = values(all_.get((case, "idle import torch"), []), "peak_mb")
    own = values(group, "peak_mb")
    return f"{spread(own)[0] - spread(idle)[0]:.0f}" if own and idle else ""


RATE, ERROR, FIT = (
    _plain("images / CPU s", "rate"),
    _plain("test error", "error", 4),
    _plain("CPU s, warm", "total_cpu"),
)
START = _plain("start-up CPU s", "startup_cpu", 2)
EPOCHS, BATCH, PRECISION = (_decided(name) for name in ("epochs", "batch", "precision"))
COLUMNS: dict[str, list[Column]] = {
    "a": [RATE, _against("time / floor", "epoch_cpu", "floor"),
          _against("time / oneDNN floor", "epoch_cpu", "floor float32 by oneDNN"),
          _against("time / torch", "epoch_cpu", "torch"), ERROR, EPOCHS, BATCH, PRECISION, START],
    "b": [RATE, _against("time / floor", "epoch_cpu", "floor"), _against("time / torch", "epoch_cpu", "torch"),
          _against("rate / pythae's", "rate", "pythae ConvNet, 1 epoch"), ERROR, _plain("CPU s", "total_cpu"), EPOCHS,
          BATCH, PRECISION],
    "c": [FIT, _plain("first fit", "first_cpu"), _against("time / PyOD", "total_cpu", "pyod 64-4"),
          _plain("error, mean", "error"), _plain("error, median", "median_error"), EPOCHS, BATCH],
    "e": [_plain("CPU s", "total_cpu"), _plain("error at the end", "error", 4), EPOCHS,
          _plain("CPU s an epoch", "epoch_cpu"), BATCH],
    "f": [_plain("peak MB", "peak_mb"), ("above import torch, MB", _above_idle), _plain("CPU s", "total_cpu")],
    "g": [_plain("rows / CPU s", "rate"), _plain("CPU s", "total_cpu"),
          _against("time / latente", "total_cpu", "latente")],
    "h": [_plain("peak MB", "peak_mb"), _plain("private MB", "private_mb"), _plain("rows / CPU s", "rate"),
          _plain("CPU s", "total_cpu")],
}  # fmt: skip
COLUMNS["d"] = COLUMNS["c"]
REMARKS = {
    "a": "Start-up is what the first epoch and the ends of a fit cost beyond a steady epoch. Error: sum of squares an "
    "image, pixels in [0, 1], 10,000 test images. SiLU inside, but ReLU in scikit-learn and PyOD. "
    "The floor is what torch multiplies float32 with by itself, MKL; the oneDNN floor is the same products, as exact, "
    "by oneDNN, which latente takes for large ones on AMD processors. On other processors both are much the same.",
    "b": "Strided convolutions of 32 and 64 channels, 256 units, 16 codes. 10,000 training images. Runs of one epoch "
    "contain the start-up in their rate.",
    "c": "Each library's own epochs and batch size. Error: sum of squares a row, columns with unit variance, 10,000 "
    "rows that were not trained on. PyOD's default bottleneck of 32 is wider than the table.",
    "d": "As above; time of a fit on all rows, errors of rows left out in five-fold cross-validation.",
    "e": "Each library's own settings, evaluation not timed; ends at the first epoch at 10.0 or below, after 200 CPU "
    "seconds or 100 epochs. 'Fewest epochs' is the shortest whole run of latente that ends there.",
    "f": "Largest resident memory of the process, the 47 MB of data included.",
    "g": "Encode: codes. Reconstruct: rows to rows. Score: one anomaly score a row.",
    "h": "Private writable memory is limited to 2 GB (RLIMIT_DATA); pages of the file are the system's to drop.",
}


def markdown(work: str, rows: Iterable[Row | Record]) -> list[str]:
    """A table of one work, a line for each case and name."""
    records = [row.record() if isinstance(row, Row) else row for row in rows]
    order = {task.key: place for place, task in enumerate(tasks_of(work))}
    records = [record for record in records if record["work"] == work]
    records.sort(key=lambda record: order.get(tuple(record[name] for name in KEY), len(order)))
    groups = grouped(records)
    if not groups:
        return []
    columns = COLUMNS[work]
    titles = ["", "", *(title for title, _ in columns), "note"]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for (case, name), group in groups.items():
        cells = [case, name, *(cell(case, group, groups) for _, cell in columns), _note(group)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def defaults_against_peers(records: Iterable[Record]) -> str:
    """How many times as many images latente's defaults pass as the fastest other library, by batch size."""
    groups = grouped(record for record in records if record["work"] in "ae")
    mine, texts = values(groups.get(("batch 128", "latente defaults"), []), "epoch_cpu"), []
    for case, names, where in (
        ("batch 128", ("torch", *PEERS), " at batch 128"),
        ("batch 1024", ("torch", *PEERS), " at batch 1024"),
        ("10.0", SAME_NETWORK, ", each with its own batch size (times to an error, below; 16 codes there)"),
    ):
        found = {name: values(groups.get((case, name), []), "epoch_cpu") for name in names}
        seconds = {name: spread(own)[0] for name, own in found.items() if own}
        if mine and seconds:
            best = min(seconds, key=seconds.__getitem__)
            texts.append(f"{seconds[best] / spread(mine)[0]:.2f} times those of {best}{where}")
    start = "Images a CPU second of latente with its defaults, against the fastest other library: "
    return f"{start}{'; '.join(texts)}." if texts else ""


def write_page(records: list[Record]) -> None:
    """Writes docs/speed.md."""
    lines: list[Any] = [
        "# Speed",
        "",
        "Each measurement is one fresh process with one thread on a shared two-core machine without GPU; CPU seconds",
        "are user and system time of all threads. Measurements of a work alternate; a cell is the median",
        "(smallest..largest) of the repeats. The floor is the raw matrix products of the same layers: forward, and",
        "backward for weights and inputs. Made by `benchmarks/speed/run.py`; how is in `benchmarks/speed/README.md`.",
        "Nothing here was measured on a GPU: its code is tested on the CPU as far as that goes.",
        "",
    ]
    for work, title in TITLES.items():
        rows = markdown(work, records)
        if rows:
            lines += [f"## {title}", "", REMARKS[work], "", *rows, ""]
        if work == "a" and (text := defaults_against_peers(records)):
            lines += [text, ""]
    points = costs.read()
    if points:
        lines += ["## Cost against size", "", "![cost curves](speed-curves.png)", ""]
        lines += [f"- {text}" for text in costs.slopes(points)]
        lines.append("")
    PAGE.write_text("\n".join(lines).rstrip() + "\n")
