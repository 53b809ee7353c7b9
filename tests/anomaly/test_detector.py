"""The detector: what it finds, the rates it holds, what it refuses, and that it comes back from a file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score

from latente import Autoencoder, ModelFileError, Trainer, VariationalAutoencoder
from latente.anomaly import (
    AnomalyDetector,
    CalibrationWarning,
    Ensemble,
    NearestCodes,
    NearestReferences,
    SplitConformal,
    load,
)
from latente.parts import Part

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(2, 6))
X = RNG.normal(size=(600, 2)) @ MIX + 0.1 * RNG.normal(size=(600, 6))
NORMAL = RNG.normal(size=(400, 2)) @ MIX + 0.1 * RNG.normal(size=(400, 6))
ODD = RNG.normal(size=(60, 2)) @ MIX + RNG.normal(size=(60, 6))  # off the plane
SMALL = Ensemble(members=4, rows=256, steps=100)
QUIET = Trainer(epochs=20, verbose=False)
WAYS = {
    "ensemble": AnomalyDetector(SMALL, random_state=0),
    "split": AnomalyDetector(SMALL, calibration="split", random_state=0),
    "autoencoder": AnomalyDetector(Autoencoder(2, trainer=QUIET), random_state=0),
    "cross": AnomalyDetector(Autoencoder(2, trainer=QUIET), calibration="cross:2", random_state=0),
    "joint": AnomalyDetector(SMALL, scoring="joint", random_state=0),
    "quantile": AnomalyDetector(SMALL, calibration="quantile", random_state=0),
    "contaminated": AnomalyDetector(SMALL, contamination=0.1, random_state=0),
}


@pytest.fixture(scope="module")
def fitted():
    """The detectors of WAYS, fitted when they are first asked for."""
    found: dict[str, AnomalyDetector] = {}

    def get(way: str) -> AnomalyDetector:
        if way not in found:
            found[way] = clone(WAYS[way]).fit(X)
        return found[way]

    return get


@pytest.mark.parametrize("way", WAYS)
def test_anomalies_score_lower(fitted, way):
    detector = fitted(way)
    scores = detector.score_samples(np.concatenate([NORMAL, ODD]))
    assert roc_auc_score(np.arange(460) < 400, scores) > 0.97
    assert (detector.decision_function(NORMAL) == detector.score_samples(NORMAL) - detector.offset_).all()
    assert ((detector.predict(ODD) == -1) == (detector.decision_function(ODD) < 0)).all()


@pytest.mark.parametrize("way", ["ensemble", "split", "autoencoder", "cross", "joint"])
def test_false_alarms_come_about_as_often_as_stated(fitted, way):
    detector = fitted(way)
    p = detector.p_values(NORMAL)
    m = len(detector.calibration_scores_)
    error = np.sqrt(0.1 * 0.9 * (1 / 400 + 1 / m))
    assert (p <= 0.1).mean() == pytest.approx(0.1, abs=4 * error)
    assert ((p <= 0.05) == (detector.predict(NORMAL) == -1)).all()


def test_contamination_flags_that_fraction_of_the_training_data(fitted):
    assert (fitted("contaminated").predict(X) == -1).sum() == 60


def test_contaminated_training_data_is_survived():
    mixed = np.concatenate([X, RNG.normal(8.0, 0.1, size=(40, 6))])  # a cluster of anomalies
    detector = AnomalyDetector(Ensemble(members=8, rows=256, steps=100), contamination="auto", random_state=0)
    scores = detector.fit(mixed).score_samples(mixed)
    assert roc_auc_score(np.arange(640) < 600, scores) > 0.99


@pytest.mark.parametrize("way", ["ensemble", "autoencoder", "cross", "contaminated"])
def test_it_comes_back_bit_for_bit(fitted, way, tmp_path):
    detector = fitted(way)
    again = load(detector.save(tmp_path / "detector"))
    assert (again.score_samples(ODD) == detector.score_samples(ODD)).all()
    assert again.offset_ == detector.offset_
    assert (again.predict(NORMAL) == detector.predict(NORMAL)).all()
    np.testing.assert_array_equal(again.explain(ODD[:2]).contributions, detector.explain(ODD[:2]).contributions)
    assert again.get_params(deep=False)["contamination"] == detector.contamination
    assert not any(file.suffix == ".pkl" for file in (tmp_path / "detector").rglob("*"))


def test_a_changed_folder_is_refused(fitted, tmp_path):
    folder = fitted("autoencoder").save(tmp_path / "detector")
    Autoencoder(2, trainer=Trainer(epochs=1, verbose=False), random_state=1).fit(X).save(folder / "model-0")
    with pytest.raises(ModelFileError, match="not the one that was saved here"):
        load(folder)
    with pytest.raises(
        ModelFileError, match="another kind of model, Autoencoder, not AnomalyDetector; use latente.load"
    ):
        load(folder / "model-0")
    assert json.loads((folder / "config.json").read_text())["estimator"] == "AnomalyDetector"


def test_a_score_does_not_depend_on_what_it_is_asked_with(fitted):
    detector = fitted("ensemble")
    whole = detector.score_samples(NORMAL)
    parts = np.concatenate([detector.score_samples(NORMAL[i : i + 37]) for i in range(0, 400, 37)])
    assert (whole == parts).all()


def test_the_seed_decides_and_global_generators_stay(untouched_generators):
    a, b = (AnomalyDetector(SMALL, random_state=3).fit(X).score_samples(ODD) for _ in range(2))
    assert (a == b).all()
    assert (AnomalyDetector(SMALL, random_state=4).fit(X).score_samples(ODD) != a).any()


def test_scores_are_streamed_to_a_file(fitted, tmp_path):
    detector = fitted("ensemble")
    np.save(tmp_path / "X.npy", NORMAL)
    scores = detector.score_samples(tmp_path / "X.npy", out=tmp_path / "scores.npy")
    assert isinstance(scores, np.memmap)
    assert (scores == detector.score_samples(NORMAL)).all()


def test_a_fitted_autoencoder_can_be_kept_as_it_is():
    model = Autoencoder(2, trainer=QUIET, random_state=0).fit(X[:300])
    codes = model.transform(ODD)
    detector = AnomalyDetector(FrozenEstimator(model), random_state=0).fit(X[300:])
    assert (model.transform(ODD) == codes).all()
    assert len(detector.calibration_scores_) == 75
    with pytest.raises(ValueError, match="FrozenEstimator cannot; use 'split'"):
        detector.set_params(calibration="cross").fit(X)


@pytest.mark.parametrize("scoring", ["likelihood", "likelihood:20"])
def test_a_variational_autoencoder_scores_by_its_likelihood(scoring):
    model = VariationalAutoencoder(2, trainer=QUIET, random_state=0)
    detector = AnomalyDetector(model, scoring=scoring, random_state=0).fit(X)
    scores = detector.score_samples(np.concatenate([NORMAL, ODD]))
    assert roc_auc_score(np.arange(460) < 400, scores) > 0.9


@pytest.mark.parametrize("wrong", [SMALL, Autoencoder(2), FrozenEstimator(Autoencoder(2))])
def test_a_likelihood_needs_a_model_that_has_one_and_says_so_before_training(wrong, monkeypatch):
    if isinstance(wrong, FrozenEstimator):
        wrong = FrozenEstimator(Autoencoder(2, trainer=Trainer(epochs=1, verbose=False)).fit(X))
    for name in ("fit_ensemble", "fit_autoencoders"):
        monkeypatch.setattr(f"latente.anomaly.detector.{name}", None)  # not called
    with pytest.raises(ValueError, match="needs a variational autoencoder"):
        AnomalyDetector(wrong, scoring="likelihood").fit(X)


def test_the_rate_can_be_moved_afterwards(fitted):
    detector = clone(WAYS["ensemble"]).fit(X)
    assert detector.rate_ == 0.05
    assert detector.set_rate(0.2).rate_ == 0.2
    expected = clone(WAYS["ensemble"]).set_params(false_alarm_rate=0.2).fit(X).offset_
    assert detector.offset_ == expected
    with pytest.raises(ValueError, match="keeps no calibration scores"):
        fitted("quantile").set_rate(0.2)


def test_a_rate_takes_the_place_of_a_contamination():
    detector = clone(WAYS["contaminated"]).fit(X).set_rate(0.05)
    assert detector.contamination == "auto"
    assert detector.offset_ == clone(detector).fit(X).offset_


@pytest.mark.parametrize("way", ["quantile", "contaminated"])
def test_fresh_normal_samples_set_the_threshold_without_training(fitted, way, tmp_path):
    old = fitted(way)
    detector = load(old.save(tmp_path / "old"))
    detector.calibrate(1.3 * NORMAL[:200])
    scores = old.score_samples(1.3 * NORMAL)
    assert (detector.score_samples(1.3 * NORMAL) == scores).all()
    assert (detector.calibration_scores_ == scores[:200]).all()
    assert detector.rate_ == 0.05
    assert (detector.predict(1.3 * NORMAL[:200]) == -1).sum() == 9  # the tenth is the threshold itself
    assert (detector.predict(1.3 * NORMAL[200:]) == -1).mean() == pytest.approx(0.05, abs=0.06)
    assert detector.calibrate(NORMAL, 0.2).rate_ == 0.2
    again = load(detector.save(tmp_path / "new"))
    assert (again.p_values(ODD) == detector.p_values(ODD)).all()
    with pytest.raises(ValueError, match="false_alarm_rate must be between 0 and 1"):
        detector.calibrate(NORMAL, 1.5)


def test_copies_of_the_commonest_row_are_the_most_normal():
    """Nine in ten training rows are the same; a row beside it is no more normal than it is."""
    same = np.zeros((1000, 4))
    same[900:] = RNG.normal(3.0, 0.5, size=(100, 4))
    new = np.array([[0, 0, 0, 0], [0.05, 0.05, 0, 0], [0.3] * 4, [9.0] * 4])
    detector = AnomalyDetector(SMALL, random_state=0).fit(same)
    scores = detector.score_samples(new)
    assert (np.diff(scores) < 0).all()
    assert scores[0] == 0
    assert detector.p_values(new)[0] == 1


def test_contaminated_training_rows_are_not_held_against_themselves():
    """Forty rows, of which most are some member's reference: each scores as a row right beside it does."""
    few = X[:40]
    detector = AnomalyDetector(Ensemble(members=8, steps=50), contamination="auto", random_state=0).fit(few)
    scores, beside = detector.score_samples(few), detector.score_samples(few + 1e-4)
    assert (scores < beside + 1e-3).all()
    assert scores.mean() < 1.2 * beside.mean()
    copies = AnomalyDetector(SMALL, contamination="auto", random_state=0).fit(np.concatenate([few] * 3))
    assert (copies.score_samples(few) > copies.score_samples(few + 0.1)).all()


