"""`latente detect`: anomalies in data, at a stated rate of false alarms."""

from __future__ import annotations

__all__ = ["detect"]

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli import detect_options, options
from latente.cli.columns import check_dropped
from latente.cli.complete import complete
from latente.cli.detected import judged, write_judged
from latente.cli.detecting_series import learned_series
from latente.cli.naming import Named, arranged, read_named
from latente.cli.outputs import TABLES, check_file, check_folder, new_file, new_folder
from latente.cli.problems import naming, note

if TYPE_CHECKING:
    from latente.anomaly import AnomalyDetector, SeriesDetector


def detect(
    data: options.Data,
    output: detect_options.Output,
    train: detect_options.Train = None,
    model: detect_options.Model = None,
    series: detect_options.Series = False,
    window: detect_options.Window = None,
    false_alarm_rate: detect_options.FalseAlarmRate = None,
    contamination: detect_options.Contamination = None,
    fdr: detect_options.Fdr = None,
    id_column: detect_options.IdColumn = None,
    drop: options.Drop = None,
    report: detect_options.Report = None,
    save: detect_options.Save = None,
    resize: options.Resize = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Find anomalies: a score, a p-value and a flag for each sample, or each time step of a series."""
    _check(output, report, save, force)
    _check_kind(series, window, resize, model)
    if model is not None and (train, contamination, window) != (None, None, None):
        raise ValueError("--model has learned already; leave --train, --contamination and --window out")
    detector: Any = _opened(model, series, false_alarm_rate)
    series = series or (detector is not None and hasattr(detector, "window_"))
    read = partial(read_named, id_column=id_column, resize=resize, series=series, drop=drop or ())
    named = read(data)
    normal = None if train is None else read(train, train=True)
    check_dropped(drop or (), {table.source: table.found for table in (named, normal) if table is not None})
    if detector is None:
        named = named if normal is None else arranged(named, normal.columns)
        learn: Any = partial(learned_series, window=window) if series else _learned
        learned = named if normal is None else normal
        learned = learned if series else complete(learned)
        with naming(X=learned.source):
            detector = learn(learned, normal is None, false_alarm_rate, _contamination(contamination), seed)
    named = arranged(named, [str(name) for name in getattr(detector, "feature_names_in_", ())])
    write_judged(judged(detector, named, fdr), detector, named, output, as_json)
    _keep(detector, named, report, save, fdr)


def _check(output: Path, report: Path | None, save: Path | None, force: bool) -> None:
    """Raises where a result cannot be written, before any work."""
    check_file(output, TABLES, force)
    if report is not None:
        check_file(report, (".html",), force)
    if save is not None:
        check_folder(save, force)


def _check_kind(series: bool, window: int | None, resize: str | None, model: Path | None) -> None:
    """Raises for options that do not go together."""
    if window is not None and not series and model is None:
        raise ValueError("--window is for series; add --series, which says that rows are time steps in order")
    if series and resize is not None:
        raise ValueError("--resize is for folders of images; a series is a table or an array of time steps")


def _keep(detector: Any, named: Named, report: Path | None, save: Path | None, fdr: float | None) -> None:
    """Writes the page and the detector where they were asked for."""
    if report is not None:
        from latente.anomaly import AnomalyDetector
        from latente.report import write_anomaly_report, write_series_report

        write: Any = write_anomaly_report if isinstance(detector, AnomalyDetector) else write_series_report
        with new_file(report) as part:
            write(detector, part, named.X, ids=named.ids, fdr=fdr)
    if save is not None:
        with new_folder(save) as folder:
            detector.save(folder)


def _opened(model: Path | None, series: bool, rate: float | None) -> AnomalyDetector | SeriesDetector | None:
    """Returns the detector in a folder, its threshold at the rate."""
    if model is None:
        return None
    from latente.anomaly import SeriesDetector, load

    if not model.exists():
        raise FileNotFoundError(f"no such detector: {model}; give a folder that latente detect --save wrote")
    detector = load(model)
    if series and not isinstance(detector, SeriesDetector):
        raise ValueError(f"{model} holds a detector of single samples, not of series; leave --series out")
    return detector if rate is None else detector.set_rate(rate)


def _learned(
    normal: Named, itself: bool, rate: float | None, contamination: float | str | None, seed: int
) -> AnomalyDetector:
    """Returns a detector of what is like these samples, which may be those that are judged themselves."""
    from latente.anomaly import AnomalyDetector

    if contamination is None and itself:
        contamination = "auto"
        note(
            "note: learning from DATA itself, as if it held anomalies; --train NORMAL gives rates that hold for others"
        )
    return AnomalyDetector(false_alarm_rate=rate, contamination=contamination, random_state=seed).fit(normal.X)


def _contamination(text: str | None) -> float | str | None:
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--contamination must be auto or a fraction such as 0.05; got {text!r}") from None
