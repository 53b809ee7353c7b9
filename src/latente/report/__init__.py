"""Reports: one HTML file for a model, a detector, a compressed file, sound, music; the gallery of `latente demo`."""

from __future__ import annotations

__all__ = [
    "Heard", "Listening", "Stretch", "run_demo", "write_anomaly_report", "write_codec_report", "write_music_report",
    "write_report", "write_series_report", "write_sound_report", "write_words_report",
]  # fmt: skip

from latente.report.anomaly_report import write_anomaly_report
from latente.report.codec_report import write_codec_report
from latente.report.demo import run_demo
from latente.report.listening import Heard, Listening, Stretch
from latente.report.model_report import write_report
from latente.report.music_report import write_music_report
from latente.report.series_report import write_series_report
from latente.report.sound_report import write_sound_report
from latente.report.words_report import write_words_report
