"""What `latente detect` found: scores, p-values and flags, and the file of them."""

from __future__ import annotations

__all__ = ["Judged", "judged", "write_judged"]

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.cli.complete import some_of
from latente.cli.naming import Named
from latente.cli.outputs import SEPARATORS, new_file
from latente.cli.printing import show


@dataclass(frozen=True)
class Judged:
    """Samples, or time steps of a series, as a detector judges them.

    Attributes:
        scores: (n,), higher for more normal ones; NaN where there is none.
        p_values: (n,), or None where there are none.
        flags: (n,), which are flagged; those without a score are.
        fdr: at which they were selected, or None.
        found: what else there is to say, for machines.
        words: the same for people, after the number of those flagged.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64] | None
    flags: NDArray[np.bool_]
    fdr: float | None
    found: dict[str, Any]
    words: str = ""


def judged(detector: Any, named: Named, fdr: float | None) -> Judged:
    """Returns what a detector of samples or of series says.

    Args:
        detector: fitted.
        named: what is judged.
        fdr: a false-discovery rate, or None.
    """
    from latente.anomaly import AnomalyDetector, select
    from latente.cli.detecting_series import judged_series

    if not isinstance(detector, AnomalyDetector):
        return judged_series(detector, named, fdr)
    scores = detector.score_samples(named.X, missing="nan")
    lost = np.isnan(scores)
    words = _words_of_lost(named, np.flatnonzero(lost))
    known = detector.calibration_scores_ is not None
    p_values = detector.p_values_of(scores) if known or fdr is not None else None
    flags = scores < detector.offset_ if fdr is None or p_values is None else select(p_values, fdr)
    found = {"false_alarm_rate": detector.rate_, "missing": int(lost.sum())}
    return Judged(scores, p_values, flags | lost, fdr, found, words)


def _words_of_lost(named: Named, lost: NDArray[np.int64]) -> str:
    """Returns which samples could not be scored, in words; raises ValueError where that is all of them."""
    from latente.data import as_rows, check_values

    if not len(lost):
        return ""
    if len(lost) == len(named.ids):
        try:
            check_values(as_rows(named.X), what=named.source)
        except ValueError as error:
            raise ValueError(f"each of the {len(lost)} samples lacks a value or has an infinite one: {error}") from None
    names = some_of([named.ids[i] for i in lost])
    return f", {len(lost)} of them without a score, for values that are missing or infinite: {names}"


def write_judged(found: Judged, detector: Any, named: Named, output: Path, as_json: bool) -> None:
    """Writes ids, scores, p-values and flags, and says how many are flagged."""
    columns = {
        named.name: named.ids,
        "anomaly_score": _known(-found.scores),
        "p_value": [None] * len(found.scores) if found.p_values is None else _known(found.p_values),
        "anomaly": found.flags.astype(int).tolist(),
    }
    with new_file(output) as part:
        _write_columns(part, columns)
    flagged, total = int(found.flags.sum()), len(found.flags)
    record = {
        "output": str(output),
        "samples": total,
        "flagged": flagged,
        "fdr": found.fdr,
        "threshold": -detector.offset_ if found.fdr is None else None,
        **found.found,
    }
    if found.fdr is not None:
        record["false_alarm_rate"] = None
    show(record, f"wrote {output}: {flagged} of {total} flagged{found.words}", as_json)


def _known(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _write_columns(path: Path, columns: dict[str, list[Any]]) -> None:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        import importlib.util

        if importlib.util.find_spec("polars"):
            import polars

            polars.DataFrame(columns).write_parquet(path)
        else:
            import pyarrow
            import pyarrow.parquet

            pyarrow.parquet.write_table(pyarrow.table(columns), path)
        return
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=SEPARATORS[suffix], lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
