"""The anomaly detector."""

from __future__ import annotations

__all__ = ["AnomalyDetector"]

import copy
from collections import Counter
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from latente.anomaly.calibration import Calibration, CrossConformal, SplitConformal, cross_scores
from latente.anomaly.ensemble import LARGEST, Ensemble
from latente.anomaly.expectation import Expectation
from latente.anomaly.fitted import Array, FittedDetector
from latente.anomaly.fitting import fit_autoencoders, fit_ensemble, folds_of, mean_of, prepared
from latente.anomaly.fold_scale import FoldScale
from latente.anomaly.members import Members
from latente.anomaly.moments import robust_schema
from latente.anomaly.scores import NearestReferences, Score, robust_scale
from latente.anomaly.surroundings import Surroundings
from latente.anomaly.views import Views
from latente.data import DataSpec, Rows, Schema, check_values, decide
from latente.data.checks import check_samples
from latente.estimators import Autoencoder
from latente.estimators.fitted import read_checked
from latente.estimators.params import PartParams
from latente.parts import is_number, resolve
from latente.training import seed_of

FEW, MANY = 16, 1024  # references in contaminated and in clean data
COMPRESSED = 0.5  # of the members, in clean tables
LEAST = 0.6  # of a residual's scale in clean tables, relative to the spread of the data
TRIM = 0.1  # of contaminated data, the fraction that cannot be references
SEEN = 100_000  # training samples that are looked at, random ones
CALIBRATED = 20_000  # of them that are scored for the threshold
SMALL = 1000  # rows of a table; of more, a fold's part in the scale is too small to matter


