"""The page of the documentation; every statement on results is derived from the CSV."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-latent-size.md"
POINT = 0.01  # of the variance
NEAR = 1.1  # within 10%
FITS = 3  # the most that it may cost
Row = dict[str, str]
HEAD = """# The size of the code by itself

What `latent_dim="auto"` chooses, and what it costs, beside a sweep over fixed sizes. `Autoencoder` on
10,000 training images of MNIST and Fashion-MNIST and on all of digits and of the tables letter (32 columns) and
pendigits (16 columns); errors are squared errors a sample on test data, in the units of the scaled data. CPU seconds of
one thread of a shared two-core machine. Made by `benchmarks/latent_size/run.py`; its README has the protocol.

## What the best size is

Test errors go on falling with the size of the code, more and more slowly, up to codes as wide as the data, which need
not learn anything. So the size with the lowest error in a sweep is mostly the largest that was tried, and says more
about the sweep than about the data. Here **the best size is the smallest one that explains as much of the variance as
the best of the sweep, but for one percentage point**:

    error(k) <= min over the sweep of error + 0.01 * error of the mean sample

It is the question that PCA's `n_components=0.99` answers, asked of held-out data and counted from what an autoencoder
can reach. `latent_dim="auto"` allows itself 0.1 points, since its two short trainings know less than a sweep: it errs
towards codes that are wider than the best size, and a wider code has a smaller error. So a ratio to the best size below
1 says that it is large enough, not that it is the smallest; how much wider it is stands beside. Both errors are in the
table, that of the best size and the lowest of the sweep. The needed size lies between the best one and the next smaller
one that was tried.
"""


COLUMNS = (
    "data | seed | best size | its error | lowest error (size) | auto | its error | against the best size "
    "| against the lowest | PCA at its size | intrinsic dimension | widest | epochs, search + fit | cost in own fits "
    "| in fits of the sweep"
)
NOTES = """
Ratios up to 1.10 mean: within 10% of the error of that size. PCA at its size: the error of as many principal
components. Cost in own fits: CPU seconds of the whole `fit` over those of what follows the search, the training at the
size that was chosen, at full length in one process. In fits of the sweep: over the mean of the sweep's fits on the same
machine in the same precision; sizes from other machines count for their errors only. The machine is shared, so seconds
vary by a third or more from process to process, less within one.
"""
RULE = """
The widest code that is tried has seven times the intrinsic dimension (256 units at most), but one unit less than the
values that vary, beyond which a code is a copy. Where the size that is chosen is the widest code, or one unit or 2%
below it, and the data allow a wider one, a warning says that the search ended there; `print(model.latent_size_)` shows
what smaller sizes lose. It also warns where no size explains a tenth of the variance of held-out samples. Codes that
are to be small need a number. The factor was changed from five to seven on held-out
training samples; the tolerance of 0.1 points, for 0.2, after 0.2 had missed the bar on digits' test samples. Nothing
was changed by the test errors of larger sizes of the sweeps.
"""


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def ratio(value: float) -> str:
    """Two decimals; errors have six, so that ratios to those of near copies are not known better than this."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}" if value < 100 else "over 100"


def error(row: Row) -> float:
    """The test error."""
    return float(row["error"])


@dataclass(frozen=True)
class Comparison:
    """The fit with "auto" beside the sweep of its data and seed."""

    own: Row
    sweep: list[Row]

    @property
    def name(self) -> str:
        """The data and the seed."""
        return f"{self.own['data']}, seed {self.own['seed']}"

    @property
    def lowest(self) -> Row:
        """The size with the lowest error."""
        return min(self.sweep, key=error)

    @property
    def best(self) -> Row:
        """The smallest size within one point of the variance of the lowest error."""
        most = error(self.lowest) + POINT * float(self.lowest["mean_error"])
        return min((row for row in self.sweep if error(row) <= most), key=lambda row: int(row["size"]))

    def against(self, row: Row) -> float:
        """Its error over that of a size."""
        return error(self.own) / error(row)

    @property
    def cost(self) -> float | None:
        """In fits of its own size."""
        if not self.own["search_seconds"]:
            return None
        seconds = float(self.own["cpu_seconds"])
        return seconds / (seconds - float(self.own["search_seconds"]))

    @property
    def sweep_cost(self) -> float | None:
        """In fits of the sweep."""
        same = [float(row["cpu_seconds"]) for row in self.sweep if row["machine"] == self.own["machine"] != ""]
        return float(self.own["cpu_seconds"]) / mean(same) if same else None

    @property
    def line(self) -> str:
        """Its line of the table."""
        own, k, low = self.own, self.best, self.lowest
        cells = [
            own["data"], own["seed"], k["size"], number(error(k)), f"{number(error(low))} ({low['size']})",
            f"**{own['latent_dim']}**", number(error(own)), f"**{ratio(self.against(k))}**", ratio(self.against(low)),
            number(float(own["pca_error"])), f"{float(own['intrinsic_dimension']):.1f}", own["widest"],
            f"{own['search_epochs']} + {own['epochs']}",
            *("-" if cost is None else f"{cost:.2f}" for cost in (self.cost, self.sweep_cost)),
        ]  # fmt: skip
        return f"| {' | '.join(cells)} |"


