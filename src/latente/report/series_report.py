"""The report of a detector of series on one series."""

from __future__ import annotations

__all__ = ["write_series_report"]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly import Alarm, SeriesDetector, SeriesExplanation
from latente.anomaly.series_calibration import enough
from latente.anomaly.series_judged import JudgedSteps, judge
from latente.anomaly.series_parts import RATE, autoencoder_of
from latente.files import write_atomically
from latente.report.anomaly_plots import calibration_plot, score_histogram
from latente.report.components import figure, section, table, tiles
from latente.report.html import Html, join, tag
from latente.report.page import page
from latente.report.series_plots import overview_plot, stretch_plot
from latente.report.words import count, number, percent, plural

SHOWN, DRAWN, REASONS = 10, 5, 3
LONGEST = 5000  # steps of a stretch that are explained, around its worst one
SMALLEST = 1e-6  # p-value that is drawn


def write_series_report(
    detector: SeriesDetector,
    path: str | Path,
    X: Any,
    *,
    ids: Sequence[Any] | None = None,
    count: int = SHOWN,
    fdr: float | None = None,
) -> Path:
    """Writes one self-contained HTML file: the worst stretches and why, the scores over time, how far the rates hold.

    Args:
        detector: fitted.
        path: of the file.
        X: (n,) or (n, channels) series to judge; steps that are not finite cut it, as in a stream.
        ids: (n,) what each step is called, e.g. its time stamp; None numbers them from 0.
        count: how many stretches are shown.
        fdr: a false-discovery rate; flagged is then what is selected at it, else what `predict` flags.

    Raises:
        NotFittedError: when the detector is not fitted.
        ValueError: for a series that the detector cannot take, ids that are not as many, or a rate that makes no sense.

    Example:
        >>> import tempfile
        >>> t = np.arange(600)
        >>> series = np.sin(t / 5) + 0.1 * np.random.default_rng(0).normal(size=600)
        >>> detector = SeriesDetector(window=20, false_alarm_rate=0.2, random_state=0).fit(series)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_series_report(detector, f"{folder}/report.html", series).name
        'report.html'
    """
    judged = judge(detector, X, fdr)
    names = [str(name) for name in (range(len(judged.scores)) if ids is None else ids)]
    if len(names) != len(judged.scores):
        raise ValueError(f"ids must be as many as steps; got {len(names)} for {len(judged.scores)}")
    found = judged.stretches(detector.window_ // 2)
    shown = found[:count] or judged.least_normal(min(count, REASONS), detector.window_)
    explained = [_explained(detector, judged, stretch) for stretch in shown]
    sections = [
        _summary(detector, judged, len(found), fdr),
        _over_time(detector, judged, names, explained[0] if explained else None),
        _stretches(judged, names, shown, explained, bool(found)),
        score_histogram(-judged.scores[np.isfinite(judged.scores)], -judged.threshold, "step"),
        None if judged.p_values is None else _calibration(judged.p_values, detector),
    ]
    lead = f"{plural(len(names), 'step')} from {names[0]} to {names[-1]}, in windows of {detector.window_} steps."
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, page("Anomalies in a series: report", lead, *sections).encode())
    return file


class _Explained:
    """A stretch and the steps around it.

    Attributes:
        start: the first step that is explained.
        found: what was expected there and what each channel contributes.
        channels: (channels,), those that contribute most to the stretch first.
        shares: (channels,), of the contributions, in the same order.
    """

    def __init__(self, start: int, found: SeriesExplanation, stretch: Alarm) -> None:
        self.start, self.found = start, found
        own = found.contributions[max(0, stretch.start - start) : stretch.end - start].sum(0)
        self.channels = np.argsort(-own, kind="stable")
        self.shares = own[self.channels] / max(float(own.sum()), 1e-12)

    def name(self, channel: int) -> str:
        """Returns what a channel is called."""
        return f"channel {channel}" if self.found.names is None else self.found.names[channel]


def _explained(detector: SeriesDetector, judged: JudgedSteps, stretch: Alarm) -> _Explained | None:
    """Returns why a stretch is anomalous; None where the detector of windows reconstructs nothing."""
    if not hasattr(autoencoder_of(detector.detector_), "reconstruct"):
        return None
    cuts = np.flatnonzero(judged.missing)
    place = int(np.searchsorted(cuts, stretch.peak))
    low = int(cuts[place - 1]) + 1 if place else 0
    high = int(cuts[place]) if place < len(cuts) else len(judged.scores)
    margin = 2 * detector.window_
    start = max(low, stretch.start - margin, stretch.peak - LONGEST)
    end = min(high, stretch.end + margin, stretch.peak + LONGEST)
    start, end = max(low, min(start, end - detector.window_)), min(high, max(end, start + detector.window_))
    part: Any = judged.values[start:end]
    return _Explained(start, detector.explain(part), stretch)


def _summary(detector: SeriesDetector, judged: JudgedSteps, stretches: int, fdr: float | None) -> Html:
    flagged, total = int(judged.flags.sum()), len(judged.flags)
    threshold = number(-judged.threshold) if np.isfinite(judged.threshold) else "—"
    return section(
        "Summary",
        tiles(
            [
                ("flagged", count(flagged), f"{percent(flagged / total)} of {plural(total, 'step')}"),
                ("stretches", count(stretches), "runs of flagged steps"),
                _stated(detector, fdr),
                ("threshold", threshold, _source(detector, fdr)),
            ]
        ),
        *(tag("p", text) for text in _remarks(detector, judged, fdr)),
        id_="summary",
    )


