"""Does training see enough of the data, and may the code say enough of them?"""

from __future__ import annotations

__all__ = ["heavy_penalty", "hidden_data", "visible_share"]

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from latente.corruptions import Corruption
from latente.diagnostics.data import POOR
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import SUSPICION, Finding
from latente.diagnostics.passed import Floats, evenly
from latente.parts import Part, is_number
from latente.training import seeded

LOOKED_AT = 1_000  # samples that are corrupted,
CORRUPTED, VALUES = 5_000, 2**23  # several times where they are few, so that a regression does not fit their noise
FEWEST = 40  # samples below which a regression says nothing
COMPONENTS = 32  # of the clean samples, that the corrupted ones should still tell
HIDDEN, VISIBLE = 0.1, 0.5  # of their variance; below the first data are hidden, the advice leaves the second
HALVINGS = 12  # of a level, to find the advice
STRONG = 10.0  # times a weight's default
OUTWEIGHS = 3.0  # times the distortion
SEED = 0
SYMPTOMS = ("loss never moved", "still falling", "dead units", *POOR)


def hidden_data(evidence: Evidence) -> list[Finding]:
    """Looks how much of the clean samples can be told from corrupted ones.

    Args:
        evidence: what was measured.
    """
    part, module = evidence.model.recipe_.corruption, evidence.model.module_
    x = evidence.passed.x[evenly(len(evidence.passed.x), LOOKED_AT)]
    if part is None or len(x) < FEWEST or not x.std():
        return []
    x = x[np.random.default_rng(SEED).permutation(len(x))]
    x = np.repeat(x, max(1, min(CORRUPTED // len(x), VALUES // x.size)), axis=0)

    def share(corruption: Corruption) -> float:
        with seeded(SEED) as generator:
            return visible_share(x, corruption(torch.from_numpy(x), generator, module.bounds).numpy())

    try:
        seen = share(part)
    except (ValueError, RuntimeError):  # a function that a saved model does not keep
        return []
    if seen >= HIDDEN:
        return []
    message = (
        f"{part!r} hides the data: of the variance of clean samples (of their first {COMPONENTS} principal components) "
        f"linear regression finds {seen:.0%} in corrupted ones."
    )
    weaker = _weaker(part, share)
    advice = "Use weaker corruption." if weaker is None else f"Use corruption={weaker!r}, which leaves half of it."
    change = {} if weaker is None else evidence.change(corruption=weaker)
    return [Finding("corruption hides the data", SUSPICION, message, advice, change, SYMPTOMS)]


def visible_share(x: Floats, noisy: Floats) -> float:
    """Returns the share, in [0, 1], of the variance of clean samples that linear regression on corrupted ones finds.

        1 - sum ||s - A s~||^2 / sum ||s - mean||^2,   s = V (x - mean),  s~ = V (x~ - mean)

    V are the first 32 principal components of the clean samples (fewer where there are few); A is fitted to the first
    half of the samples and judged on the second.

    Args:
        x: (n, *sample_shape), clean.
        noisy: (n, *sample_shape), the same after corruption.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
        >>> noise = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
        >>> round(visible_share(x, x), 2), round(visible_share(x, x + noise), 1), round(visible_share(x, noise), 1)
        (1.0, 0.5, 0.0)
    """
    clean, seen = (part.reshape(len(part), -1).astype(np.float64) for part in (x, noisy))
    clean, seen = clean - clean.mean(0), seen - seen.mean(0)
    values, vectors = np.linalg.eigh(clean @ clean.T if len(clean) < clean.shape[1] else clean.T @ clean)
    axes = clean.T @ vectors / np.sqrt(values.clip(1e-12)) if len(clean) < clean.shape[1] else vectors
    kept = axes[:, ::-1][:, : max(1, min(COMPONENTS, len(clean) // 10))]
    s, t, half = clean @ kept, seen @ kept, len(clean) // 2
    answer = np.linalg.lstsq(t[:half], s[:half], rcond=None)[0]
    left, all_ = np.square(s[half:] - t[half:] @ answer).sum(), np.square(s[half:]).sum()
    return float(np.clip(1 - left / all_, 0, 1)) if all_ > 0 else 0.0


def _weaker(part: Corruption, share: Callable[[Corruption], float]) -> str | None:
    """Returns the short string of the same corruption at the first halved level that leaves half of the variance."""
    name = next((n for n in ("sigma", "amount") if n in part.field_names()), None)
    if name is None or not part.short_name:
        return None
    level = getattr(part, name)
    top = float(level[-1] if isinstance(level, (tuple, list)) else level)
    for i in range(1, HALVINGS + 1):
        shown = _rounded(top / 2**i)
        weaker = dataclasses.replace(part, **{name: shown})  # type: ignore[type-var]
        if share(weaker) >= VISIBLE:
            return _short(weaker)
    return None


def heavy_penalty(evidence: Evidence) -> list[Finding]:
    """Looks for a penalty that outweighs the error: a weight far above the usual, or a cost far above the distortion.

    Args:
        evidence: what was measured.
    """
    history = getattr(evidence.model, "history_", None)
    for argument in ("objective", "bottleneck"):
        part = getattr(evidence.model.recipe_, argument)
        weights = _weights(part)
        if history is None or not history.records or not weights:
            continue
        strong = {name: value for name, value in weights.items() if value > STRONG * _default(part, name)}
        worst = max(history.records, key=lambda r: r.penalty / max(r.distortion, 1e-30))
        if not strong and worst.penalty <= OUTWEIGHS * worst.distortion:
            continue
        usual = {name: min(_default(part, name), _rounded(value / 10)) for name, value in (strong or weights).items()}
        wanted = dataclasses.replace(part, **usual)
        message = (
            f"{part!r}: the penalty was {worst.penalty:.3g} a sample where the distortion was {worst.distortion:.3g} "
            f"(epoch {worst.epoch}), and is {history.records[-1].penalty:.3g} beside "
            f"{history.records[-1].distortion:.3g} in the last epoch; "
        )
        message += ", ".join(f"the usual {name} is {_default(part, name):g}" for name in weights) + "."
        text = _short(wanted) if part.short_name else ""
        advice = f"Use {argument}={text or wanted!r}: with less weight the code may hold more of the data."
        change = evidence.change(**{argument: text}) if text else {}
        return [Finding("penalty outweighs the error", SUSPICION, message, advice, change, SYMPTOMS)]
    return []


def _weights(part: Part) -> dict[str, float]:
    """Returns the weights of a part's penalties that are above zero, by their names."""
    values = {n: getattr(part, n) for n in part.field_names() if n == "weight" or n.endswith("_weight")}
    return {
        name: float(value)
        for name, value in values.items()
        if is_number(value, low=0) and value > 0 and is_number(_defaults(part)[name])
    }


def _default(part: Part, name: str) -> float:
    return float(_defaults(part)[name])


def _defaults(part: Part) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(part)}  # type: ignore[arg-type]


def _rounded(value: float) -> float:
    """Returns a number with one digit."""
    return float(f"{value:.0e}")


def _short(part: Part) -> str:
    """Returns the short string of a part, with the arguments that differ from its defaults.

    Example:
        >>> from latente.corruptions import GaussianNoise
        >>> _short(GaussianNoise(0.5, clip=True)), _short(GaussianNoise())
        ('gaussian:sigma=0.5,clip=True', 'gaussian')
    """
    usual = _defaults(part)
    own = {n: getattr(part, n) for n in part.field_names() if getattr(part, n) != usual[n]}
    return part.short_name + (":" + ",".join(f"{n}={_text(v)}" for n, v in own.items()) if own else "")


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)
