"""The report of a detector on a batch of samples."""

from __future__ import annotations

__all__ = ["write_anomaly_report"]

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly import AnomalyDetector, Explanation
from latente.data import Rows, as_rows, loaded
from latente.files import write_atomically
from latente.report.components import Cell, Row, figure, grid, section, table, tiles
from latente.report.html import Html, join, tag
from latente.report.page import page
from latente.report.pictures import Canvas
from latente.report.plots import line_plot
from latente.report.svg import INK, MUTED, SERIES, axes, plot
from latente.report.words import count, number, percent, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
SHOWN, REASONS, BINS = 10, 3, 60
EXPLAINED = 200_000  # scores of one value replaced; wider tables get fewer rows explained


def write_anomaly_report(
    detector: AnomalyDetector, path: str | Path, X: Any, *, ids: Sequence[Any] | None = None, count: int = SHOWN
) -> Path:
    """Writes one self-contained HTML file: the top anomalies and why, the scores, how far the rates hold.

    Args:
        detector: fitted.
        path: of the file.
        X: (n, ...) samples to judge.
        ids: (n,) what each is called; None numbers them from 0.
        count: how many anomalies are shown.

    Raises:
        NotFittedError: when the detector is not fitted.
        ValueError: for data that the detector cannot take, or ids that are not as many.

    Example:
        >>> import tempfile
        >>> from latente.anomaly import Ensemble
        >>> X = np.random.default_rng(0).normal(size=(100, 3))
        >>> detector = AnomalyDetector(Ensemble(members=4, steps=20), random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_anomaly_report(detector, f"{folder}/report.html", X).name
        'report.html'
    """
    scores = detector.score_samples(X)
    names = np.arange(len(scores)) if ids is None else np.asarray(ids, dtype=object)
    if len(names) != len(scores):
        raise ValueError(f"ids must be as many as samples; got {len(names)} for {len(scores)}")
    shown = min(count, len(scores), max(1, EXPLAINED // detector.schema_.size))
    top = np.argsort(scores, kind="stable")[:shown]
    samples = _taken(as_rows(loaded(X)), top)
    explanation = detector.explain(samples)
    p_values = None if detector.calibration_scores_ is None else detector.p_values_of(scores)
    sections = [
        _summary(detector, scores),
        _top(explanation, [str(name) for name in names[top]], detector),
        _histogram(detector, scores),
        None if p_values is None else _calibration(p_values, detector),
    ]
    lead = f"{plural(len(scores), 'sample')}, the least like the training data first."
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, page("Anomalies: report", lead, *sections).encode())
    return file


def _taken(rows: Rows, index: NDArray[np.int64]) -> NDArray[Any]:
    """Returns the samples with these indices, in this order."""
    order = np.argsort(index)
    out = rows.take(index[order].astype(np.int64))
    return out[np.argsort(order)]


def _summary(detector: AnomalyDetector, scores: Array) -> Html:
    flagged = int((scores < detector.offset_).sum())
    rate = detector.rate_
    stated = "no rate is stated" if rate is None else f"{percent(rate)} of normal samples may be"
    held = detector.calibration_scores_
    calibrated = "the training samples themselves" if held is None else f"{plural(len(held), 'sample')} kept aside"
    return section(
        "Summary",
        tiles(
            [
                ("flagged", count(flagged), f"{percent(flagged / len(scores))} of {count(len(scores))}"),
                ("false alarms", "—" if rate is None else percent(rate), stated),
                ("threshold", number(-detector.offset_), f"from {calibrated}"),
            ]
        ),
        id_="summary",
    )


def _top(explanation: Explanation, names: list[str], detector: AnomalyDetector) -> Html:
    kinds = {"table": _rows_of_table, "image": _images, "signal": _signals}
    return section("Top anomalies", kinds[explanation.kind](explanation, names, detector), id_="top")


def _marks(explanation: Explanation, i: int) -> list[str]:
    """Returns the score, higher for anomalies, and the p-value of sample i."""
    p = explanation.p_values
    return [number(-explanation.scores[i]), "" if p is None else number(p[i])]


def _rows_of_table(explanation: Explanation, names: list[str], detector: AnomalyDetector) -> Html:
    rows = []
    for i, name in enumerate(names):
        items = [
            tag("li", f"{item.feature} = {number(item.value)}, expected {number(item.expected)} "
                f"({number(item.contribution)} of the score)")
            for item in explanation.ranked(i, REASONS)
            if item.contribution > 0
        ]  # fmt: skip
        rows.append([name, *_marks(explanation, i), tag("ul", *items) if items else "no single value explains it"])
    note = tag("p", "What the score would fall by if one value were as the others of its row predict it.")
    return join([note, table(["row", "score", "p-value", "why"], rows, prose=True)])


def _images(explanation: Explanation, names: list[str], detector: AnomalyDetector) -> Html:
    schema = detector.schema_
    x = schema.prepare(schema.ingest(explanation.values)).numpy()
    rebuilt = schema.prepare(schema.ingest(explanation.expected.astype(explanation.values.dtype))).numpy()
    maps = explanation.contributions.reshape(len(x), *schema.user_shape)
    flat = schema.ingest(maps).numpy() if schema.layout == "nhwc" else maps.reshape(len(x), *schema.sample_shape)
    canvas, heat = Canvas.of(schema, x), Canvas(0.0, float(np.quantile(flat, 0.999)) or 1.0)
    rows = [
        Row("image", [Cell(canvas.pixels(x[i]), f"anomaly {name}", name) for i, name in enumerate(names)]),
        Row("rebuilt", [Cell(canvas.pixels(rebuilt[i]), f"reconstruction of {name}") for i, name in enumerate(names)]),
        Row(
            "why",
            [
                Cell(heat.pixels(flat[i]), f"residual of {name}", f"p {_marks(explanation, i)[1]}")
                for i, name in enumerate(names)
            ],
        ),
    ]
    return figure(grid(rows), "Bright in the last row: squared residuals that are large for their place.")


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


def _histogram(detector: AnomalyDetector, scores: Array) -> Html:
    values = -scores
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(np.quantile(finite, 0.999))
    high = max(high, -detector.offset_ * 1.05 if np.isfinite(detector.offset_) else high, low + 1e-9)
    edges = np.linspace(low, high, BINS + 1).tolist()

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="score (higher is more anomalous)", ylabel="samples")
        ax.hist(np.clip(values, low, high), bins=edges, color=SERIES[0])
        if np.isfinite(detector.offset_):
            ax.axvline(-detector.offset_, color=INK, lw=1.5, ls="--")
        ax.set_yscale("symlog", linthresh=10)

    beyond = int((values > high).sum())
    last = f" The last bar also holds {plural(beyond, 'sample')} beyond it." if beyond else ""
    drawing = plot(draw, (4.6, 3.0), "histogram of the scores with the threshold", "scores")
    return section("Scores", figure(drawing, f"The dashed line is the threshold.{last}"), id_="scores")


def _calibration(p_values: Array, detector: AnomalyDetector) -> Html:
    """The fraction of samples with a p-value of at most a, against a: normal samples lie on the diagonal."""
    levels = np.geomspace(1 / (len(detector.calibration_scores_) + 1), 1.0, 80)  # type: ignore[arg-type]
    reached = np.searchsorted(np.sort(p_values), levels, side="right") / len(p_values)

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="p-value at most", ylabel="fraction of these samples")
        ax.plot(levels, levels, color=MUTED, lw=1.2, ls="--")
        ax.plot(levels, np.maximum(reached, 1e-9), color=SERIES[0], lw=2)
        ax.set(xscale="log", yscale="log", ylim=(max(levels[0] / 3, 1e-6), 1.5))

    at = 0.05 if detector.rate_ is None else detector.rate_
    found = float((p_values <= at).mean())
    drawing = plot(draw, (4.6, 3.4), "distribution of the p-values against the diagonal", "calibration")
    return section(
        "Calibration",
        figure(
            drawing,
            "Normal samples would lie on the dashed diagonal; above it at small p-values there are anomalies, or the "
            "data has drifted away from the training data.",
            f"{percent(found)} of these samples have a p-value of at most {percent(at)}.",
        ),
        id_="calibration",
    )
