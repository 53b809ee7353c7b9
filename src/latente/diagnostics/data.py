"""Is something wrong with the data that the model was trained on?"""

from __future__ import annotations

__all__ = ["constant_columns", "duplicate_rows", "unscaled"]

import numpy as np

from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding

MANY_CONSTANT = 0.25  # of the columns; from there on they are a warning
MANY_REPEATED, SOME_REPEATED = 0.5, 0.1  # of the rows; a warning and a note
LARGEST_RMS, SMALLEST_RMS = 10.0, 0.01  # of scaled data, whose root mean square should be near 1
MANY_COLUMNS = 64  # that vary and are looked at; with so many rows need not repeat
NAMED = 5  # columns that are named
POOR = ("worse than PCA", "not better than the mean", "ignored bottleneck", "constant code", "unused codebook entries")


def unscaled(evidence: Evidence) -> list[Finding]:
    """Looks whether values that nobody scaled are far larger or smaller than weights are made for.

    Args:
        evidence: what was measured.
    """
    schema, x = evidence.model.schema_, evidence.passed.x
    rms = float(np.sqrt(np.square(x, dtype=np.float64).mean()))
    if schema.scale != "none" or rms == 0 or SMALLEST_RMS <= rms <= LARGEST_RMS:
        return []
    message = (
        f"The data are taken as they are (scale 'none'), with values from {x.min():.4g} to {x.max():.4g} and a root "
        f"mean square of {rms:.3g}; networks are made for values near 1."
    )
    explains = ("learning rate too high", "learning rate too low", "too few steps", "loss never moved", "loss spikes",
                "still falling", "dead units", *POOR)  # fmt: skip
    advice = "Let the front door scale the data: data=DataSpec(scale='auto')."
    return [Finding("unscaled data", "warning", message, advice, evidence.change(data__scale="auto"), explains)]


def constant_columns(evidence: Evidence) -> list[Finding]:
    """Looks for columns of a table that had one value in all training data; border pixels of pictures are usual.

    Args:
        evidence: what was measured.
    """
    schema = evidence.model.schema_
    if schema.kind != "table" or not schema.constant:
        return []
    count, size = len(schema.constant), schema.size
    names = [str(i) if schema.columns is None else repr(schema.columns[i]) for i in schema.constant[:NAMED]]
    which = ", ".join(names) + (", ..." if count > NAMED else "")
    message = f"{count} of {size} columns have the same value in all training data: {which}."
    advice = "Leave them out: they carry nothing, and every layer has weights for them."
    severity = "warning" if count >= MANY_CONSTANT * size else "note"
    return [Finding("constant columns", severity, message, advice)]


def duplicate_rows(evidence: Evidence) -> list[Finding]:
    """Counts rows that repeat an earlier one, in the reference where there is one, else in X.

    No more than a note where the columns have so few values that rows must repeat.

    Args:
        evidence: what was measured.
    """
    distinct, n = evidence.distinct, evidence.rows
    repeated = 0.0 if distinct is None or n < 2 else 1 - distinct / n
    if distinct is None or distinct < 2 or repeated < SOME_REPEATED:
        return []
    message = f"{n - distinct} of {n} rows ({100 * repeated:.0f}%) repeat an earlier one; {distinct} are distinct."
    advice = (
        "Train on the distinct ones (np.unique(X, axis=0)), and split before rows are repeated: copies of a training "
        "sample among the held-out ones hide overfitting."
    )
    if repeated < MANY_REPEATED or _possible(evidence) <= n:
        return [Finding("duplicate rows", "note", message, advice)]
    return [Finding("duplicate rows", "warning", message, advice, explains=("overfitting", "worse than PCA"))]


def _possible(evidence: Evidence) -> float:
    """Returns how many rows the values of the columns can make: where they are few, rows must repeat."""
    x = evidence.passed.x.reshape(len(evidence.passed.x), -1)
    varying = x.T[(x != x[0]).any(0)][:MANY_COLUMNS]  # the first pixels of a picture are often border
    return float(np.exp(min(sum(np.log(len(np.unique(column))) for column in varying), 700.0)))
