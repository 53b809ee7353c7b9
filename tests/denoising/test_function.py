"""`denoise`: what it takes, what it passes on, and in which dtype results come back."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

import latente
from latente.data.ranges import RangeWarning
from latente.denoising import Denoiser, Imputer, UnknownLevelWarning, denoise, function

DIGITS = load_digits().images / 16
QUICK = latente.Trainer(epochs=1, verbose=False)
RNG = np.random.default_rng(0)
TABLE = np.random.default_rng(0).normal(size=(60, 1)) * [1.0, 2.0, -3.0]
HOLED = np.where(np.random.default_rng(1).random(TABLE.shape) < 0.1, np.nan, TABLE)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Without a model: the default networks, trained for one epoch."""
    monkeypatch.setattr(function, "Imputer", lambda **given: Imputer(trainer=QUICK, **given))
    monkeypatch.setattr(function, "Denoiser", lambda **given: Denoiser(width=2, levels=1, trainer=QUICK, **given))


@pytest.fixture
def types(monkeypatch):
    """As `quick`, for tests with a model."""
    monkeypatch.setattr(function, "Imputer", Imputer)
    monkeypatch.setattr(function, "Denoiser", Denoiser)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, object])
def test_a_table_comes_back_in_its_dtype(dtype):
    X = HOLED.astype(dtype)
    filled = denoise(None, X, random_state=0)
    known = ~np.isnan(HOLED)
    assert filled.dtype == (np.float64 if dtype is object else dtype)
    assert np.isfinite(filled).all()
    assert (filled[known] == X[known]).all()


def test_frames_of_nullable_integers_and_of_objects():
    whole = pd.array([1, 2, None, 4] * 10, dtype="Int64")
    frame = pd.DataFrame({"whole": whole, "b": [1.0, None, 3.0, 4.0] * 10})
    mixed = pd.DataFrame({"a": pd.Series([1, np.nan, 3, 4] * 10, dtype=object), "b": np.arange(40.0)})
    for given in (frame, mixed):
        filled = denoise(None, given, random_state=0)
        assert filled.shape == (40, 2)
        assert filled.tolist() == Imputer(trainer=QUICK, random_state=0).fit_transform(given).tolist()
    with pytest.raises(TypeError, match=r"columns that are not numbers: 'town'"):
        denoise(None, frame.assign(town=["x", "y"] * 20))
    with pytest.raises(ValueError, match="X must hold numbers"):
        denoise(None, np.array([[1, "x"], [2, "y"]], dtype=object))


def test_single_precision_through_a_fitted_imputer(types):
    imputer = Imputer((8,), trainer=QUICK, random_state=0).fit(HOLED)
    assert denoise(imputer, HOLED.astype(np.float32)).dtype == np.float32
    assert denoise(imputer, HOLED).tolist() == imputer.transform(HOLED).tolist()


@pytest.mark.parametrize("model", [latente.Autoencoder(2), latente.DenoisingAutoencoder(2), Denoiser(), Imputer()])
def test_a_model_before_its_fit(types, model):
    with pytest.raises(NotFittedError, match=r"is not fitted yet: call its fit first, or let denoise\(None, X\)"):
        denoise(model, DIGITS[:4])


def test_sigma_and_j_invariant_are_passed_on(types):
    noisy = (20 + 5 * DIGITS + np.random.default_rng(0).normal(size=DIGITS.shape))[:300]
    model = Denoiser(way="noise2self", width=2, levels=1, trainer=QUICK, random_state=0).fit(noisy)
    for told in ({"sigma": 2.0}, {"sigma": None}, {"j_invariant": False}):
        assert denoise(model, noisy[:5], **told).tolist() == model.transform(noisy[:5], **told).tolist()
    for given in (
        Imputer((8,), trainer=QUICK, random_state=0).fit(HOLED),
        latente.Autoencoder(2, trainer=QUICK).fit(DIGITS[:20]),
    ):
        for name in ("sigma", "j_invariant"):
            with pytest.raises(ValueError, match=f"{name} is for a Denoiser with way='noise2self', not for a"):
                denoise(given, HOLED, **{name: 1.0})


def test_what_is_for_another_way_is_refused_and_nothing_is_ignored(types):
    model = Denoiser("gaussian:0.1", width=2, levels=1, trainer=QUICK, random_state=0).fit(DIGITS[:20])
    with pytest.raises(ValueError, match="j_invariant=True is for a Denoiser with way='noise2self'.* way='clean'"):
        model.transform(DIGITS[:2], j_invariant=True)
    with pytest.raises(ValueError, match="sigma is for a Denoiser with way='noise2self'"):
        model.transform(DIGITS[:2], sigma=0.1)
    plain = model.transform(DIGITS[:2])  # what it does anyway may be asked for
    assert model.transform(DIGITS[:2], j_invariant=False, sigma=None).tolist() == plain.tolist()
    with pytest.raises(ValueError, match="got None"):
        model.transform(None)


