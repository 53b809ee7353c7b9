"""Giant values: in new samples they are flagged, the farther the surer; in training they blind nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from latente import Autoencoder, Trainer, VariationalAutoencoder
from latente.anomaly import AnomalyDetector, DominatedColumnWarning, Ensemble, load
from latente.anomaly.members import Members
from latente.anomaly.moments import robust_moments
from latente.data import decide

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(2, 6))
X = RNG.normal(size=(600, 2)) @ MIX + 0.1 * RNG.normal(size=(600, 6))
NORMAL = RNG.normal(size=(200, 2)) @ MIX + 0.1 * RNG.normal(size=(200, 6))
SMALL = Ensemble(members=4, rows=256, steps=100)
QUIET = Trainer(epochs=5, verbose=False)
SIZES = (10.0, 1e3, 1e6, 1e12, 1e19, 1e22, 1e30, 1e36, 1e300)


def with_cell(value: float, column: int = 2) -> np.ndarray:
    row = NORMAL[:1].copy()
    row[0, column] = value
    return row


@pytest.fixture(scope="module")
def fitted():
    found: dict[tuple[bool, str], AnomalyDetector] = {}

    def get(wrapped: bool, scoring: str) -> AnomalyDetector:
        if (wrapped, scoring) not in found:
            model = VariationalAutoencoder if scoring == "likelihood" else Autoencoder
            part = model(2, trainer=QUIET, random_state=0) if wrapped else SMALL
            found[wrapped, scoring] = AnomalyDetector(part, scoring=scoring, random_state=0).fit(X)
        return found[wrapped, scoring]

    return get


@pytest.mark.parametrize("scoring", ["nearest", "reconstruction", "joint", "combined", "nearest_codes", "code"])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_giant_value_is_flagged_and_a_larger_one_scores_lower(fitted, wrapped, scoring, sign):
    detector = fitted(wrapped, scoring)
    scores = detector.score_samples(np.concatenate([with_cell(sign * size) for size in SIZES]))
    assert np.isfinite(scores).all()
    assert (np.diff(scores[2:]) < 0).all()  # 1e6 and on lie beyond what the members see
    assert scores[0] > scores[4:].max()
    giants = np.concatenate([with_cell(sign * size) for size in SIZES[4:]])
    assert (detector.predict(giants) == -1).all()
    assert (detector.p_values(giants) == 1 / (len(detector.calibration_scores_) + 1)).all()


def test_a_giant_value_is_improbable(fitted):
    scores = fitted(True, "likelihood").score_samples(np.concatenate([with_cell(1e19), with_cell(1e30), NORMAL]))
    assert np.isfinite(scores).all()
    assert scores[1] < scores[0] < scores[2:].min()


def test_one_giant_value_among_a_hundred_columns_is_flagged():
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(700, 10)) @ rng.normal(size=(10, 100)) + rng.normal(size=(700, 100))
    detector = AnomalyDetector(SMALL, false_alarm_rate=0.01, random_state=0).fit(wide[:600])
    for value in (1e30, -9999.0):
        broken = wide[600:].copy()
        column = rng.integers(0, 100, 100)
        broken[np.arange(100), column] = value
        assert (detector.predict(broken) == -1).all()
        assert (detector.explain(broken[:20]).contributions.argmax(1) == column[:20]).all()


def test_excess_is_the_logarithm_of_how_much_farther():
    members = Members(3, 4, [1])
    members.shift[:] = torch.tensor([0.0, 1.0, 0.0])
    members.factor[:] = torch.tensor([1.0, 1.0, 0.5])
    x = torch.tensor([[10.0, 11.0, 20.0], [20.0, -99.0, 20.0], [3e38, 1.0, -40.0]])
    expected = [0.0, np.log(2) + np.log(10), np.log(3e37) + np.log(2)]
    np.testing.assert_allclose(members.excess(x).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(members.within(x)[1:].numpy(), [[10.0, -9.0, 20.0], [10.0, 1.0, -20.0]])


@pytest.mark.parametrize("giant", [1e4, 1e9, 1e30, 1e300])
@pytest.mark.parametrize("contamination", [None, "auto"])
def test_one_giant_training_value_does_not_blind_its_column(giant, contamination):
    broken = X.copy()
    broken[7, 1] = giant
    moved = NORMAL.copy()
    moved[:, 1] += 5 * X[:, 1].std()
    detector = AnomalyDetector(SMALL, contamination=contamination, random_state=0)
    with pytest.warns(DominatedColumnWarning, match=r"column 'b' \(farthest value 1"):
        detector.fit(pd.DataFrame(broken, columns=list("abcdef")))
    names = pd.DataFrame(moved, columns=list("abcdef"))
    assert (detector.predict(names) == -1).mean() > 0.95
    explanation = detector.explain(names)
    assert (explanation.contributions.argmax(1) == 1).mean() > 0.9
    assert np.abs(explanation.expected[:, 1]).max() < 2 * np.abs(X[:, 1]).max()


def test_a_wrapped_autoencoder_that_is_blinded_is_said():
    broken = X.copy()
    broken[7, 1] = 1e9
    detector = AnomalyDetector(Autoencoder(2, trainer=QUIET, random_state=0), random_state=0)
    with pytest.warns(DominatedColumnWarning, match=r"most of the variance of column 1 \(farthest value 1e\+09\)"):
        detector.fit(broken)


def test_ordinary_columns_have_ordinary_moments():
    rng = np.random.default_rng(2)
    rare = (np.arange(2000) % 999 == 0).astype(float)
    x = np.stack([rng.normal(size=2000), rng.standard_t(3, 2000), rng.exponential(size=2000), rare, 0 * rare], 1)
    mean, spread, held = robust_moments(x)
    assert not held.any()
    np.testing.assert_array_equal((mean, spread), (x.mean(0), x.std(0)))


def test_two_giants_in_two_thousand_are_held_back():
    x = np.random.default_rng(3).normal(size=(2000, 2))
    known = x.std(0)
    x[[5, 900], 1] = [1e9, -1e12]
    mean, spread, held = robust_moments(x)
    np.testing.assert_allclose(held, [0, 1])
    np.testing.assert_allclose(spread, known, rtol=0.01)
    np.testing.assert_allclose(mean[1], 0, atol=0.1)


def test_a_wrapped_detector_comes_back_with_its_limits(fitted, tmp_path):
    detector = fitted(True, "joint")
    rows = np.concatenate([with_cell(1e3), with_cell(1e30)])
    assert (load(detector.save(tmp_path / "d")).score_samples(rows) == detector.score_samples(rows)).all()


def test_the_scale_is_that_of_the_schema_when_nothing_is_giant():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector = AnomalyDetector(SMALL, random_state=0).fit(X)
    np.testing.assert_array_equal(detector.schema_.factor, decide(X).factor)


def test_a_heavy_tail_keeps_its_scale_and_is_named():
    heavy = X.copy()
    heavy[5, 1] = 300.0
    with pytest.warns(DominatedColumnWarning, match="column 1"):
        detector = AnomalyDetector(SMALL, random_state=0).fit(heavy)
    np.testing.assert_array_equal(detector.schema_.factor, decide(heavy).factor)


def test_of_a_few_rows_no_few_are_an_exception():
    x = np.array([[0.1, 1.3], [0.2, 1.2], [0.0, -2.3]])
    mean, spread, held = robust_moments(x)
    np.testing.assert_allclose((mean, spread, held), (x.mean(0), x.std(0), np.zeros(2)))


@pytest.mark.parametrize("factor", [1e-200, 1e153, 1e200, 1e300])
def test_columns_of_any_size_are_judged_alike(factor):
    x = np.random.default_rng(0).normal(size=(300, 4))
    detector = AnomalyDetector(Ensemble(members=4, steps=30), random_state=0).fit(x * factor)  # a warning fails
    far = np.array([[9.0, -9.0, 9.0, -9.0]])
    assert detector.predict(np.concatenate([x[:2], far]) * factor).tolist() == [1, 1, -1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_are_judged_as_wide_ones(dtype):
    """float16 holds at most 65504, fewer than what values are compared with."""
    rows = X.astype(dtype)
    detector = AnomalyDetector(SMALL, random_state=0).fit(rows)
    giant = rows[:3].copy()
    giant[1, 2] = np.finfo(np.float16).max
    np.testing.assert_array_equal(detector.score_samples(giant), detector.score_samples(giant.astype(np.float64)))
    assert detector.predict(giant)[1] == -1
    assert detector.explain(giant).contributions[1].argmax() == 2
