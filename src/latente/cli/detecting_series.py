"""`latente detect --series`: a detector of time steps, and what it says of a series."""

from __future__ import annotations

__all__ = ["judged_series", "learned_series"]

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.cli.detected import Judged
from latente.cli.naming import Named
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.anomaly import SeriesDetector


def learned_series(
    normal: Named,
    itself: bool,
    rate: float | None,
    contamination: float | str | None,
    seed: int,
    window: int | None,
) -> SeriesDetector:
    """Returns a detector of the steps of series like this one, which may be the one that is judged itself.

    Steps with missing values are left out: what lies between them is learned from as series of their own.
    """
    from latente.anomaly import SeriesDetector

    if isinstance(contamination, str):
        raise ValueError("--contamination of a series must be a fraction such as 0.02; auto is for single samples")
    if itself and contamination is None:
        note(
            "note: learning from DATA itself, with its last fifth held out and taken for normal; --train NORMAL gives "
            "rates that hold for other series, --contamination 0.02 flags that share of DATA"
        )
    detector = SeriesDetector(
        window="auto" if window is None else window,
        false_alarm_rate=rate,
        contamination=contamination,
        random_state=seed,
    )
    return detector.fit(_pieces(normal))


def _check_in_memory(named: Named) -> None:
    """Raises ValueError for a file that is only read in pieces."""
    from latente.data import Rows

    if isinstance(named.X, Rows):
        raise ValueError(
            f"{named.source} takes more than 1 GiB, and a series is judged in memory; cut the file, or use "
            "SeriesDetector.stream in Python, which takes it piece by piece"
        )


def _pieces(named: Named) -> Any:
    """Returns the series, or a list of the pieces between steps with missing values."""
    finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(_values(named)), axis=1)
    if finite.all():
        return named.X
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(int)))
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    note(
        f"note: {int((~finite).sum())} of {len(finite)} steps of {named.source} have missing values; learning from the "
        f"{len(starts)} pieces between them"
    )
    return [named.X[a:b] for a, b in zip(starts, ends, strict=True)]


def _values(named: Named) -> NDArray[np.float64]:
    """Returns the series as (n, channels), missing values NaN.

    Raises:
        ValueError: for a file that is only read in pieces, and for channels without any value, by name.
    """
    from latente.anomaly.windows import as_series

    _check_in_memory(named)
    series = as_series(named.X, named.source, finite=False)
    empty = np.flatnonzero(np.isnan(series).all(0)).tolist()
    if empty:
        names = ", ".join(named.columns[i] if named.columns else str(i) for i in empty)
        raise ValueError(f"{named.source} has channels without any value: {names}; give --drop for each")
    return series


def judged_series(detector: SeriesDetector, named: Named, fdr: float | None) -> Judged:
    """Returns what a detector says of the steps of a series.

    Args:
        detector: fitted.
        named: the series.
        fdr: a false-discovery rate, or None.
    """
    from latente.anomaly.series_judged import judge
    from latente.anomaly.series_parts import RATE

    _values(named)
    steps = judge(detector, named.X, fdr)
    if steps.drift:
        most = min(steps.drift, key=lambda test: test.p_value)
        note(
            f"warning: {named.source} has drifted away from the data that the threshold comes from, most of all "
            f"{most.name} (corrected p = {most.p_value:.2g}); the rate does not hold for it"
        )
    stretches, missing = len(steps.stretches(detector.window_ // 2)), int(steps.missing.sum())
    rate = RATE if detector.false_alarm_rate is None else detector.false_alarm_rate
    found = {
        "false_alarm_rate": rate if detector.contamination is None else None,
        "window": detector.window_,
        "stretches": stretches,
        "missing": missing,
        "drift": bool(steps.drift),
    }
    lost = f", {missing} of them without a finite value" if missing else ""
    words = f" in {stretches} stretch{'es' * (stretches != 1)}{lost}"
    return Judged(steps.scores, steps.p_values, steps.flags, fdr, found, words)
