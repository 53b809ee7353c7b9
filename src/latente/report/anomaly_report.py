"""The report of a detector on a batch of samples."""

from __future__ import annotations

__all__ = ["write_anomaly_report"]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly import AnomalyDetector, CrossConformal, Explanation, select
from latente.data import Rows, as_rows, loaded
from latente.files import write_atomically
from latente.report.anomaly_plots import calibration_plot, score_histogram
from latente.report.components import Cell, Row, figure, grid, section, table, tiles
from latente.report.html import Html, join, tag
from latente.report.page import page
from latente.report.pictures import Canvas
from latente.report.plots import line_plot
from latente.report.words import count, number, percent, plural

Array = NDArray[np.float64]
SHOWN, REASONS = 10, 3
LEAST = 0.05  # probability of a value to be the wrong one; with less it is no reason
REBUILT = (
    "rebuilt",
    "reconstruction of",
    "residual of",
    "Bright in the last row: squared residuals that are large for their place.",
)
PREDICTED = ("predicted", "what the surroundings predict of", "difference from what the surroundings predict of",
             "Predicted: each square of pixels as all that is outside of it predicts it. Bright in the last row: large "
             "squared differences from that.")  # fmt: skip
EXPLAINED = 200_000  # scores of one value replaced; wider tables get fewer rows explained