@pytest.mark.parametrize("model", [latente.Autoencoder(2, trainer=QUICK), Imputer((8,), trainer=QUICK)])
def test_nothing_in_place_of_a_table(types, model):
    for call in (model.fit, model.fit(TABLE).transform):
        with pytest.raises(ValueError, match="Expected 2D array, got None instead: give an array, a frame"):
            call(None)


def test_without_a_model_a_sigma_is_used_and_an_unknown_level_is_warned_of():
    noisy = np.rint(255 * DIGITS[0]).astype(np.uint8)  # 64 values tell no level
    with pytest.warns(UnknownLevelWarning, match="may be worse than X.*as sigma=") as caught:
        one_pass = denoise(None, noisy, random_state=0)
    assert caught[0].filename == __file__
    assert one_pass.tolist() == denoise(None, noisy, j_invariant=False, random_state=0).tolist()
    told = denoise(None, noisy, sigma=1.0, random_state=0)
    assert np.abs(told.astype(float) - noisy).mean() < np.abs(one_pass.astype(float) - noisy).mean()
    with pytest.raises(ValueError, match="sigma is for a Denoiser with way='noise2self', not for a table"):
        denoise(None, HOLED, sigma=1.0)
    with pytest.raises(ValueError, match="j_invariant must be True, False or 'auto'; got 'no'"):
        denoise(None, noisy, j_invariant="no", random_state=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_an_autoencoder_returns_the_dtype_of_what_it_gets_whole_or_in_tiles(types, dtype):
    bytes_ = np.rint(255 * DIGITS[:100]).astype(np.uint8)
    model = latente.Autoencoder(4, trainer=QUICK, random_state=0).fit(bytes_)
    small, large = bytes_[:2].astype(dtype), np.tile(bytes_[0], (3, 2)).astype(dtype)
    assert denoise(model, small).dtype == denoise(model, large).dtype == denoise(model, [large])[0].dtype == dtype
    assert (denoise(model, small) == model.reconstruct(small)).all()


def test_a_range_is_warned_of_once_and_not_in_every_tile(types):
    model = latente.Autoencoder(4, trainer=QUICK, random_state=0).fit(np.rint(255 * DIGITS[:100]).astype(np.uint8))
    for given in (DIGITS[:2], np.tile(DIGITS[0], (6, 7))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            denoise(model, given)
        assert [(warning.category, warning.filename) for warning in caught] == [(RangeWarning, __file__)]


def test_one_dark_picture_is_not_of_another_range_however_many_tiles_it_takes(types):
    model = latente.Autoencoder(4, trainer=QUICK, random_state=0).fit(16 * DIGITS[:100])
    dark = 0.02 * np.random.default_rng(0).random((24, 16))
    denoise(model, dark)  # a warning fails
    with pytest.warns(RangeWarning, match="values of less than 0.16"):
        denoise(model, [dark] * 8)


@pytest.mark.parametrize("table", [TABLE, pd.DataFrame(TABLE), pd.DataFrame(TABLE.astype(int))])
def test_a_table_in_which_nothing_is_missing_is_not_taken_for_an_image(table):
    with pytest.raises(
        ValueError, match=r"60 signals; say kind=.* a table: no cell is missing \(NaN\), so there is no"
    ):
        denoise(None, table)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"sigma": 0}, "sigma must be a number above 0, 'auto' or None; got 0"),
        ({"sigma": [0.1, 0.2]}, "sigma must be a number above 0, 'auto' or None; got"),
        ({"sigma": "much"}, "sigma must be a number above 0, 'auto' or None; got 'much'"),
        ({"j_invariant": "yes"}, "j_invariant must be True, False or 'auto'; got 'yes'"),
        ({"sigma": 0.1, "j_invariant": False}, "sigma is for a Denoiser with way='noise2self' and transform"),
    ],
)
def test_what_is_told_of_the_noise_is_checked_before_any_training(monkeypatch, told, message):
    fits = []
    monkeypatch.setattr(latente.Trainer, "fit", lambda *arguments, **named: fits.append(1))
    with pytest.raises(ValueError, match=message):
        denoise(None, DIGITS[:3], random_state=0, **told)
    with pytest.raises(ValueError, match="above 0, or 3, one for each channel, 'auto' or None; got"):
        denoise(None, RNG.random((20, 20, 3)), sigma=[0.1, 0.2])
    assert not fits
