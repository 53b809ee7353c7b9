"""Reports: one HTML file for a model, a detector or a compressed file, and the gallery that `latente demo` makes."""

from __future__ import annotations

__all__ = [
    "run_demo", "write_anomaly_report", "write_codec_report", "write_report", "write_series_report",
    "write_words_report",
]  # fmt: skip

from latente.report.anomaly_report import write_anomaly_report
from latente.report.codec_report import write_codec_report
from latente.report.demo import run_demo
from latente.report.model_report import write_report
from latente.report.series_report import write_series_report
from latente.report.words_report import write_words_report