def write_anomaly_report(
    detector: AnomalyDetector,
    path: str | Path,
    X: Any,
    *,
    ids: Sequence[Any] | None = None,
    count: int = SHOWN,
    fdr: float | None = None,
) -> Path:
    """Writes one self-contained HTML file: the top anomalies and why, the scores, how far the rates hold.

    Args:
        detector: fitted.
        path: of the file.
        X: (n, ...) samples to judge. Those with values that are not finite have no score and count as flagged.
        ids: (n,) what each is called; None numbers them from 0.
        count: how many anomalies are shown.
        fdr: a false-discovery rate; flagged is then what `detector.select` selects, else what `predict` flags.

    Raises:
        NotFittedError: when the detector is not fitted.
        ValueError: for data that the detector cannot take, data without a finite sample, ids that are not as many, or a
            rate that makes no sense.

    Example:
        >>> import tempfile
        >>> from latente.anomaly import Ensemble
        >>> X = np.random.default_rng(0).normal(size=(100, 3))
        >>> detector = AnomalyDetector(Ensemble(members=4, steps=20), random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_anomaly_report(detector, f"{folder}/report.html", X).name
        'report.html'
    """
    scores = detector.score_samples(X, missing="nan")
    finite = ~np.isnan(scores)
    if not finite.any():
        raise ValueError(f"each of the {len(scores)} samples has values that are not finite; fill them in first")
    names = np.arange(len(scores)) if ids is None else np.asarray(ids, dtype=object)
    if len(names) != len(scores):
        raise ValueError(f"ids must be as many as samples; got {len(names)} for {len(scores)}")
    p_values = None if detector.calibration_scores_ is None and fdr is None else detector.p_values_of(scores)
    judged = _Judged(detector, scores, p_values, fdr)
    shown = min(count, int(finite.sum()), max(1, EXPLAINED // detector.schema_.size))
    top = np.argsort(scores, kind="stable")[:shown]
    rows = as_rows(loaded(X))
    explanation = _within(detector.explain(_taken(rows, top)), rows)
    marked = [_marked(str(name), flag) for name, flag in zip(names[top], judged.flags[top], strict=True)]
    sections = [
        _summary(judged, names),
        _top(explanation, marked, judged),
        score_histogram(-scores[finite], judged.threshold, "sample"),
        None if p_values is None else _calibration(p_values[finite], detector),
    ]
    lead = f"{plural(len(scores), 'sample')}, the least like the training data first."
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, page("Anomalies: report", lead, *sections).encode())
    return file


class _Judged:
    """A batch as the page tells of it.

    Attributes:
        detector: fitted.
        scores: (n,), higher is more normal.
        fdr: a false-discovery rate, or None.
        lost: (n,), which samples have no score.
        flags: (n,), which samples are flagged; those without a score are.
    """

    def __init__(self, detector: AnomalyDetector, scores: Array, p_values: Array | None, fdr: float | None) -> None:
        self.detector, self.scores, self.fdr = detector, scores, fdr
        self.lost: NDArray[np.bool_] = np.isnan(scores)
        judged = scores < detector.offset_ if fdr is None or p_values is None else select(p_values, fdr)
        self.flags: NDArray[np.bool_] = judged | self.lost

    @property
    def threshold(self) -> float:
        """The score, higher for anomalies, above which samples are flagged; infinite where none is."""
        if self.fdr is None:
            return -self.detector.offset_
        low = self.scores[self.flags & ~self.lost]
        return float(-low.max()) if len(low) else np.inf


def _marked(name: str, flag: bool) -> str:
    return f"{name} (flagged)" if flag else name


def _within(explanation: Explanation, rows: Rows) -> Explanation:
    """Returns the explanation of rows of a table with what was expected moved into the range of each column.

    A linear prediction knows no bounds: it can be a negative concentration.
    """
    if explanation.kind != "table":
        return explanation
    known = (np.where(np.isfinite(chunk), chunk, np.nan) for _, chunk in rows.chunks())
    ends = [(np.fmin.reduce(chunk), np.fmax.reduce(chunk)) for chunk in known]
    low, high = np.fmin.reduce([low for low, _ in ends]), np.fmax.reduce([high for _, high in ends])
    return replace(explanation, expected=np.clip(explanation.expected, low, high))


def _taken(rows: Rows, index: NDArray[np.int64]) -> NDArray[Any]:
    """Returns the samples with these indices, in this order."""
    order = np.argsort(index)
    out = rows.take(index[order].astype(np.int64))
    return out[np.argsort(order)]


def _summary(judged: _Judged, names: NDArray[Any]) -> Html:
    lost = [str(name) for name in names[judged.lost]]
    rest = "" if len(lost) <= SHOWN else ", ..."
    note = (
        tag(
            "p",
            f"Without a score, for values that are missing or infinite, and flagged: {', '.join(lost[:SHOWN])}{rest}.",
        )
        if lost
        else None
    )
    flagged, total = int(judged.flags.sum()), len(judged.flags)
    return section(
        "Summary",
        tiles(
            [
                ("flagged", count(flagged), f"{percent(flagged / total)} of {count(total)}"),
                _stated(judged),
                ("threshold", number(judged.threshold) if np.isfinite(judged.threshold) else "—", _source(judged)),
            ]
        ),
        note,
        id_="summary",
    )


def _stated(judged: _Judged) -> tuple[str, str, str]:
    """Returns the tile about the rate that holds for what is flagged."""
    if judged.fdr is not None:
        return "false discoveries", percent(judged.fdr), f"{percent(judged.fdr)} of those flagged may be normal"
    rate = judged.detector.rate_
    if rate is None:
        return "false alarms", "—", "no rate is stated"
    return "false alarms", percent(rate), f"{percent(rate)} of normal samples may be"


def _source(judged: _Judged) -> str:
    """Returns where the threshold comes from."""
    detector, held = judged.detector, judged.detector.calibration_scores_
    if judged.fdr is not None:
        return "the lowest score that is flagged" if judged.flags.any() else "nothing is flagged"
    if held is None or detector.rate_ is None:
        return "from the training samples themselves"
    if detector._calibrated:
        return f"from {plural(len(held), 'normal sample')} that the detector had not seen"
    if _crossed(detector):
        return f"from {plural(len(held), 'training sample')}, each scored by members that did not see it"
    return f"from {plural(len(held), 'sample')} kept aside"


def _crossed(detector: AnomalyDetector) -> bool:
    """Whether calibration scores are those of training samples by members that did not see them."""
    how = detector.calibration
    if how == "auto":
        return not detector._fitted.models  # an ensemble
    return how.startswith("cross") if isinstance(how, str) else isinstance(how, CrossConformal)


def _top(explanation: Explanation, names: list[str], judged: _Judged) -> Html:
    kinds = {"table": _rows_of_table, "image": _images, "signal": _signals}
    shown = kinds[explanation.kind](explanation, names, judged.detector)
    none = None if judged.flags.any() else tag("p", "None of these samples is flagged; the least normal ones are:")
    return section("Top anomalies", none, shown, id_="top")


def _marks(explanation: Explanation, i: int) -> list[str]:
    """Returns the score, higher for anomalies, and the p-value of sample i."""
    p = explanation.p_values
    return [number(-explanation.scores[i]), "" if p is None else number(p[i])]


def _rows_of_table(explanation: Explanation, names: list[str], detector: AnomalyDetector) -> Html:
    rows = []
    for i, name in enumerate(names):
        items = [
            tag("li", f"{item.feature} = {number(item.value)}, expected {number(item.expected)} "
                f"({item.contribution:.0%})")
            for item in explanation.ranked(i, REASONS)
            if item.contribution > LEAST
        ]  # fmt: skip
        rows.append([name, *_marks(explanation, i), tag("ul", *items) if items else "no single value explains it"])
    note = tag(
        "p",
        "In brackets, how probable it is that this value is the wrong one, if one of its row is; what is expected is "
        "predicted from the others, within the range of the training rows. Values with less than 5% are left out.",
    )
    return join([note, table(["row", "score", "p-value", "why"], rows, prose=True)])


def _images(explanation: Explanation, names: list[str], detector: AnomalyDetector) -> Html:
    schema = detector.schema_
    x = schema.prepare(schema.ingest(explanation.values)).numpy()
    expected = schema.prepare(schema.ingest(explanation.expected.astype(explanation.values.dtype))).numpy()
    maps = explanation.contributions.reshape(len(x), *schema.user_shape)
    flat = schema.arranged(maps)
    canvas, heat = Canvas.of(schema, x), Canvas(0.0, float(np.quantile(flat, 0.999)) or 1.0)
    title, what, why, note = REBUILT
    if explanation.surroundings:
        title, what, why, note = PREDICTED
    rows = [
        Row("image", [Cell(canvas.pixels(x[i]), f"anomaly {name}", name) for i, name in enumerate(names)]),
        Row(title, [Cell(canvas.pixels(expected[i]), f"{what} {name}") for i, name in enumerate(names)]),
        Row(
            "why",
            [
                Cell(heat.pixels(flat[i]), f"{why} {name}", f"p {_marks(explanation, i)[1]}")
                for i, name in enumerate(names)
            ],
        ),
    ]
    return figure(grid(rows), note)


def _signals(explanation: Explanation, names: list[str], detector: AnomalyDetector) -> Html:
    steps = explanation.per_step()
    parts = []
    for i, name in enumerate(names):
        signal = np.asarray(explanation.values[i], dtype=float)
        signal = signal.T if explanation.layout == "ntc" else signal
        scaled = steps[i] / max(float(steps[i].max()), 1e-12) * float(np.ptp(signal) or 1.0) + float(signal.min())
        score, p = _marks(explanation, i)
        drawing = line_plot({"signal": signal, "why": scaled}, f"signal {name} and its residuals", f"signal{i}")
        parts.append(figure(drawing, f"{name}: score {score}", f"p-value {p}." if p else ""))
    return join(parts)


def _calibration(p_values: Array, detector: AnomalyDetector) -> Html:
    smallest = 1 / (len(detector.calibration_scores_) + 1)  # type: ignore[arg-type]
    return calibration_plot(p_values, smallest, 0.05 if detector.rate_ is None else detector.rate_, "sample")
