"""`latente detect`: anomalies in data, at a stated rate of false alarms."""

from __future__ import annotations

__all__ = ["detect"]

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latente.cli import detect_options, options
from latente.cli.naming import Named, arranged, read_named
from latente.cli.outputs import SEPARATORS, TABLES, check_file, check_folder, new_file, new_folder
from latente.cli.printing import show
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.anomaly import AnomalyDetector


def detect(
    data: options.Data,
    output: detect_options.Output,
    train: detect_options.Train = None,
    model: detect_options.Model = None,
    false_alarm_rate: detect_options.FalseAlarmRate = None,
    contamination: detect_options.Contamination = None,
    fdr: detect_options.Fdr = None,
    id_column: detect_options.IdColumn = None,
    report: detect_options.Report = None,
    save: detect_options.Save = None,
    resize: options.Resize = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Find anomalies: a score, a p-value and a flag for each sample."""
    _check(output, report, save, force)
    if model is not None and (train, contamination) != (None, None):
        raise ValueError("--model has learned already; leave --train and --contamination out")
    named = read_named(data, id_column, resize)
    detector = _opened(model, false_alarm_rate)
    if detector is None:
        normal = None if train is None else read_named(train, id_column, resize, train=True)
        named = named if normal is None else arranged(named, normal.columns)
        detector = _learned(named if normal is None else normal, normal is None, false_alarm_rate, contamination, seed)
    named = arranged(named, [str(name) for name in getattr(detector, "feature_names_in_", ())])
    _write(detector, named, output, fdr, as_json)
    _keep(detector, named, report, save, fdr)


def _check(output: Path, report: Path | None, save: Path | None, force: bool) -> None:
    """Raises where a result cannot be written, before any work."""
    check_file(output, TABLES, force)
    if report is not None:
        check_file(report, (".html",), force)
    if save is not None:
        check_folder(save, force)


def _keep(detector: AnomalyDetector, named: Named, report: Path | None, save: Path | None, fdr: float | None) -> None:
    """Writes the page and the detector where they were asked for."""
    if report is not None:
        from latente.report import write_anomaly_report

        with new_file(report) as part:
            write_anomaly_report(detector, part, named.X, ids=named.ids, fdr=fdr)
    if save is not None:
        with new_folder(save) as folder:
            detector.save(folder)


def _opened(model: Path | None, rate: float | None) -> AnomalyDetector | None:
    """Returns the detector in a folder, its threshold at the rate."""
    if model is None:
        return None
    from latente.anomaly import AnomalyDetector

    if not model.exists():
        raise FileNotFoundError(f"no such detector: {model}; give a folder that latente detect --save wrote")
    detector = AnomalyDetector.load(model)
    return detector if rate is None else detector.set_rate(rate)


def _learned(normal: Named, itself: bool, rate: float | None, contamination: str | None, seed: int) -> AnomalyDetector:
    """Returns a detector of what is like these samples, which may be those that are judged themselves."""
    from latente.anomaly import AnomalyDetector

    how = _contamination(contamination)
    if how is None and itself:
        how = "auto"
        note(
            "note: learning from DATA itself, as if it held anomalies; --train NORMAL gives rates that hold for others"
        )
    return AnomalyDetector(false_alarm_rate=rate, contamination=how, random_state=seed).fit(normal.X)


def _contamination(text: str | None) -> float | str | None:
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--contamination must be auto or a fraction such as 0.05; got {text!r}") from None


def _write(detector: AnomalyDetector, named: Named, output: Path, fdr: float | None, as_json: bool) -> None:
    """Writes ids, scores, p-values and flags, and says how many are flagged."""
    from latente.anomaly import select

    scores = detector.score_samples(named.X)
    known = detector.calibration_scores_ is not None
    p_values = detector.p_values_of(scores) if known or fdr is not None else np.full(len(scores), np.nan)
    flags = scores < detector.offset_ if fdr is None else select(p_values, fdr)
    columns = {
        named.name: named.ids,
        "anomaly_score": (-scores).tolist(),
        "p_value": p_values.tolist() if known else [None] * len(scores),
        "anomaly": flags.astype(int).tolist(),
    }
    with new_file(output) as part:
        _write_columns(part, columns)
    record = {
        "output": str(output),
        "samples": len(scores),
        "flagged": int(flags.sum()),
        "false_alarm_rate": detector.rate_ if fdr is None else None,
        "fdr": fdr,
        "threshold": -detector.offset_ if fdr is None else None,
    }
    show(record, f"wrote {output}: {int(flags.sum())} of {len(scores)} flagged", as_json)


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
