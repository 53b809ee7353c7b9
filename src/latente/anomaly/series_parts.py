"""What a SeriesDetector is made of: its default detector of windows, what that says of rows, and its settings."""

from __future__ import annotations

__all__ = [
    "autoencoder_of", "calibrate", "check_rate", "check_settings", "default_detector", "drift_names", "drift_weights",
    "features_of", "load_detector", "threshold_of", "window_scores",
]  # fmt: skip

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.combined import ChannelResidual
from latente.anomaly.detector import AnomalyDetector
from latente.anomaly.series_calibration import blocks_in, step_threshold, warn_of_few_blocks
from latente.anomaly.windows import Array, check_window, windows_of
from latente.data import DataSpec
from latente.estimators import Autoencoder, load
from latente.networks import MLP
from latente.parts import is_integer, is_number
from latente.persistence import read_model
from latente.training import Trainer

if TYPE_CHECKING:
    from latente.anomaly.series import SeriesDetector
    from latente.anomaly.series_fitted import FittedSeries

AT_ONCE = 1 << 22  # values that are scored at once
ALIGNMENTS = ("mean", "end")
RATE = 0.01
LATENT, HIDDEN, NOISE, EPOCHS, WIDEST = 32, (64, 32), "gaussian:0.3", 20, 2000


def default_detector(width: int, seed: int, channels: int = 1) -> Any:
    """Returns an unfitted detector of windows: a denoising autoencoder, its score by whether channels are several.

    The training quantile is no matter: the threshold of steps is set by the series' own held-out end.

    Args:
        width: values of a window; of more than 2,000 the joint covariance costs too much, and the residual judges.
        seed: decides everything random.
        channels: of the series; of several each is judged by itself.
    """
    trainer = Trainer(epochs=EPOCHS, verbose=False)
    autoencoder = Autoencoder(
        min(LATENT, max(1, width // 2)),
        network=MLP(HIDDEN),
        corruption=NOISE,
        data=DataSpec(kind="table"),
        trainer=trainer,
        random_state=seed,
    )
    alone = "combined" if width <= WIDEST else "reconstruction"
    scoring = alone if channels == 1 else ChannelResidual(channels)
    return AnomalyDetector(autoencoder, scoring=scoring, calibration="quantile", random_state=seed)


def autoencoder_of(detector: Any) -> Any:
    """Returns the autoencoder inside a fitted detector of windows, or the detector itself.

    Args:
        detector: an AnomalyDetector around an autoencoder, or anything else.
    """
    models = detector._fitted.models if isinstance(detector, AnomalyDetector) else ()
    return models[0] if models else detector


def load_detector(path: Path) -> Any:
    """Returns the detector of windows in a folder."""
    stored = read_model(path)[1].estimator
    return AnomalyDetector.load(path) if stored == AnomalyDetector.__name__ else load(path)


def window_scores(detector: Any, rows: NDArray[Any]) -> Array:
    """Returns (m,): the scores of rows (m, d), which may be a view of overlapping windows, piece by piece."""
    size = max(1, AT_ONCE // rows.shape[1])
    parts = [detector.score_samples(rows[i : i + size]) for i in range(0, len(rows), size)]
    scores = np.concatenate(parts).astype(np.float64)
    return np.where(np.isnan(scores), -np.inf, scores)  # what cannot be judged is not normal


def drift_weights(columns: int) -> Array:
    """Returns (columns,): of the rate of false warnings the codes share a half, and the score has the other one."""
    weights = np.full(columns, 0.5 / max(1, columns - 1))
    weights[-1] = 0.5 if columns > 1 else 1.0
    return weights


def drift_names(columns: int) -> list[str]:
    """Returns (columns,): what `features_of` returns in each column, in words."""
    return [*(f"unit {i} of the codes (counted from 0)" for i in range(columns - 1)), "the score"]


def features_of(detector: Any, rows: NDArray[Any]) -> Array:
    """Returns (m, k): the codes of rows, where the detector has a transform, and their scores."""
    model, scores = autoencoder_of(detector), window_scores(detector, rows)[:, None]
    return np.hstack([model.transform(rows), scores]) if hasattr(model, "transform") else scores


def threshold_of(model: FittedSeries) -> float:
    """Returns the score below which a step is called anomalous; warns where too little was held out for the rate."""
    scores = model.calibration_scores_
    if model.contamination is not None:
        return float(np.quantile(scores, model.contamination))
    rate = RATE if model.false_alarm_rate is None else float(model.false_alarm_rate)
    warn_of_few_blocks(model.calibration_blocks_, model.window_, rate, model.calibration_fraction)
    return step_threshold(scores, model.calibration_blocks_, rate)


def calibrate(model: FittedSeries, held: list[NDArray[np.float32]]) -> None:
    """Sets the threshold and the reference of drift by scaled series, of which the shortest are left out.

    Raises:
        ValueError: where the detector of windows gives no finite scores.
    """
    held = [item for item in held if len(item) >= model.window_]
    scores = np.concatenate([model._step_scores(item) for item in held])
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{type(model.detector_).__name__} gives scores that are not finite to {int((~np.isfinite(scores)).sum())} "
            f"of {len(scores)} held-out steps; use another detector="
        )
    model.calibration_scores_ = np.sort(scores)
    model.calibration_blocks_ = blocks_in(sum(map(len, held)), model.window_)
    model.offset_ = threshold_of(model)
    apart = np.concatenate([windows_of(item, model.window_)[:: model.window_] for item in held])
    model.drift_reference_ = features_of(model.detector_, apart)


def check_rate(name: str, value: Any) -> None:
    """Raises ValueError unless a value is None or in (0, 0.5)."""
    if value is not None and (not is_number(value, 0, 0.5) or value in (0, 0.5)):
        raise ValueError(f"{name} must be a number above 0 and below 0.5; got {value!r}")


def check_settings(model: SeriesDetector) -> None:
    """Raises TypeError or ValueError for settings that make no sense."""
    if model.detector is not None and not all(hasattr(model.detector, name) for name in ("fit", "score_samples")):
        raise TypeError(f"detector must have fit and score_samples, higher for normal rows; got {model.detector!r}")
    check_window(model.window)
    if model.align not in ALIGNMENTS:
        raise ValueError(f"align must be 'mean' or 'end'; got {model.align!r}")
    if model.power is not None and not is_integer(model.power, low=1):
        raise ValueError(f"power must be an integer of at least 1, or None; got {model.power!r}")
    if model.false_alarm_rate is not None and model.contamination is not None:
        raise ValueError("give false_alarm_rate= or contamination=, not both")
    for name in ("false_alarm_rate", "contamination", "calibration_fraction"):
        check_rate(name, getattr(model, name))
    if model.update_every is not None and not is_integer(model.update_every, low=1):
        raise ValueError(f"update_every must be an integer of at least 1 step, or None; got {model.update_every!r}")
    for name, low in (("max_windows", 8), ("buffer_size", 16)):
        if not is_integer(getattr(model, name), low=low):
            raise ValueError(f"{name} must be an integer of at least {low}; got {getattr(model, name)!r}")
