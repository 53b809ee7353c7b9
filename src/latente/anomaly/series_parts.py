"""What a SeriesDetector is made of: its default detector of windows, what that says of rows, and its settings."""

from __future__ import annotations

__all__ = [
    "autoencoder_of", "check_settings", "default_detector", "features_of", "load_detector", "threshold_of",
    "window_scores",
]  # fmt: skip

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.calibration import conformal_threshold
from latente.anomaly.detector import AnomalyDetector
from latente.anomaly.windows import Array, check_window
from latente.data import DataSpec
from latente.estimators import Autoencoder, load
from latente.networks import MLP
from latente.parts import is_integer, is_number
from latente.persistence import read_model
from latente.training import Trainer

if TYPE_CHECKING:
    from latente.anomaly.series import SeriesDetector

AT_ONCE = 1 << 22  # values that are scored at once
ALIGNMENTS = ("mean", "end")
RATE = 0.01
LATENT, HIDDEN, NOISE, EPOCHS, WIDEST = 32, (64, 32), "gaussian:0.3", 20, 2000


def default_detector(width: int, seed: int) -> Any:
    """Returns an unfitted detector of windows: a denoising autoencoder, judged by code and residual together.

    The training quantile is no matter: the threshold of steps is set by the series' own held-out end.

    Args:
        width: values of a window; of more than 2,000 the joint covariance costs too much, and the residual judges.
        seed: decides everything random.
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
    scoring = "joint" if width <= WIDEST else "reconstruction"
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
    return np.concatenate(parts).astype(np.float64)


def features_of(detector: Any, rows: NDArray[Any]) -> Array:
    """Returns (m, k): the codes of rows, where the detector has a transform, and their scores."""
    model, scores = autoencoder_of(detector), window_scores(detector, rows)[:, None]
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
    threshold = conformal_threshold(scores, rate)
    if not np.isfinite(threshold):
        raise ValueError(
            f"{len(scores)} held-out steps cannot show a false-alarm rate of {rate:g}, which needs at least "
            f"{int(np.ceil(1 / rate - 1 - 1e-9))}; give more steps, a larger calibration_fraction or a larger rate"
        )
    return threshold


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
