"""Which plan predicts an array: all that suit compete on a part of it."""

from __future__ import annotations

__all__ = ["Choice", "candidates", "choose"]

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.plans import Coded, Lorenzo, Multilevel, Plan, Problem, Transform

SMALL = 1 << 15  # arrays up to this size are tried as a whole
PART = 1 << 14  # values of the part on which larger ones are tried
FEW = 1 << 13  # values on which the axes are compared
CLOSER = 50.0  # times nearer than the mean over an axis, squared: then neighbours are not given up
SHORTEST = 4  # slices an axis needs before each of them is predicted alone
RATIOS = (1.8, 2.8)  # further steps of the transform, when there is time


@dataclass(frozen=True)
class Choice:
    """The winner of a competition.

    Attributes:
        plan: the winner.
        coded: the whole array under it, where it was tried as a whole.
        trials: bits per value of every plan, by its short name.
    """

    plan: Plan
    coded: Coded | None
    trials: dict[str, float]


def _middle(shape: tuple[int, ...], size: int) -> tuple[slice, ...]:
    """A part in the middle with at most `size` values: the longest axis is halved until it is small enough."""
    lengths = list(shape)
    while np.prod(lengths) > size:
        axis = int(np.argmax(lengths))
        lengths[axis] = (lengths[axis] + 1) // 2
    return tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(shape, lengths, strict=True))


def _alone(x: NDArray[np.float64]) -> int | None:
    """The axis along which neighbours tell least beyond the mean over the axis; None where they tell much on all."""
    found: dict[int, float] = {}
    x = x / max(float(np.abs(x).max()), 1e-300)
    for axis, n in enumerate(x.shape):
        if n < SHORTEST or x.ndim < 2:
            continue
        moved = np.moveaxis(x, axis, 0)
        around = np.mean((moved - moved.mean(axis=0)) ** 2)
        between = np.mean((moved[1:-1] - (moved[:-2] + moved[2:]) / 2) ** 2)
        found[axis] = float(around / (between + 1e-300))
    best = min(found, key=lambda axis: found[axis], default=None)
    return None if best is None or found[best] > CLOSER else best


def candidates(problem: Problem, thorough: bool) -> dict[str, Plan]:
    """Plans that suit a problem, by a short name each: t, m, l, with the ratio or the axis."""
    plans: dict[str, Plan] = {"t": Transform(), "m": Multilevel()}
    alone = _alone(problem.values[_middle(problem.values.shape, FEW)].astype(np.float64))
    if alone is not None:
        plans[f"m{alone}"] = Multilevel(alone)
    if thorough or problem.exact:  # of real numbers, multilevel prediction leaves less
        plans["l"] = Lorenzo()
    if thorough:
        plans |= {f"t{ratio}": Transform(ratio) for ratio in RATIOS}
        others = [a for a in range(problem.values.ndim) if a != alone and problem.values.shape[a] >= SHORTEST]
        plans |= {f"m{a}": Multilevel(a) for a in others if problem.values.ndim > 1}
    return {name: plan for name, plan in plans.items() if plan.suits(problem)}


def _tried(plan: Plan, part: Problem) -> Coded | None:
    try:
        return plan.encode(part)
    except OverflowError:  # integer differences beyond 64 bits
        return None


def choose(problem: Problem, thorough: bool = False) -> Choice | None:
    """Tries the plans that suit and returns the best, or None when none does.

    Args:
        problem: what is to be coded.
        thorough: whether more plans are tried, all of them on the whole array.
    """
    whole = thorough or problem.values.size <= SMALL
    where = _middle(problem.values.shape, problem.values.size if whole else PART)
    valid = None if problem.valid is None else problem.valid[where]
    part = replace(problem, values=problem.values[where].copy(), valid=valid)
    plans = {name: plan for name, plan in candidates(part, thorough).items() if plan.suits(problem)}
    if not plans:
        return None
    tried = {name: coded for name, plan in plans.items() if (coded := _tried(plan, part)) is not None}
    if not tried:
        return None
    best = min(tried, key=lambda name: tried[name].size)
    trials = {name: round(8 * coded.size / part.values.size, 3) for name, coded in tried.items()}
    return Choice(plans[best], tried[best] if whole else None, trials)