def _stated(detector: SeriesDetector, fdr: float | None) -> tuple[str, str, str]:
    if fdr is not None:
        return "false discoveries", percent(fdr), f"{percent(fdr)} of those flagged may be normal"
    if detector.contamination is not None:
        return "false alarms", "—", f"the worst {percent(detector.contamination)} of the training steps are flagged"
    rate = RATE if detector.false_alarm_rate is None else detector.false_alarm_rate
    return "false alarms", percent(rate), f"{percent(rate)} of normal steps may be"


def _source(detector: SeriesDetector, fdr: float | None) -> str:
    if fdr is not None:
        return "the lowest score that is flagged"
    if detector.contamination is not None:
        return "from the training steps themselves"
    return f"from {plural(len(detector.calibration_scores_), 'step')} held out at the end of the training data"


def _remarks(detector: SeriesDetector, judged: JudgedSteps, fdr: float | None) -> list[str]:
    """Returns what the figures do not say themselves."""
    found, blocks = [], detector.calibration_blocks_
    rate = RATE if detector.false_alarm_rate is None else detector.false_alarm_rate
    if detector.contamination is None and fdr is None and not enough(blocks, rate):
        found.append(
            f"The held-out steps make {plural(blocks, 'block')} of one and a half windows, which can show rates of "
            f"{percent(1 / (blocks + 1))} or more. The threshold for {percent(rate)} is extrapolated."
        )
    if judged.drift:
        most = min(judged.drift, key=lambda test: test.p_value)
        found.append(
            f"The series has drifted away from the held-out steps: of its windows {most.name} differs from theirs "
            f"(corrected p = {number(most.p_value)}), so the rate does not hold for it."
        )
    missing = int(judged.missing.sum())
    if missing:
        found.append(f"{plural(missing, 'step')} without a finite value: flagged, without a score.")
    return found


def _over_time(detector: SeriesDetector, judged: JudgedSteps, names: Sequence[str], worst: _Explained | None) -> Html:
    channel = int(worst.channels[0]) if worst is not None else 0
    label = worst.name(channel) if worst is not None and judged.values.shape[1] > 1 else "series"
    drawing = overview_plot(judged.values[:, channel], -judged.scores, -judged.threshold, judged.flags, names, label)
    first = "" if judged.values.shape[1] == 1 else f"Above, {label}, which the worst stretch is about. "
    return section(
        "Over time",
        figure(drawing, f"{first}Below, the score, higher for anomalies; the dashed line is the threshold. Coloured: "
               "flagged steps."),
        id_="time",
    )  # fmt: skip


def _stretches(
    judged: JudgedSteps,
    names: Sequence[str],
    shown: Sequence[Alarm],
    explained: Sequence[_Explained | None],
    flagged: bool,
) -> Html:
    rows = []
    for stretch, why in zip(shown, explained, strict=True):
        p = "" if judged.p_values is None else number(float(judged.p_values[stretch.peak]))
        reasons = "" if why is None else tag("ul", *(tag("li", text) for text in _reasons(stretch, why)))
        rows.append([_span(stretch, names), count(stretch.end - stretch.start), number(-stretch.score), p, reasons])
    drawings = [
        figure(
            stretch_plot(why.found, why.start, stretch, names, why.channels[:2], f"stretch{i}"),
            f"{_span(stretch, names)}: the series in ink, what was expected in colour.",
        )
        for i, (stretch, why) in enumerate(zip(shown[:DRAWN], explained[:DRAWN], strict=True))
        if why is not None
    ]
    none = None if flagged else tag("p", "No step is flagged; the least normal ones are:")
    head = ["stretch", "steps", "score", "p-value", "why"]
    several = "; shares are of what the channels contribute to the stretch" if judged.values.shape[1] > 1 else ""
    note = tag("p", f"Values are those of the worst step{several}.")
    return section("Worst stretches", none, table(head, rows, prose=True), note, join(drawings), id_="top")


def _span(stretch: Alarm, names: Sequence[str]) -> str:
    first, last = names[stretch.start], names[stretch.end - 1]
    return first if stretch.end - stretch.start == 1 else f"{first} to {last}"


def _reasons(stretch: Alarm, why: _Explained) -> list[str]:
    """Returns the channels that contribute most, with the value at the worst step and what was expected there."""
    at, found, out = stretch.peak - why.start, why.found, []
    several = len(why.channels) > 1
    for channel, share in zip(why.channels[:REASONS], why.shares, strict=False):
        values: NDArray[Any] = found.values if found.values is not None else found.expected
        said = f"{number(values[at, channel])}, expected {number(found.expected[at, channel])}"
        out.append(f"{why.name(int(channel))} = {said}" + (f" ({percent(float(share))})" if several else ""))
    return out


def _calibration(p_values: NDArray[np.float64], detector: SeriesDetector) -> Html:
    known = p_values[np.isfinite(p_values)]
    smallest = max(SMALLEST, min(float(known.min()), 1 / (detector.calibration_blocks_ + 1)))
    rate = RATE if detector.false_alarm_rate is None else detector.false_alarm_rate
    return calibration_plot(known, smallest, rate, "step")