class AnomalyDetector(PartParams, FittedDetector):
    """Says which samples are unlike the training data, how sure that is, and why.

    Autoencoders learn what the data looks like; a score measures how far a sample is from it; a threshold comes from
    scores of samples that the scoring members did not learn from, so that `false_alarm_rate` is the fraction of normal
    samples that will be flagged. The training data should be normal; if it may hold anomalies itself, say so with
    `contamination`. Such data is usually scored itself: a sample that equals a training sample is then taken for
    it, and not held against itself, where that occurs once.

    Args:
        autoencoder: what is trained: None for `Ensemble()`, many small autoencoders in one pass (large pictures and
            signals: `Autoencoder()`); an Ensemble with other settings; any latente autoencoder, of which a copy is
            fitted; a fitted one as sklearn.frozen.FrozenEstimator(model).
        scoring: NearestReferences, JointDistance, CombinedDistance, ChannelResidual, CodeDistance, NearestCodes,
            ReconstructionError, Likelihood, or a short string: "nearest", "joint", "combined", "channels:3", "code",
            "nearest_codes", "reconstruction", "likelihood". "auto" is nearest, with 1024 references, and smallest 0.6
            for tables; for contaminated data with 16, none of them among the outermost tenth; where an ensemble sees
            the gradients of pictures, with residual 0.
        false_alarm_rate: the fraction of normal samples that may be flagged; None is 0.05, or no rate where
            `contamination` is a number.
        contamination: None for normal training data; "auto" where it holds an unknown number of anomalies; a fraction
            above 0 and below 0.5, which alone flags that fraction of the training data and excludes a rate.
        calibration: where the threshold comes from: CrossConformal, SplitConformal, TrainingQuantile, or "cross:4",
            "split:0.25", "quantile". "auto" is cross for ensembles, split for a single autoencoder.
        data: what the data is, a DataSpec; "auto" looks at it. An autoencoder has a `data` of its own.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        offset_: `decision_function` is `score_samples` minus this.
        calibration_scores_: (m,), `score_samples` of samples that the scoring members did not see; None with
            TrainingQuantile.
        score_: the score.
        schema_: the front door's decisions about the data.
        n_features_in_: columns (second axis) of the training data.
        feature_names_in_: names of a frame's columns.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(500, 1)) * [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=(500, 3))
        >>> detector = AnomalyDetector(false_alarm_rate=0.01, random_state=0).fit(X)
        >>> detector.predict([[1.0, 2.0, -1.0], [1.0, 2.0, 1.0]])
        array([ 1, -1])
    """

    def __init__(
        self,
        autoencoder: Any = None,
        *,
        scoring: Any = "auto",
        false_alarm_rate: float | None = None,
        contamination: float | str | None = None,
        calibration: Any = "auto",
        data: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.autoencoder = autoencoder
        self.scoring = scoring
        self.false_alarm_rate = false_alarm_rate
        self.contamination = contamination
        self.calibration = calibration
        self.data = data
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains on X, sets the threshold, and returns self.

        Of more than 100,000 samples a random 100,000 are looked at.

        Args:
            X: (n, ...): an array, a frame of numbers, a path, or what `latente.open_rows` returns.
            y: ignored; scikit-learn's convention.

        Raises:
            TypeError, ValueError: for data or settings that cannot be used, before any training.
        """
        self._check()
        rows = read_checked(self, X, reset=True)
        check_samples(len(rows))
        check_values(rows)
        seed = seed_of(self.random_state)
        rng = np.random.default_rng(seed)
        samples = rows.sample(SEEN, seed)
        schema, part = self._choose(rows)
        self._score().check_model(part.estimator if isinstance(part, FrozenEstimator) else part)
        how = self._calibration(part)
        held, kept = self._divide(len(samples), how, rng)
        folds = folds_of(len(kept), how.folds if isinstance(how, CrossConformal) else 1, rng)
        if isinstance(part, Autoencoder):
            _check_enough(len(samples), how, folds)
        views = self._fit_members(samples[kept], schema, part, folds, seed)
        self._fit_score(views)
        self._mark_lone(samples[kept])
        self._set_threshold(samples, held, kept, folds, rng, how, views)
        self._state.pop("index", None)  # says which training samples were references; new ones are none of them
        return self

    # Settings

    def _check(self) -> None:
        share, rate = self.contamination, self.false_alarm_rate
        if share not in (None, "auto") and (not is_number(share, 0, 0.5) or share in (0, 0.5)):
            raise ValueError(
                f"contamination must be None (normal training data), 'auto', or above 0 and below 0.5; got {share!r}"
            )
        self._check_rate(rate)
        if rate is not None and share not in (None, "auto"):
            raise ValueError(
                f"contamination={share!r} flags that fraction of the training data, so there is no false_alarm_rate; "
                f"got {rate!r} as well. Use contamination='auto' with the rate, or leave one out"
            )
        self._score().check()

    @property
    def _sees_gradients(self) -> bool:
        """Whether it is an ensemble that looks at pictures and how they change."""
        backbone = self._fitted.backbone
        return isinstance(backbone, Members) and backbone.picture is not None

    def _score(self, kind: str = "table", gradients: bool = False) -> Score:
        """Returns the score for a kind of data, of which an ensemble may see gradients."""
        chosen = None if self.scoring == "auto" else copy.copy(resolve(self.scoring, Score))  # type: ignore[type-abstract]
        if chosen is not None:
            return chosen
        settings = {"residual": 0.0} if gradients else {}
        if self.contaminated:
            return NearestReferences(FEW, trim=TRIM, **settings)
        return NearestReferences(MANY, **settings, **({"smallest": LEAST} if kind == "table" else {}))

    def _choose(self, rows: Rows) -> tuple[Schema | None, Any]:
        """Returns the schema of an ensemble, or None, and what is to be trained."""
        given = self.autoencoder
        model = given.estimator if isinstance(given, FrozenEstimator) else given
        if isinstance(model, Autoencoder):
            if given is not model:
                _check_frozen(model, rows)
            return None, given
        if not isinstance(given, (str, Ensemble, type(None))):
            raise TypeError(
                "autoencoder must be None, an Ensemble, a latente autoencoder or FrozenEstimator of a fitted one; got "
                f"{given!r}"
            )
        part = copy.copy(resolve(given, Ensemble, None))
        schema = decide(rows, resolve(self.data, DataSpec, DataSpec()))
        if part is None and schema.kind != "table" and schema.size > LARGEST:
            return None, Autoencoder(data=self.data)
        part = part or Ensemble()
        part.check()
        if part.compressed == "auto" and schema.kind == "table" and not self.contaminated:
            part.compressed = COMPRESSED
        return schema, part

    def _inner(self, name: str, rest: str) -> Any:
        """Returns the part in the argument `name`; where it is None or a short string, what that stands for, made."""
        value = getattr(self, name)
        if value is None or isinstance(value, str):
            if name == "autoencoder":
                self.autoencoder = resolve(value, Ensemble, Ensemble())
            elif name == "scoring":
                self.scoring = self._score()
            elif name == "calibration":
                self.calibration = self._calibration(self.autoencoder or Ensemble())
        return super()._inner(name, rest)

    def _calibration(self, part: Any) -> Calibration:
        automatic = CrossConformal() if isinstance(part, Ensemble) else SplitConformal()
        how = automatic if self.calibration == "auto" else resolve(self.calibration, Calibration, automatic)
        how = how or automatic
        how.check()
        if isinstance(how, CrossConformal):
            if isinstance(part, FrozenEstimator):
                raise ValueError(
                    "calibration='cross' trains again without each fold, which a FrozenEstimator cannot; use 'split'"
                )
            if isinstance(part, Ensemble) and part.members < how.folds:
                raise ValueError(
                    f"{how.folds} folds need as many members of the ensemble; got {part.members}. Use "
                    f"Ensemble(members={how.folds}) or more, or calibration='split'"
                )
        return how

    def _divide(
        self, samples: int, how: Calibration, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
        """Returns the indices of the samples for calibration alone, or None, and of those to train on."""
        if not isinstance(how, SplitConformal):
            return None, np.arange(samples)
        apart = min(max(1, round(how.fraction * samples)), samples - 1)
        order = rng.permutation(samples)
        return np.sort(order[:apart]), np.sort(order[apart:])

    # The steps of a fit

    def _fit_members(
        self, samples: NDArray[Any], schema: Schema | None, part: Any, folds: NDArray[np.int64], seed: int
    ) -> Views:
        """Sets what was trained and returns the members' views of training samples of their own."""
        if schema is not None:
            schema = robust_schema(schema, samples)
            fitted, views = fit_ensemble(part, prepared(schema, samples), schema, folds, seed)
        elif isinstance(part, FrozenEstimator):
            fitted, views = fit_autoencoders(part.estimator, samples, folds, seed, frozen=True)
        else:
            fitted, views = fit_autoencoders(part, samples, folds, seed, frozen=False)
        if schema is None:
            robust_schema(fitted.schema, samples)  # only to warn: an autoencoder scales by itself
        self._fitted, self.schema_ = fitted, fitted.schema
        return views

    def _fit_score(self, views: Views) -> None:
        score = self._score(self.schema_.kind, self._sees_gradients)
        with torch.inference_mode():
            self._state = score.fit(views)
            level = score(views, self._state).median(1).values
            self._level = torch.where(level > 1e-12, level, 1.0)
            self._usual = robust_scale(views.residual, views.x)
        self.score_ = score

    def _cross_scores(
        self,
        of_members: NDArray[np.float32],
        samples: NDArray[Any],
        use: NDArray[np.int64],
        folds: NDArray[np.int64],
        views: Views,
    ) -> Array:
        """Returns the scores (m,) of training samples `use` as if what scores them had not seen them.

        Args:
            of_members: (m, members), their scores; rows of a small table are scored again, in the scale of the others.
            samples: (n, ...), that it was trained on.
            use: (m,), which are scored.
            folds: (n,), of all.
            views: of the members' training samples, in their own scale.
        """
        members = self._fitted.backbone
        if not isinstance(members, Members) or self.schema_.kind != "table" or len(samples) >= SMALL:
            return -cross_scores(of_members, folds[use])
        x, found = prepared(self.schema_, samples), of_members.copy()
        for fold in range(int(folds.max()) + 1):
            own, scale = copy.copy(self), FoldScale(members, x[folds != fold], self.schema_)
            own._fitted = replace(self._fitted, backbone=scale)
            with torch.inference_mode():
                own._fit_score(scale.moved(views))
            own._mark_lone(samples)
            inside = use[folds[use] == fold]
            found[folds[use] == fold] = own._training_scores(x[inside], torch.from_numpy(inside))
        return -cross_scores(found, folds[use])

    def _mark_lone(self, samples: NDArray[Any]) -> None:
        """Marks the references that occur once in contaminated data: it is scored itself, and none is its own."""
        if self.contaminated and "index" in self._state:
            rows = [row.tobytes() for row in samples]
            counts = Counter(rows)
            alone = torch.tensor([counts[row] == 1 for row in rows])
            self._state["lone"] = alone.to(self._state["index"].device)[self._state["index"]]

    def _set_threshold(
        self,
        samples: NDArray[Any],
        held: NDArray[np.int64] | None,
        kept: NDArray[np.int64],
        folds: NDArray[np.int64],
        rng: np.random.Generator,
        how: Calibration,
        views: Views,
    ) -> None:
        """Sets `calibration_scores_`, `offset_` and what explanations need."""
        use = rng.permutation(len(kept))[:CALIBRATED]
        of_members = self._training_scores(prepared(self.schema_, samples[kept[use]]), torch.from_numpy(use))
        training = mean_of(of_members)
        if held is not None:
            self.calibration_scores_ = self._scores_of(samples[held[:CALIBRATED]])
        elif isinstance(how, CrossConformal):
            self.calibration_scores_ = self._cross_scores(of_members, samples[kept], use, folds, views)
        else:
            self.calibration_scores_ = None
        asked = training if self.rate_ is not None else self._scores_of(samples[kept[use]])  # as predict will
        self._calibrated = False
        self.offset_ = self._threshold(asked)
        self._expectation = None
        if self.schema_.kind == "table" or self._sees_gradients:
            normal = training > np.quantile(training, 0.1) if self.contaminated else np.ones(len(use), dtype=bool)
            chosen = samples[kept[use]][normal if normal.any() else slice(None)]
            x = self._fitted.within(prepared(self.schema_, chosen))
            self._expectation = Expectation.of(x) if self.schema_.kind == "table" else Surroundings.of(x)


def _check_enough(samples: int, how: Calibration, folds: NDArray[np.int64]) -> None:
    """Raises ValueError when calibration leaves an autoencoder fewer than 2 samples to train on.

    Args:
        samples: in all.
        how: the threshold is calibrated.
        folds: (n,), of those that are not held out.
    """
    cross = isinstance(how, CrossConformal)
    left = len(folds) - int(np.bincount(folds).max()) if cross else len(folds)
    if left < 2:
        held = f"{samples - left} in each fold" if cross else f"{samples - left}"
        raise ValueError(
            f"of the {samples} samples of X, {held} held out for calibration by {how!r} leaves {left} to train the "
            "autoencoder on; it needs at least 2. Give more samples, or calibration='quantile', which holds none out"
        )


def _check_frozen(model: Autoencoder, rows: Rows) -> None:
    """Raises NotFittedError or ValueError for a model that was not fitted to columns or shapes like these."""
    check_is_fitted(model, "module_")
    model.schema_.check_shape(rows)
    own = getattr(model, "feature_names_in_", None)
    if own is not None and rows.columns is not None and list(own) != list(rows.columns):
        raise ValueError(
            f"the columns {list(rows.columns)} are not those that the FrozenEstimator's model was fitted on, "
            f"{list(own)}; select those, in that order"
        )
