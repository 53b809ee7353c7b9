"""The fewest epochs with which a whole training run reaches a target error."""

from __future__ import annotations

__all__ = ["fewest", "fewest_epochs"]

from collections.abc import Callable
from dataclasses import replace

from speed.launch import Launcher
from speed.results import Row
from speed.task import Task


def fewest(reaches: Callable[[int], bool], most: int) -> int | None:
    """The smallest number in 1..most for which `reaches` holds, and then for all larger ones; None if there is none.

    Example:
        >>> fewest(lambda n: n >= 11, 26), fewest(lambda n: False, 26)
        (11, None)
    """
    low, high = 0, 1
    while high <= most and not reaches(high):
        low, high = high, 2 * high
    if high > most:
        if low == most or not reaches(most):
            return None
        high = most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def fewest_epochs(task: Task, launcher: Launcher, most: int = 26) -> list[Row]:
    """The row of the shortest run of latente that ends at the target or below: its schedule knows its length."""
    tried: dict[int, Row] = {}

    def reaches(epochs: int) -> bool:
        whole = replace(task, variant="fewest epochs", epochs=epochs, target=None)
        tried[epochs] = launcher.measure(whole)
        error = tried[epochs].result.get("error")
        print(f"latente, {epochs} epochs: error {error}", flush=True)
        return error is not None and error <= (task.target or 0.0)

    found = fewest(reaches, most)
    return [] if found is None else [tried[found]]
