"""What a fitted detector does: scores, p-values, flags, explanations."""

from __future__ import annotations

__all__ = ["CalibrationWarning", "FittedDetector"]

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latente.anomaly.calibration import conformal_p_values, conformal_threshold, select
from latente.anomaly.expectation import Expectation
from latente.anomaly.explanation import Explanation, explain
from latente.anomaly.fitting import Fitted, mean_of, pieces, prepared
from latente.anomaly.scores import Score, State
from latente.anomaly.surroundings import Surroundings
from latente.data import Rows, Schema, as_rows
from latente.estimators.fitted import read_checked
from latente.estimators.inference import collected, finite_chunks, over_chunks
from latente.parts import is_number

if TYPE_CHECKING:
    from latente.anomaly.detector import AnomalyDetector

USUAL_RATE = 0.05
AT_ONCE, VALUES = 512, 1 << 21  # training samples that are scored together, and the values in them

Array = NDArray[np.float64]


class CalibrationWarning(UserWarning):
    """Warned when calibration samples cannot show the stated rate, so that little or nothing can be flagged.

    There are too few of them, or they are contaminated training data.

    Example:
        >>> from latente.anomaly import AnomalyDetector, Ensemble
        >>> X = np.random.default_rng(0).normal(size=(20, 3))
        >>> detector = AnomalyDetector(Ensemble(members=4, steps=10), false_alarm_rate=0.001, random_state=0)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     fitted = detector.fit(X)
        >>> [warning.category.__name__ for warning in caught]
        ['CalibrationWarning']
    """


