"""Denoisers and imputers on real data: how much they gain, in whose units, and back from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer, SimpleImputer

import latente
from latente.denoising import Denoiser, Imputer, denoise, load
from latente.persistence import ModelFileError

TRAINER = latente.Trainer(epochs=6, batch_size=32, verbose=False)
DIGITS = load_digits().images / 16
RNG = np.random.default_rng(0)
NOISY = DIGITS + RNG.normal(scale=0.3, size=DIGITS.shape)


def error(restored, clean=DIGITS[1200:]):
    return np.square(restored - clean).mean()


@pytest.fixture(scope="module")
def fitted():
    return Denoiser("gaussian:0.3", width=16, levels=2, trainer=TRAINER, random_state=0).fit(DIGITS[:1200])


def test_noise_goes_and_digits_stay(fitted, untouched_generators):
    gain = 10 * np.log10(error(NOISY[1200:]) / error(fitted.transform(NOISY[1200:])))
    assert gain > 5.5  # dB
    assert fitted.transform(NOISY[1200]).shape == (8, 8)
    assert denoise(fitted, NOISY[1200:]).tolist() == fitted.transform(NOISY[1200:]).tolist()


def test_larger_images_pass_in_tiles(fitted):
    clean = DIGITS[:64].reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64)
    noisy = clean + np.random.default_rng(1).normal(scale=0.3, size=clean.shape)
    whole, tiles = fitted.transform(noisy), fitted.transform(noisy, tile=32, overlap=24)
    assert np.abs(whole - tiles).max() < 0.2
    assert error(tiles, clean) < 0.7 * error(noisy, clean)


def test_saved_and_loaded(fitted, tmp_path):
    loaded = Denoiser.load(fitted.save(tmp_path / "denoiser"))
    assert loaded.transform(NOISY[:20]).tolist() == fitted.transform(NOISY[:20]).tolist()
    assert type(load(tmp_path / "denoiser")) is Denoiser
    with pytest.raises(ModelFileError, match=r"holds a Denoiser, .*use latente\.denoising\.load"):
        latente.load(tmp_path / "denoiser")
    assert loaded.get_params()["noise"] == latente.corruptions.GaussianNoise(0.3)
    with pytest.raises(ModelFileError, match="another kind of model"):
        Denoiser.load(latente.Autoencoder(2, trainer=latente.Trainer(epochs=1)).fit(DIGITS[:50]).save(tmp_path / "a"))
    file = tmp_path / "denoiser" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelFileError):
        Denoiser.load(tmp_path / "denoiser")


def test_what_a_trainer_leaves_open_is_as_without_one(tmp_path):
    quick = {"trainer__epochs": 1, "trainer__verbose": False}
    automatic = Denoiser("gaussian:0.3", width=2, levels=1, random_state=0).set_params(**quick).fit(DIGITS[:40])
    told = Denoiser(width=2, levels=1, trainer=latente.Trainer(epochs=1, learning_rate=1e-3), random_state=0)
    assert (automatic.history_.learning_rate, automatic.history_.batch_size) == (5e-3, 32)
    blind = Denoiser(width=2, levels=1, random_state=0).set_params(**quick).fit(DIGITS[:40])
    assert (blind.history_.learning_rate, blind.history_.batch_size) == (pytest.approx(5e-3 * 0.5**0.5), 16)
    assert told.fit(DIGITS[:40]).history_.learning_rate == 1e-3
    loaded = Denoiser.load(automatic.save(tmp_path / "denoiser"))
    assert loaded.trainer == latente.Trainer(epochs=1, verbose=False)


def test_pairs_of_noisy_copies_serve_as_well():
    second = DIGITS + np.random.default_rng(5).normal(scale=0.3, size=DIGITS.shape)
    model = Denoiser(way="noise2noise", width=16, levels=2, trainer=TRAINER, random_state=0)
    restored = model.fit(NOISY[:1200], second[:1200]).transform(NOISY[1200:])
    assert 10 * np.log10(error(NOISY[1200:]) / error(restored)) > 4


def test_noisy_samples_alone_serve_too():
    model = Denoiser(way="noise2self", width=16, levels=2, trainer=TRAINER, random_state=0)
    restored = model.fit(NOISY[:1200]).transform(NOISY[1200:])
    one_pass = model.transform(NOISY[1200:1210], j_invariant=False)
    with torch.no_grad():
        x = model.scale_.apply(torch.from_numpy(NOISY[1200:1210])[:, None])
        expected = model.scale_.undo(model.module_(x)[:, 0].numpy(), NOISY.dtype)
    np.testing.assert_allclose(one_pass, expected, atol=1e-5)
    assert np.abs(one_pass - restored[:10]).max() > 0.05
    assert 10 * np.log10(error(NOISY[1200:]) / error(restored)) > 2  # less: 8 x 8 pixels have few neighbours


def test_a_known_level_adds_what_the_noisy_value_says(tmp_path):
    model = Denoiser(way="noise2self", width=16, levels=2, trainer=TRAINER, random_state=0).fit(NOISY[:1200])
    neighbours, both = model.transform(NOISY[1200:], sigma=None), model.transform(NOISY[1200:], sigma=0.3)
    assert error(both) < 0.9 * error(neighbours)
    unit = model.scale_.factor[0]
    f, noisy = (model.scale_.apply(torch.from_numpy(values)[:, None]) for values in (neighbours, NOISY[1200:]))
    expected = model.scale_.undo(model.spread_.combined(f, noisy, (0.3 * unit) ** 2).numpy(), NOISY.dtype)
    np.testing.assert_allclose(both, expected[:, 0], atol=1e-5)
    loaded = Denoiser.load(model.save(tmp_path / "alone"))
    assert loaded.transform(NOISY[1200:1210], sigma=0.3).tolist() == both[:10].tolist()
    for wrong in (0, -1.0, [0.1, 0.2], "0.3"):
        with pytest.raises(ValueError, match="sigma must be a number above 0"):
            model.transform(NOISY[:2], sigma=wrong)
    with pytest.raises(ValueError, match="sigma is for a Denoiser with way='noise2self'"):
        model.transform(NOISY[:2], sigma=0.3, j_invariant=False)


def test_bytes_stay_bytes():
    images = (DIGITS[:300] * 255).astype(np.uint8)
    model = Denoiser("salt_and_pepper:0.2", width=8, levels=2, trainer=latente.Trainer(epochs=1), random_state=0)
    restored = model.fit(images).transform(images[:3])
    assert (restored.dtype, restored.shape) == (np.uint8, (3, 8, 8))


def test_bytes_and_floats_are_restored_alike(fitted):
    noisy = np.rint(NOISY[1200:1300].clip(0, 1) * 255).astype(np.uint8)
    expected = fitted.transform(noisy / 255)
    assert np.abs(fitted.transform(noisy) / 255 - expected).max() <= 0.5 / 255 + 1e-6
    with pytest.raises(ValueError, match="float64 up to 255"):
        fitted.transform(noisy.astype(float))


def test_a_wide_range_of_levels_costs_little(fitted):
    blind = Denoiser("gaussian:0.1..0.5", width=16, levels=2, trainer=TRAINER, random_state=0).fit(DIGITS[:1200])
    loss = 10 * np.log10(error(blind.transform(NOISY[1200:])) / error(fitted.transform(NOISY[1200:])))
    assert loss < 0.5  # dB


def test_a_signal_of_several_channels():
    time = np.linspace(0, 40, 4000)
    clean = np.stack([np.sin(7 * time), 100 * np.sign(np.sin(3 * time)) + 20], axis=1)
    noisy = clean + np.random.default_rng(0).normal(size=clean.shape) * clean.std(0) * 0.5
    trainer = latente.Trainer(epochs=1, validation_fraction=0.2, verbose=False)
    model = Denoiser("gaussian:0.5", kind="signal", width=16, trainer=trainer, random_state=0).fit(clean[None, :3000])
    left = np.square(model.transform(noisy[None])[0] - clean)[3000:].mean(0) / np.square(noisy - clean)[3000:].mean(0)
    assert left[0] < 0.15  # sine
    assert left[1] < 0.3  # square wave
    assert model.history_.records[-1].validation_loss > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "way must be one of"),
        ({"noise": "gaussian:-1"}, "sigma"),
        ({"noise": "gaussian:0.1", "way": "noise2self"}, "leave noise= out"),
        ({"way": "noise2noise"}, "second noisy copies"),
        ({"width": 0}, "width"),
        ({"fold": "two"}, "fold"),
        ({"patch_size": 4}, "patch_size"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        Denoiser(**settings).fit(DIGITS[:10])


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("gaussian:25", "gaussian:25' is wider than the data.*'gaussian:0.09804' here"),
        ("masking:0.1+gaussian:5..51", "gaussian:5..51' is wider.*'gaussian:0.01961..0.2' here"),
    ],
)
def test_noise_in_units_of_bytes(noise, message):
    for images in (DIGITS[:10], (255 * DIGITS[:10]).astype(np.uint8)):
        with pytest.raises(ValueError, match=message):
            Denoiser(noise).fit(images)
    trainer, wide = latente.Trainer(epochs=1, verbose=False), 100 * (DIGITS[:10] - 0.5)  # standardised: no bounds
    Denoiser(noise, width=2, levels=1, trainer=trainer, random_state=0).fit(wide)


def test_a_path_is_as_good_as_what_lies_there(tmp_path):
    images = [(255 * np.tile(DIGITS[i], (1 + i % 2, 2))).astype(np.uint8) for i in range(12)]
    (tmp_path / "pictures").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "pictures" / f"{i:02}.png")
    np.save(tmp_path / "x.npy", DIGITS[:12])
    made = {"width": 2, "levels": 1, "trainer": latente.Trainer(epochs=1, verbose=False), "random_state": 0}
    for given, path in ((DIGITS[:12], tmp_path / "x.npy"), (images, tmp_path / "pictures")):
        model, from_path = Denoiser(**made).fit(given), Denoiser(**made).fit(str(path))
        expected, found = model.transform(given), from_path.transform(path)
        assert [image.tolist() for image in found] == [image.tolist() for image in expected]
    one = from_path.transform(tmp_path / "pictures" / "03.png")
    assert one.tolist() == model.transform(images[3]).tolist()
    again = Denoiser(**made | {"way": "noise2noise"}).fit(tmp_path / "x.npy", tmp_path / "x.npy")
    assert again.channels_ == 1
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npy"):
        Denoiser().fit("nowhere.npy")


def test_more_than_memory_is_refused_but_not_what_is_in_it(monkeypatch, tmp_path):
    pl.DataFrame(load_wine().data).write_ipc(tmp_path / "x.arrow", compression="uncompressed")
    np.save(tmp_path / "x.npy", load_wine().data)
    monkeypatch.setattr("latente.data.open.IN_MEMORY", 100)
    imputer = Imputer((2,), trainer=latente.Trainer(epochs=1, verbose=False), random_state=0)
    for given in (load_wine().data, tmp_path / "x.npy", np.load(tmp_path / "x.npy", mmap_mode="r")):
        assert imputer.fit(given).n_features_in_ == 13
    with pytest.raises(ValueError, match=r"x.arrow has shape \(178, 13\), which takes more than 1 GiB"):
        imputer.fit(tmp_path / "x.arrow")


def test_data_unlike_the_training_data(fitted):
    with pytest.raises(ValueError, match="1 channels; got 3"):
        fitted.transform(np.zeros((20, 20, 3)))
    with pytest.raises(NotFittedError):
        Denoiser().transform(DIGITS[:2])
    with pytest.raises(TypeError, match="must be a fitted Denoiser"):
        denoise("model", DIGITS)


def test_an_autoencoder_denoises_by_reconstruction_and_in_tiles():
    model = latente.DenoisingAutoencoder(16, trainer=latente.Trainer(epochs=5), random_state=0).fit(DIGITS[:500])
    assert (denoise(model, NOISY[:4]) == model.reconstruct(NOISY[:4])).all()
    large = np.clip(np.tile(NOISY[0], (3, 2)), 0, 1)
    assert denoise(model, large).shape == (24, 16)


# Tables


def holed(table, seed=0):
    return np.where(np.random.default_rng(seed).random(table.shape) < 0.2, np.nan, table)


def test_imputation_beats_the_mean_and_neighbours():
    table = load_wine().data
    X, scale = holed(table), table.std(0)
    missing = np.isnan(X)

    def gap(filled):
        return np.sqrt((np.square((filled - table) / scale)[missing]).mean())

    filled = Imputer(random_state=0).fit_transform(X)
    assert (filled[~missing] == table[~missing]).all()
    assert gap(filled) < 0.8 * gap(SimpleImputer().fit_transform(X))
    assert gap(filled) < 0.9 * gap(KNNImputer().fit_transform(X))


def test_an_imputer_saved_and_loaded(tmp_path):
    frame = pl.DataFrame(load_wine().data[:, :4], schema=["a", "b", "c", "d"])
    X = frame.with_columns(pl.when(pl.col("a") > 13).then(None).otherwise(pl.col("b")).alias("b"))
    imputer = Imputer((32,), trainer=latente.Trainer(epochs=3), random_state=0).fit(X)
    for loaded in (load(imputer.save(tmp_path / "imputer")), Imputer.load(tmp_path / "imputer")):
        assert loaded.transform(X).tolist() == imputer.transform(X).tolist()
        assert list(loaded.get_feature_names_out()) == ["a", "b", "c", "d"]
    with pytest.raises(ModelFileError, match="another kind of model, Imputer"):
        Denoiser.load(tmp_path / "imputer")
    with pytest.raises(ModelFileError, match=r"holds an Imputer, .*use latente\.denoising\.load"):
        latente.load(tmp_path / "imputer")


@pytest.mark.parametrize(("settings", "message"), [({"dropout": 1.0}, "dropout"), ({"hidden_features": 8}, "hidden")])
def test_imputers_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        Imputer(**settings).fit(load_wine().data)


def test_imputation_of_odd_tables():
    X = np.column_stack([np.arange(40.0), np.full(40, 3.0), np.full(40, np.nan)])
    X[5, 0] = np.nan
    filled = Imputer(trainer=latente.Trainer(epochs=2), random_state=0).fit_transform(X)
    assert np.isfinite(filled).all()
    assert (filled[:, 1] == 3).all()
    assert (filled[:, 2] == 0).all()  # nothing is known of it
    with pytest.raises(ValueError, match="fewer than 2 rows"):
        Imputer().fit(np.full((4, 2), np.nan))


@pytest.mark.parametrize("hidden_features", [(), (8,), (8, 4)])
def test_a_column_that_nothing_was_known_of_comes_out_as_0_and_says_nothing(hidden_features, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 4))
    X[:, 2] = np.nan
    X[:5, 0] = np.nan
    imputer = Imputer(hidden_features, trainer=latente.Trainer(epochs=2, verbose=False), random_state=0).fit(X)
    known_later = np.where(np.arange(4) == 2, 7.0, X)
    for model in (imputer, load(imputer.save(tmp_path / "imputer"))):
        filled = model.transform(X)
        assert (filled[:, 2] == 0).all()
        assert (filled[:5, 0] != 0).all()
        assert (model.transform(known_later)[:, [0, 1, 3]] == filled[:, [0, 1, 3]]).all()


@pytest.mark.parametrize(
    "constant",
    [
        np.full(200, 0.1),  # whose mean is not exactly 0.1
        np.where(np.arange(200) % 2, 0.3, 0.1 + 0.2),
        np.where(np.arange(200) % 2, np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(1))),
    ],
)
def test_a_spread_that_is_only_rounding_divides_nothing(constant):
    X = np.random.default_rng(0).normal(size=(200, 3)).astype(constant.dtype)
    X[:, 2] = constant
    X = holed(X)
    imputer = Imputer((8,), trainer=latente.Trainer(epochs=2, verbose=False), random_state=0).fit(X)
    assert imputer.std_[2] == 1
    assert np.nanmin(X[:, 2]) <= imputer.mean_[2] <= np.nanmax(X[:, 2])
    assert np.abs(imputer.transform([[np.nan, 1.0, constant[0]], [np.nan, 1.0, 0.5]])).max() < 10


@pytest.mark.parametrize("hidden_features", [(), (8,)])
@pytest.mark.parametrize("value", [7.0, 0.1, -1e9])
def test_a_column_of_one_value_is_filled_with_it_and_says_nothing_later(hidden_features, value, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[:, 2] = value
    X = holed(X)
    X[:, 3] = np.nan
    X[0, 3] = 2.5  # one cell is one value as well
    imputer = Imputer(hidden_features, trainer=latente.Trainer(epochs=2, verbose=False), random_state=0).fit(X)
    for model in (imputer, load(imputer.save(tmp_path / "imputer"))):
        filled = model.transform(X)
        assert (filled[:, 2] == value).all()
        assert (filled[:, 3] == 2.5).all()
        assert len(np.unique(filled[:, :2])) == 120  # the others are filled by the network
        changed = np.where((np.arange(4) == 2) & ~np.isnan(X), 1e6, X)
        assert (model.transform(changed)[:, [0, 1, 3]] == filled[:, [0, 1, 3]]).all()


def test_which_cells_of_a_column_of_one_value_are_missing_may_tell_of_others():
    rng = np.random.default_rng(0)
    flag = rng.random(1000) < 0.5
    X = np.column_stack([np.where(flag, 1.0, np.nan), 10.0 * flag + rng.normal(size=1000)])
    X[:, 1][rng.random(1000) < 0.2] = np.nan
    imputer = Imputer((), trainer=latente.Trainer(epochs=15, verbose=False), random_state=0).fit(X)
    present, absent = imputer.transform([[1.0, np.nan], [np.nan, np.nan]])[:, 1]
    assert present > absent + 3
    assert abs(absent) < 3


@pytest.mark.parametrize("shift", [1e9, -1e9])
def test_a_small_spread_far_from_0_is_one(shift):
    X = np.random.default_rng(0).normal(size=(200, 2)) + np.array([0, shift])
    imputer = Imputer((8,), trainer=latente.Trainer(epochs=1, verbose=False), random_state=0).fit(X)
    np.testing.assert_allclose(imputer.std_, X.std(0), rtol=1e-6)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), TypeError, "columns that are not numbers: 'b'"),
        (pl.DataFrame({"a": [1.0, 2.0], "b": [None, np.inf]}), ValueError, "1 infinite values.*row 1, column 'b'"),
        (np.array([[1, "x"], [2, "y"]], dtype=object), ValueError, "X must hold numbers"),
        (np.zeros((4, 3, 2)), ValueError, r"takes a table \(n, columns\); X has shape \(4, 3, 2\)"),
        (np.zeros((1, 3)), ValueError, "at least 2 samples; got 1 sample"),
        ("nowhere.csv", FileNotFoundError, r"nowhere\.csv"),
    ],
)
def test_tables_that_cannot_be_filled(table, error, message):
    with pytest.raises(error, match=message):
        Imputer().fit(table)


def test_a_table_in_a_file(tmp_path):
    frame = pl.DataFrame(holed(load_wine().data[:, :3]), schema=["a", "b", "c"]).fill_nan(None)
    frame.write_csv(tmp_path / "x.csv")
    frame.write_ipc(tmp_path / "x.arrow", compression="uncompressed")
    made = Imputer((8,), trainer=latente.Trainer(epochs=1, verbose=False), random_state=0)
    expected = made.fit_transform(frame)
    for name in ("x.csv", "x.arrow"):
        imputer = Imputer(**made.get_params(deep=False)).fit(tmp_path / name)
        assert list(imputer.get_feature_names_out()) == ["a", "b", "c"]
        np.testing.assert_allclose(imputer.transform(str(tmp_path / name)), expected, rtol=1e-6)
    quick = "latente.denoising.imputer.MOST_EPOCHS"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, 1)
        assert np.isfinite(denoise(None, tmp_path / "x.csv", random_state=0)).all()


@pytest.mark.parametrize(
    ("shape", "settings", "rate"),
    [
        ((2, 28, 28), {}, 5e-3),  # 16 channels of 9 positions
        ((2, 64, 64), {}, 1.25e-3),  # 32, folded, in batches of 8; at 5e-3 training on photographs diverged
        ((2, 64, 64), {"width": 64}, 0.625e-3),
        ((2, 28, 28), {"trainer": latente.Trainer(epochs=1, batch_size=2, verbose=False)}, 1.25e-3),
        ((2, 28, 28), {"width": 8}, 5e-3),
        ((2, 512, 1), {"kind": "signal"}, 5e-3),  # 32 channels of 3 positions
        ((2, 64, 64), {"trainer": latente.Trainer(epochs=1, learning_rate=1e-3, verbose=False)}, 1e-3),
    ],
)
def test_wider_networks_and_smaller_batches_get_a_lower_rate_unless_one_is_given(monkeypatch, shape, settings, rate):
    rates, fit = [], latente.Trainer.fit
    monkeypatch.setattr(
        latente.Trainer, "fit", lambda self, *a, **k: rates.append(self.learning_rate) or fit(self, *a, **k)
    )
    settings = {"trainer": latente.Trainer(epochs=1, verbose=False)} | settings
    Denoiser("gaussian:0.1", random_state=0, **settings).fit(np.random.default_rng(0).random(shape))
    assert rates == [pytest.approx(rate)]


@pytest.mark.parametrize("way", ["clean", "noise2self"])
def test_targets_of_a_way_that_has_none_are_refused(way):
    """Labels of any kind are ignored, as scikit-learn's pipelines pass them; partners would be ignored silently."""
    for partners in (DIGITS[:10], list(DIGITS[:10]), "clean.npy", Path("clean.npy"), [Path("clean.png")] * 10):
        with pytest.raises(ValueError, match="y holds samples; to learn from pairs .* use Denoiser"):
            Denoiser(way=way).fit(DIGITS[:10], partners)
    recording = np.sin(np.arange(600) / 9)
    with pytest.raises(ValueError, match="y holds samples"):
        Denoiser(way=way, kind="signal").fit(recording, recording)
    made = {"way": way, "width": 2, "levels": 1, "trainer": latente.Trainer(epochs=1, verbose=False), "random_state": 0}
    labels = np.arange(10)
    for y in (labels, labels[:, None], labels.tolist(), np.eye(10), np.eye(10).tolist(), list("abcdefghij"), None):
        Denoiser(**made).fit(DIGITS[:10], y)
