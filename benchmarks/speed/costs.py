"""Cost curves: CPU seconds of an epoch against rows, width and latent size."""

from __future__ import annotations

__all__ = ["Point", "measure_curves", "slopes", "write"]

import csv
import statistics
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from speed.launch import Launcher
from speed.measure import loglog_slope
from speed.results import HERE
from speed.task import Task
from speed.works import curve_tasks

CURVES = HERE / "curves.csv"
PICTURE = HERE.parents[1] / "docs" / "speed-curves.png"


@dataclass(frozen=True)
class Point:
    """CPU seconds of one epoch (median of the repeats) at one place of a curve."""

    curve: str
    library: str
    value: float
    weights: int
    seconds: float


def weights(task: Task) -> int:
    """The number of weights of encoder and decoder, without biases.

    Example:
        >>> weights(Task("a", "", "latente", hidden=(512,), latent=32))
        835584
    """
    size = int(task.data.partition(":")[2] or 784)
    return 2 * sum(a * b for a, b in pairwise((size, *task.hidden, task.latent)))


def measure_curves(launcher: Launcher, library: str, repeats: int, quick: bool) -> list[Point]:
    """Measures every point of every curve, the repeats of a curve one after the other."""
    points = []
    for name, places in curve_tasks(library).items():
        if quick:
            places = [(value, replace(task, epochs=2)) for value, task in places[:3]]
        seconds: dict[float, list[float]] = {}
        for repeat in range(repeats):
            for value, task in places:
                result = launcher.measure(task, repeat).result
                if "epoch_cpu" not in result:
                    print(f"{name} {value}: {result.get('note')}", flush=True)
                    continue
                seconds.setdefault(value, []).append(result["epoch_cpu"])
                print(f"{name} {value}: {seconds[value][-1]:.4f} CPU s an epoch", flush=True)
        points += [
            Point(name, library, value, weights(task), statistics.median(seconds[value]))
            for value, task in places
            if value in seconds
        ]
    return points


def slopes(points: list[Point]) -> list[str]:
    """One line for each curve: the exponent of the power law that fits it, and that of its upper half."""
    lines = []
    for name in dict.fromkeys(point.curve for point in points):
        own = [point for point in points if point.curve == name]
        axis = [point.weights if name == "width" else point.value for point in own]
        seconds = [point.seconds for point in own]
        half = len(own) // 2
        upper = f", upper half {loglog_slope(axis[half:], seconds[half:]):.2f}" if len(own) - half > 1 else ""
        against = "weights" if name == "width" else name
        lines.append(f"{name}: seconds ~ {against}^{loglog_slope(axis, seconds):.2f}{upper}")
    return lines


def write(points: list[Point]) -> None:
    """Writes curves.csv and, with matplotlib, the picture for the docs."""
    with CURVES.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(points[0])), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**asdict(point), "seconds": f"{point.seconds:.5g}"} for point in points)
    _draw(points, PICTURE)


def _draw(points: list[Point], path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(point.curve for point in points))
    figure, axes = plt.subplots(1, len(names), figsize=(3.6 * len(names), 3.0), layout="constrained", squeeze=False)
    for name, line, axis in zip(names, slopes(points), axes[0], strict=True):
        own = [point for point in points if point.curve == name]
        axis.loglog([point.value for point in own], [point.seconds for point in own], "o-")
        axis.set(xlabel=name, ylabel="CPU seconds an epoch", title=line.partition(": ")[2].partition(",")[0])
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def read() -> list[Point]:
    """The points of curves.csv."""
    if not CURVES.exists():
        return []
    with CURVES.open(newline="") as file:
        lines = list(csv.DictReader(file))
    return [Point(x["curve"], x["library"], float(x["value"]), int(x["weights"]), float(x["seconds"])) for x in lines]