class FittedDetector(OutlierMixin, BaseEstimator):
    """The methods of a detector that has been fitted; all are deterministic and give each sample the same answer.

    They need the attributes that fitting sets.
    """

    offset_: float
    calibration_scores_: Array | None
    score_: Score
    schema_: Schema
    false_alarm_rate: float | None
    contamination: float | str | None
    _fitted: Fitted
    _state: State
    _level: Tensor
    _usual: Tensor  # the residuals' scale
    _expectation: Expectation | Surroundings | None
    _calibrated = False  # whether the calibration scores are those of samples given to `calibrate`

    @property
    def contaminated(self) -> bool:
        """Whether the training data may hold anomalies."""
        return self.contamination is not None

    @property
    def rate_(self) -> float | None:
        """The rate of false alarms that the threshold is set for; None where it follows from the contamination."""
        if self.false_alarm_rate is not None:
            return float(self.false_alarm_rate)
        return None if self.contaminated and self.contamination != "auto" else USUAL_RATE

    # Scores

    def score_samples(self, X: Any, *, out: str | Path | None = None, missing: str = "raise") -> Array:
        """Returns (n,): minus the score, averaged over the members; higher is more normal.

        Each member's score is in units of its median over training samples. The members see values up to 10 standard
        deviations from the mean (100 for a wrapped autoencoder); for each value beyond, the natural logarithm of how
        many times farther it lies is added, so that farther is always less normal.

        Args:
            X: (n, ...), as in `fit`; read and scored in pieces.
            out: a .npy file to write the scores to piece by piece; what is returned is then a read-only map of it.
            missing: "raise" for an error that names samples with values that are not finite; "nan" gives these the
                score NaN.

        Raises:
            ValueError: for samples of another shape, or values that are not finite.
        """
        if missing not in ("raise", "nan"):
            raise ValueError(f"missing must be 'raise' or 'nan'; got {missing!r}")
        rows = self._read(X)
        broken = np.zeros(len(rows), dtype=bool)
        scaled = self._scaled(rows) if missing == "raise" else self._passed_over(rows, broken)
        return collected(_with_nan((mean_of(piece) for piece in self._scores(scaled)), broken), len(rows), out)

    def decision_function(self, X: Any) -> Array:
        """Returns (n,): `score_samples` minus `offset_`; negative for anomalies.

        Args:
            X: (n, ...), as in `fit`.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Returns (n,): 1 for normal samples, -1 for anomalies.

        Args:
            X: (n, ...), as in `fit`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1).astype(np.int64)

    def p_values(self, X: Any) -> Array:
        """Returns (n,): how probable so low a score is for a normal sample, a conformal p-value.

        It is no probability of being an anomaly. With m calibration samples the smallest value is 1 / (m + 1). Where
        the training data is contaminated, p-values are larger than they should be.

        Args:
            X: (n, ...), as in `fit`.

        Raises:
            ValueError: when the threshold is the training quantile, which gives none.
        """
        check_is_fitted(self, "score_")
        return self.p_values_of(self.score_samples(X))

    def p_values_of(self, scores: Any) -> Array:
        """Returns (n,): the p-values of scores that are known already; see `p_values`.

        Args:
            scores: (n,), as `score_samples` returns them; NaN gives NaN.
        """
        check_is_fitted(self, "score_")
        if self.calibration_scores_ is None:
            raise ValueError("calibration='quantile' gives no p-values; use 'cross' or 'split'")
        scores = np.asarray(scores, dtype=np.float64)
        return np.where(np.isnan(scores), np.nan, conformal_p_values(scores, self.calibration_scores_))

    def select(self, X: Any, fdr: float = 0.1) -> NDArray[np.bool_]:
        """Returns (n,): which samples of a batch are anomalies, at a stated false-discovery rate.

        With split calibration, or after `calibrate`, at most that fraction of those that are selected is normal, on
        average over batches of independent samples and over training sets. With cross calibration that
        is not proven. See `latente.anomaly.select`. Few calibration
        samples make it powerless: with m of them and n samples it takes (m + 1) fdr k >= n to select k at once. So does
        contaminated training data, whose anomalies are among the calibration scores: a `CalibrationWarning` says so.

        Args:
            X: (n, ...), the whole batch.
            fdr: the rate, between 0 and 1.
        """
        p = self.p_values(X)
        if self.contaminated and not self._calibrated:
            warnings.warn(
                "the training data may hold anomalies, and p-values are ranks among its scores: too large, so select "
                "finds little or nothing. Call calibrate(X_normal) with samples known to be normal, or flag a known "
                "share with contamination=0.1 and predict",
                CalibrationWarning,
                stacklevel=2,
            )
        return select(p, fdr)

    def explain(self, X: Any) -> Explanation:
        """Returns what makes each sample unusual.

        Tables: the probability of each value of a row to be the wrong one, if one of them is; they add up to 1, so in
        a table of one column it is 1 whatever the row. Small networks learn it from training rows in which one value
        was moved (`latente.anomaly.localisation`) when it is first asked for, in some seconds of CPU time up to 200
        columns; after `load`, again. From fewer training rows than columns they are far too sure. What is expected is
        a linear prediction from the other values of the row, each repaired by its own prediction as far as it is
        likely to be the wrong one. Above 2,000 columns, and after `forget_rows`, probabilities and expectations follow
        from each value's residual in the members alone.

        Images whose gradients an ensemble sees, the default: the squared difference between each pixel and what its
        surroundings predict, in units of scaled data: squares of 5 x 5 pixels are filled in from all that is outside,
        by the normal distribution of the training samples. Other images, and signals: the squared residual at each
        position, in units of its usual scale.

        Args:
            X: (n, ...), as in `fit`; best only the samples of interest.
        """
        rows = self._read(X)
        return explain(self, np.concatenate(list(finite_chunks(rows))))

    def set_rate(self, false_alarm_rate: float) -> Self:
        """Sets `false_alarm_rate`, moves the threshold of the fitted detector there, and returns self.

        The rate takes the place of a `contamination` that is a number, which becomes "auto".

        Args:
            false_alarm_rate: the fraction of normal samples that may be flagged.

        Raises:
            ValueError: for a rate outside (0, 1), or where there are no calibration scores.
        """
        check_is_fitted(self, "score_")
        self._check_rate(false_alarm_rate)
        if self.calibration_scores_ is None:
            raise ValueError(
                "calibration='quantile' keeps no calibration scores; fit again with this rate, or calibrate(X_normal)"
            )
        self.false_alarm_rate = false_alarm_rate
        self.contamination = "auto" if self.contaminated else None
        self.offset_ = self._conformal(self.calibration_scores_, float(false_alarm_rate))
        return self

    def calibrate(self, X: Any, false_alarm_rate: float | None = None) -> Self:
        """Sets threshold and p-values by normal samples that the detector has not seen, and returns self.

        Nothing is trained. For later normal samples exchangeable with X the rate of false alarms is at most the stated
        one, on average over X, whatever the training data held.

        Args:
            X: (n, ...), normal samples, none of them from `fit`.
            false_alarm_rate: None for the present one, or 0.05 where a contamination had been given; see `set_rate`.

        Raises:
            ValueError: for a rate outside (0, 1), no samples, or samples that cannot be scored.

        Example:
            >>> from latente.anomaly import AnomalyDetector, Ensemble
            >>> X = np.random.default_rng(0).normal(size=(500, 3))
            >>> detector = AnomalyDetector(Ensemble(members=4, steps=50), random_state=0).fit(X[:200])
            >>> detector.calibrate(X[200:] * 2, 0.1).predict(X[200:] * 2).tolist().count(-1)
            29
        """
        check_is_fitted(self, "score_")
        rate = false_alarm_rate if false_alarm_rate is not None else self.rate_ or USUAL_RATE
        self._check_rate(rate)
        scores = self.score_samples(X)
        if not len(scores):
            raise ValueError("calibrate needs normal samples; X has none")
        self.calibration_scores_, self._calibrated = scores, True
        return self.set_rate(rate)

    # Keeping

    def forget_rows(self) -> Self:
        """Drops the training rows of a table that `explain` learns from, and returns self.

        Scores, flags and p-values stay as they are; `explain` then goes by each value's residual in the members, which
        names the wrong value less often. The score may still hold training samples: `NearestReferences`, the default,
        and `NearestCodes` do, while "joint", "combined", "reconstruction", "code" and "likelihood" keep statistics.

        Example:
            >>> from latente.anomaly import AnomalyDetector, Ensemble
            >>> X = np.random.default_rng(0).normal(size=(200, 3))
            >>> detector = AnomalyDetector(Ensemble(members=4, steps=50), scoring="joint", random_state=0).fit(X)
            >>> detector.forget_rows().explain([[9.0, 0.0, 0.0]]).ranked(0, 1)[0].feature
            0
        """
        check_is_fitted(self, "score_")
        if isinstance(self._expectation, Expectation):
            self._expectation = None
        return self

    def save(self, path: str | Path) -> Path:
        """Writes the detector to a folder of safetensors and JSON, and returns its path.

        The folder of a detector of tables holds up to 10,000 of its training rows, from which `explain` learns, unless
        `forget_rows` was called; the default score holds training samples beside.

        Args:
            path: of the folder.
        """
        from latente.anomaly.saving import save

        check_is_fitted(self, "score_")
        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> AnomalyDetector:
        """Returns the detector in a folder; it scores bit for bit as the saved one did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.anomaly.saving import load

        return load(path)

    # The threshold

    def _check_rate(self, rate: Any) -> None:
        if rate is not None and (not is_number(rate, 0, 1) or rate in (0, 1)):
            raise ValueError(f"false_alarm_rate must be between 0 and 1, or None; got {rate!r}")

    def _threshold(self, training: Array) -> float:
        rate = self.rate_
        if rate is None:
            return float(np.quantile(training, float(self.contamination)))  # type: ignore[arg-type]  # a number
        if self.calibration_scores_ is None:
            return float(np.quantile(training, rate))
        return self._conformal(self.calibration_scores_, rate)

    def _conformal(self, calibration: Array, rate: float) -> float:
        threshold = conformal_threshold(calibration, rate)
        if not np.isfinite(threshold):
            m = len(calibration)
            warnings.warn(
                f"{m} calibration sample{'s' * (m != 1)} cannot show a rate of {rate:g}: the smallest p-value is "
                f"{1 / (m + 1):.3g}, so nothing will be flagged. It takes {int(np.ceil(1 / rate)) - 1} of them, or "
                "a higher rate",
                CalibrationWarning,
                stacklevel=4,
            )
        return threshold

    # Data in

    def _read(self, X: Any) -> Rows:
        check_is_fitted(self, "score_")
        rows = read_checked(self, X, reset=False)
        self.schema_.check_shape(rows)
        return rows

    def _scaled(self, rows: Rows) -> Iterator[Tensor]:
        return (prepared(self.schema_, chunk) for chunk in finite_chunks(rows))

    def _passed_over(self, rows: Rows, broken: NDArray[np.bool_]) -> Iterator[Tensor]:
        """Yields scaled samples, 0 for those that are not finite, which it marks in `broken` (n,)."""
        for start, chunk in rows.chunks():
            bad = ~np.isfinite(chunk).reshape(len(chunk), -1).all(1)
            broken[start : start + len(chunk)] = bad
            yield prepared(self.schema_, np.where(bad.reshape(-1, *(1,) * (chunk.ndim - 1)), 0, chunk))

    def _scores(self, x: Iterator[Tensor]) -> Iterator[NDArray[np.float32]]:
        """Yields the members' scores (m, members) of scaled samples, higher for anomalies, in fixed pieces."""
        backbone = self._fitted.backbone

        def function(piece: Tensor) -> Tensor:
            return torch.cat([self._score_of(part) for part in pieces(piece, backbone.members)])

        return over_chunks(backbone, x, function, next(backbone.parameters()).device)

    def _score_of(self, x: Tensor, index: Tensor | None = None) -> Tensor:
        """Returns the members' scores (n, members) of scaled samples: new ones, or training samples `index` (n,)."""
        backbone = self._fitted.backbone
        views = backbone.views(x)
        if index is not None:
            views = replace(views, index=index.expand(backbone.members, -1))
        return (self.score_(views, self._state) / self._level[:, None]).T + backbone.excess(x)[:, None]

    def _scores_of(self, samples: NDArray[Any]) -> Array:
        """Returns `score_samples` of samples (n, ...) that came from data which was checked; they have no names."""
        rows = as_rows(samples)
        return collected((mean_of(piece) for piece in self._scores(self._scaled(rows))), len(rows), None)

    def _training_scores(self, x: Tensor, index: Tensor) -> NDArray[np.float32]:
        """Returns the members' scores (n, members) of training samples, none of them held against itself."""
        backbone = self._fitted.backbone.eval()
        device = backbone.shift.device
        rows = max(16, min(AT_ONCE, VALUES // x[0].numel()))
        with torch.inference_mode():
            parts = zip(x.split(rows), index.split(rows), strict=True)
            found = [self._score_of(part.to(device), own.to(device)).cpu() for part, own in parts]
        return torch.cat(found).float().numpy()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "score_")


def _with_nan(pieces: Iterator[Array], broken: NDArray[np.bool_]) -> Iterator[Array]:
    """Yields the scores (m,) with NaN for samples that are marked in `broken` (n,) by then."""
    at = 0
    for piece in pieces:
        yield np.where(broken[at : at + len(piece)], np.nan, piece)
        at += len(piece)
