"""Are the entries of a codebook used?"""

from __future__ import annotations

__all__ = ["codebook_use"]

import numpy as np

from latente.bottlenecks import FSQ, VQ
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding

FEW, MOST = 0.5, 0.9  # of the entries that even use would have reached


def codebook_use(evidence: Evidence) -> list[Finding]:
    """Counts the entries (VQ) or levels (FSQ) that the samples use.

    n samples cannot use K entries when n is small: drawn evenly they reach K (1 - (1 - 1/K)^n), which is what the count
    is held against. The perplexity exp(H) is the number of entries that even use would need for the same entropy.

    Args:
        evidence: what was measured.
    """
    codes = evidence.passed.codes
    sizes = _sizes(evidence)
    if codes is None or sizes is None:
        return []
    n = len(codes)
    used = np.array([len(np.unique(column)) for column in codes.T])
    reachable = sizes * (1 - (1 - 1 / sizes) ** n)
    perplexity = np.array([_perplexity(column) for column in codes.T])
    share = float(used.sum() / reachable.sum())
    what = "codebook entries" if isinstance(evidence.model.recipe_.bottleneck, VQ) else "levels"
    numbers = (
        f"{n} samples use {used.sum()} of {int(sizes.sum())} {what} ({len(sizes)} groups; evenly used, about "
        f"{reachable.sum():.0f} would be reached); the mean perplexity of a group is {perplexity.mean():.1f}."
    )
    if share >= MOST:
        return [Finding("codebook in use", "good", numbers)]
    advice = (
        "Use a smaller codebook, a larger restart_below or more groups (smaller code_dim), or train longer."
        if isinstance(evidence.model.recipe_.bottleneck, VQ)
        else "Use fewer levels, or train longer."
    )
    return [Finding("unused codebook entries", "warning" if share < FEW else "note", numbers, advice)]


def _sizes(evidence: Evidence) -> np.ndarray | None:
    """Returns (groups,): how many entries each group can use."""
    part, codes = evidence.model.recipe_.bottleneck, evidence.passed.codes
    if codes is None:
        return None
    if isinstance(part, VQ):
        return np.full(codes.shape[1], part.codebook_size, dtype=np.float64)
    if isinstance(part, FSQ):
        levels = (part.levels,) if isinstance(part.levels, int) else tuple(part.levels)
        return np.broadcast_to(np.array(levels, dtype=np.float64), (codes.shape[1],))
    return None


def _perplexity(codes: np.ndarray) -> float:
    p = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(np.exp(-(p * np.log(p)).sum()))