def test_members_of_several_code_sizes_come_back(tmp_path):
    part = Ensemble(members=6, rows=256, steps=50, latent_dim=(1, 2, 3))
    detector = AnomalyDetector(part, random_state=0).fit(X)
    again = load(detector.save(tmp_path / "sizes"))
    assert (again.score_samples(ODD) == detector.score_samples(ODD)).all()
    assert again.get_params(deep=False)["autoencoder"] == part


def test_a_batch_is_selected_at_a_false_discovery_rate(fitted):
    chosen = fitted("ensemble").select(np.concatenate([NORMAL[:100], 10 * ODD[:20]]), fdr=0.2)
    assert chosen[100:].all()
    assert chosen[:100].mean() < 0.15


def test_selecting_by_contaminated_scores_warns_until_it_is_calibrated():
    batch = np.concatenate([NORMAL[:200], 10 * ODD])
    detector = AnomalyDetector(SMALL, contamination="auto", random_state=0).fit(np.concatenate([X, 10 * ODD]))
    with pytest.warns(CalibrationWarning, match=r"may hold anomalies.* Call calibrate\(X_normal\)"):
        few = detector.select(batch, fdr=0.1)
    chosen = detector.calibrate(NORMAL[200:]).select(batch, fdr=0.1)  # a warning fails
    assert few[200:].sum() < chosen[200:].sum()
    assert chosen[200:].mean() > 0.9


