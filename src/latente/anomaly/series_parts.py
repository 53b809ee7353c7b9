"""What a SeriesDetector is made of: its default detector of windows, what that says of rows, and its settings."""

from __future__ import annotations

__all__ = ["check_settings", "default_detector", "features_of", "load_detector", "threshold_of", "window_scores"]

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.windows import Array, check_window
from latente.parts import is_integer, is_number

if TYPE_CHECKING:
    from latente.anomaly.series import SeriesDetector

AT_ONCE = 1 << 22  # values that are scored at once
ALIGNMENTS = ("mean", "end")
RATE = 0.01


def default_detector(width: int, seed: int) -> Any:
    """Returns an unfitted detector of windows.

    Args:
        width: values of a window.
        seed: decides everything random.
    """
    from latente.estimators import Autoencoder
    from latente.training import Trainer

    trainer = Trainer(epochs=20, verbose=False)
    return Autoencoder(min(16, max(1, width // 2)), corruption="gaussian:0.3", trainer=trainer, random_state=seed)


def load_detector(path: Path) -> Any:
    """Returns the detector of windows in a folder."""
    from latente.estimators import load

    return load(path)


def window_scores(detector: Any, rows: NDArray[Any]) -> Array:
    """Returns (m,): the scores of rows (m, d), which may be a view of overlapping windows, piece by piece."""
    size = max(1, AT_ONCE // rows.shape[1])
    parts = [detector.score_samples(rows[i : i + size]) for i in range(0, len(rows), size)]
    return np.concatenate(parts).astype(np.float64)


def features_of(detector: Any, rows: NDArray[Any]) -> Array:
    """Returns (m, k): the codes of rows, where the detector has a transform, and their scores."""
    model, scores = getattr(detector, "autoencoder_", detector), window_scores(detector, rows)[:, None]
    return np.hstack([model.transform(rows), scores]) if hasattr(model, "transform") else scores


def threshold_of(scores: Array, false_alarm_rate: float | None, contamination: float | None) -> float:
    """Returns the score below which a step is called anomalous.

    Args:
        scores: (n,) sorted, of held-out steps, or of the training steps for a contamination.
        false_alarm_rate: steps below the threshold are those with (1 + #{scores <= s}) / (n + 1) <= rate.
        contamination: a quantile of the scores.

    Raises:
        ValueError: where there are too few scores for the rate.
    """
    if contamination is not None:
        return float(np.quantile(scores, contamination))
    rate = RATE if false_alarm_rate is None else false_alarm_rate
    rank = int(rate * (len(scores) + 1) + 1e-9)
    if rank < 1:
        raise ValueError(
            f"{len(scores)} held-out steps cannot show a false-alarm rate of {rate:g}, which needs at least "
            f"{int(np.ceil(1 / rate - 1 - 1e-9))}; give more steps, a larger calibration_fraction or a larger rate"
        )
    return float(scores[rank - 1])


def check_settings(model: SeriesDetector) -> None:
    """Raises TypeError or ValueError for settings that make no sense."""
    if model.detector is not None and not all(hasattr(model.detector, name) for name in ("fit", "score_samples")):
        raise TypeError(f"detector must have fit and score_samples, higher for normal rows; got {model.detector!r}")
    check_window(model.window)
    if model.align not in ALIGNMENTS:
        raise ValueError(f"align must be 'mean' or 'end'; got {model.align!r}")
    if model.false_alarm_rate is not None and model.contamination is not None:
        raise ValueError("give false_alarm_rate= or contamination=, not both")
    for name in ("false_alarm_rate", "contamination", "calibration_fraction"):
        value = getattr(model, name)
        if value is not None and (not is_number(value, 0, 0.5) or value in (0, 0.5)):
            raise ValueError(f"{name} must be a number above 0 and below 0.5; got {value!r}")
    for name, low in (("max_windows", 8), ("buffer_size", 16)):
        if not is_integer(getattr(model, name), low=low):
            raise ValueError(f"{name} must be an integer of at least {low}; got {getattr(model, name)!r}")