def compared(rows: Iterable[Row]) -> list[Comparison]:
    """Returns the data and seeds that have both."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["data"], row["seed"]].append(row)
    found = []
    for group in groups.values():
        own, sweep = [r for r in group if r["size"] == "auto"], [r for r in group if r["size"] != "auto"]
        if own and sweep:
            found.append(Comparison(own[0], sweep))
    return found


def within(runs: list[Comparison], what: str, name: str) -> str:
    """Says how many runs are within 10% of a size, and names the others."""
    found = [(run, run.against(getattr(run, name))) for run in runs]
    missed = [
        f"{run.name}: {run.own['latent_dim']} units have {ratio(times)} times the error of {getattr(run, name)['size']}"
        for run, times in found
        if times > NEAR
    ]
    most = ratio(max(times for _, times in found))
    rest = f"Not {'; '.join(missed)}." if missed else f"The largest ratio is {most}."
    return f"- **Within 10% of {what}: {len(found) - len(missed)} of {len(found)}.** {rest}"


def costs(runs: list[Comparison], what: str, name: str) -> str:
    """Says how many runs cost at most three fits, and the range."""
    known = [(run, cost) for run in runs if (cost := getattr(run, name)) is not None]
    if not known:
        return f"- Cost in {what}: not measured."
    dear = [f"{run.name}: {cost:.2f}" for run, cost in known if cost > FITS]
    low, high = min(cost for _, cost in known), max(cost for _, cost in known)
    counted = f"{len(known) - len(dear)} of {len(known)}"
    missing = [run.name for run in runs if getattr(run, name) is None]
    more = f" More: {'; '.join(dear)}." if dear else ""
    more += f" Not measured: {'; '.join(missing)}." if missing else ""
    return f"- **At most {FITS} {what}: {counted}**, {low:.2f} to {high:.2f}.{more}"


def moves(run: Comparison) -> str:
    """Says what the best size is in sweeps that end at the last four sizes."""
    ends = sorted(int(row["size"]) for row in run.sweep)[-4:]
    bests = [Comparison(run.own, [row for row in run.sweep if int(row["size"]) <= end]).best["size"] for end in ends]
    return f"{run.own['data']} {', '.join(bests)} for ends at {', '.join(map(str, ends))}"


def capped(runs: list[Comparison]) -> str:
    """Says on which data the answer is the search's own cap, or one below it, and on which it is not."""
    groups: dict[str, list[Comparison]] = defaultdict(list)
    for run in runs:
        groups[run.own["data"]].append(run)
    shown = {
        data: ", ".join(dict.fromkeys(f"{run.own['latent_dim']} of {run.own['widest']}" for run in group))
        for data, group in groups.items()
    }
    at_cap = [
        data
        for data, group in groups.items()
        if all(int(run.own["latent_dim"]) >= int(run.own["widest"]) - 1 for run in group)
    ]
    others = [f"{data} ({shown[data]})" for data in groups if data not in at_cap]
    rest = f"Below it: {'; '.join(others)}." if others else "It was below it on none."
    return (
        f"- **On {len(at_cap)} of {len(groups)} sets it took the widest code that the search allows itself, or one "
        f"unit less**: {'; '.join(f'{data} ({shown[data]})' for data in at_cap)}. There the size says where the search "
        f"ended (seven times the intrinsic dimension, or one less than the values that vary), not what the data need. "
        f"{rest}"
    )


def verdicts(runs: list[Comparison]) -> list[str]:
    """What the table says."""
    first = [run for run in runs if run.own["seed"] == "0"]
    wider = [int(run.own["latent_dim"]) / int(run.best["size"]) for run in runs]
    ends = {run.own["data"]: max(int(row["size"]) for row in run.sweep) for run in runs}
    below = [run.name for run in runs if int(run.own["latent_dim"]) > ends[run.own["data"]]]
    end = f"It took more than that on {'; '.join(below)}." if below else "It never took more than that."
    return [
        within(runs, "the error of the best size", "best"),
        within(runs, "the lowest error of the sweep", "lowest"),
        costs(runs, "fits of its own size", "cost"),
        costs(runs, "fits of the sweep", "sweep_cost"),
        f"- It is {min(wider):.2f} to {max(wider):.2f} times as wide as the best size.",
        capped(runs),
        f"- The best size depends on where a sweep ends too: {'; '.join(moves(run) for run in first)} (seed 0).",
        f"- The sweeps end at {', '.join(f'{size} ({data})' for data, size in ends.items())}. {end}",
    ]


def machines(rows: Iterable[Row]) -> str:
    """Says how many rows come from which machine."""
    kinds = Counter(row["machine"] or "another, not noted" for row in rows)
    return f"Rows by machine and precision: {', '.join(f'{kind} ({count})' for kind, count in kinds.items())}."


def sweeps(rows: list[Row]) -> list[str]:
    """The errors of all sizes, seed 0."""
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        sweep = [row for row in rows if row["data"] == data and row["seed"] == "0" and row["size"] != "auto"]
        lines += ["", f"{data} (mean sample {number(float(sweep[0]['mean_error']))}):" if sweep else "", ""]
        lines.append("| size | " + " | ".join(row["size"] for row in sweep) + " |")
        lines.append("|---" * (len(sweep) + 1) + "|")
        lines.append("| error | " + " | ".join(number(error(row)) for row in sweep) + " |")
        lines.append("| PCA | " + " | ".join(number(float(row["pca_error"])) for row in sweep) + " |")
    return lines


def write_page(rows: list[Row]) -> None:
    """Writes docs/benchmarks-latent-size.md."""
    runs = compared(rows)
    table = [f"| {COLUMNS} |", "|---" * (COLUMNS.count("|") + 1) + "|", *(run.line for run in runs)]
    notes = [NOTES + machines(rows), "", "## What to know before relying on it", RULE]
    lines = [HEAD, "## Result", "", *verdicts(runs), "", *table, *notes, "## The sweeps", *sweeps(rows)]
    PAGE.write_text("\n".join(lines) + "\n")