def test_a_part_is_set_by_name():
    detector = AnomalyDetector(SMALL, scoring=NearestReferences()).set_params(
        scoring__references=5, autoencoder__members=6
    )
    assert (detector.scoring.references, detector.autoencoder.members) == (5, 6)


def test_the_part_that_a_default_or_a_short_string_stands_for_is_set_by_name():
    detector = AnomalyDetector(scoring="nearest_codes:7", calibration="split").set_params(
        autoencoder__members=6, scoring__references=50, calibration__fraction=0.4
    )
    assert detector.autoencoder == Ensemble(members=6)
    assert detector.scoring == NearestCodes(k=7, references=50)
    assert detector.calibration == SplitConformal(0.4)
    of_contaminated = AnomalyDetector().set_params(scoring__residual=0.5, contamination="auto").scoring
    assert of_contaminated == NearestReferences(16, residual=0.5, trim=0.1)
    with pytest.raises(ValueError, match="no parameter 'fold'"):
        AnomalyDetector().set_params(calibration__fold=3)


def test_half_of_the_members_are_compressed_where_a_table_is_clean(tmp_path):
    part = Ensemble(members=4, rows=256, steps=30)
    clean, mixed = (AnomalyDetector(part, contamination=c, random_state=0).fit(X) for c in (None, "auto"))
    assert (clean._fitted.backbone.compressed, clean.score_.smallest) == (slice(1, 3), 0.6)
    assert (mixed._fitted.backbone.compressed, mixed.score_.smallest) == (slice(2, 2), 0.05)
    assert part.compressed == "auto"
    again = AnomalyDetector.load(clean.save(tmp_path / "half"))
    assert (again.score_samples(X) == clean.score_samples(X)).all()


def test_detectors_that_were_saved_before_there_were_compressed_members_score_as_they_did(tmp_path, monkeypatch):
    part = Ensemble(members=4, rows=256, steps=30, compressed=0.0)
    old = AnomalyDetector(part, scoring=NearestReferences(64), random_state=0).fit(X)
    to_dict = Part.to_dict

    def without(self):
        found = to_dict(self)
        found["params"] = {k: v for k, v in found["params"].items() if k not in ("compressed", "smallest")}
        return found

    with monkeypatch.context() as before:
        before.setattr(Part, "to_dict", without)
        folder = old.save(tmp_path / "old")
    assert "compressed" not in (folder / "config.json").read_text()
    assert (load(folder).score_samples(X) == old.score_samples(X)).all()


@pytest.mark.parametrize("settings", [{"autoencoder": Autoencoder(2, trainer=QUIET)}, {"contamination": 0.1}])
def test_names_of_columns_are_no_reason_to_warn(settings):
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    detector = AnomalyDetector(**{"autoencoder": SMALL, "random_state": 0, **settings}).fit(frame)  # a warning fails
    assert list(detector.feature_names_in_) == list(frame.columns)


# What is refused, and what is handled


def test_rows_with_missing_values_are_named(fitted):
    broken = NORMAL.copy()
    broken[3, 1] = np.nan
    for act in (AnomalyDetector(SMALL).fit, fitted("ensemble").predict):
        with pytest.raises(ValueError, match=r"1 NaN and 0 infinite values, the first at index \(3, 1\)"):
            act(broken)
    with pytest.raises(ValueError, match="row 3, column 'b'"):
        AnomalyDetector(SMALL).fit(pd.DataFrame(broken, columns=list("abcdef")))


def test_rows_with_missing_values_can_be_passed_over(fitted, tmp_path):
    detector, broken = fitted("ensemble"), NORMAL.copy()
    broken[[3, 77], [1, 5]] = [np.nan, np.inf]
    with pytest.raises(ValueError, match=r"1 NaN and 1 infinite values, the first at index \(3, 1\), in rows 3, 77"):
        detector.score_samples(broken)
    scores = detector.score_samples(broken, missing="nan")
    good = np.isfinite(broken).all(1)
    assert np.isnan(scores[~good]).all()
    assert (scores[good] == detector.score_samples(NORMAL)[good]).all()
    np.testing.assert_array_equal(detector.score_samples(broken, missing="nan", out=tmp_path / "scores.npy"), scores)
    p = detector.p_values_of(scores)
    assert np.isnan(p[~good]).all()
    assert (p[good] == detector.p_values(NORMAL)[good]).all()
    with pytest.raises(ValueError, match="missing must be 'raise' or 'nan'"):
        detector.score_samples(NORMAL, missing="skip")


def test_constant_columns_are_handled():
    flat = X.copy()
    flat[:, 2] = 7.0
    detector = AnomalyDetector(SMALL, random_state=0).fit(flat)
    assert np.isfinite(detector.score_samples(flat)).all()
    moved = flat[:1].copy()
    moved[0, 2] = 9.0
    assert detector.predict(moved)[0] == -1
    assert np.isfinite(detector.explain(moved).contributions).all()
    constant = AnomalyDetector(SMALL, random_state=0).fit(np.full((50, 3), 2.0))
    assert (constant.score_samples(np.full((2, 3), 2.0)) == 0).all()


def test_few_rows_are_handled_and_too_few_calibration_samples_are_said():
    with pytest.warns(CalibrationWarning, match="5 calibration samples cannot show a rate of 0.05"):
        detector = AnomalyDetector(SMALL, random_state=0).fit(X[:5])
    assert (detector.predict(X[:5]) == 1).all()
    with pytest.raises(ValueError, match="at least 2 samples"):
        AnomalyDetector(SMALL).fit(X[:1])


def test_other_columns_are_refused(fitted):
    with pytest.raises(ValueError, match="expecting 6 features"):
        fitted("ensemble").predict(X[:, :4])
    frame = pd.DataFrame(X, columns=list("abcdef"))
    detector = AnomalyDetector(SMALL, random_state=0).fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        detector.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(NotFittedError):
        AnomalyDetector().predict(X)
