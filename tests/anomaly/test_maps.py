"""Maps of pictures, whole and tile by tile."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from latente import Autoencoder, DataSpec, Erasing, Trainer
from latente.anomaly import anomaly_map
from latente.anomaly.maps import tile_starts
from latente.metrics import pixel_auroc

DIGITS = load_digits().images


class Values:
    """A detector whose contributions are the pixels themselves, plus their place in the tile."""

    def __init__(self, slope=0.0):
        self.slope = slope

    def explain(self, X):
        place = self.slope * np.arange(X.shape[1] * X.shape[2]).reshape(X.shape[1:3])
        return SimpleNamespace(contributions=X + (place[..., None] if X.ndim == 4 else place))


@pytest.fixture(scope="module")
def model():
    return Autoencoder(16, trainer=Trainer(epochs=20, verbose=False), random_state=0).fit(DIGITS[:1500])


def test_tiles_cover_everything_and_are_averaged():
    X = np.random.default_rng(0).normal(size=(2, 13, 10))
    for stride in (1, 3, 5):
        assert anomaly_map(Values(), X, tile=5, stride=stride) == pytest.approx(X)
    assert anomaly_map(Values(), X) == pytest.approx(X)
    assert anomaly_map(Values(), np.stack([X] * 3, -1), tile=4) == pytest.approx(X)
    sloped = anomaly_map(Values(1.0), np.zeros((1, 6, 4)), tile=4, stride=2)  # rows 2 and 3 lie in both tiles
    tile = np.arange(16.0).reshape(4, 4)
    expected = np.concatenate([tile[:2], (tile[2:] + tile[:2]) / 2, tile[2:]])
    assert sloped[0] == pytest.approx(expected)


def test_tiles_begin_where_they_should():
    assert tile_starts(8, 8, 4) == [0]
    assert tile_starts(9, 8, 4) == [0, 1]
    assert tile_starts(16, 8, 4) == [0, 4, 8]


def test_the_residual_of_an_autoencoder(model):
    X = DIGITS[1500:1510]
    expected = np.square((X - model.reconstruct(X)) * model.schema_.factor)
    assert anomaly_map(model, X) == pytest.approx(expected)
    smooth = anomaly_map(model, X, blur=1.0)
    assert smooth.sum() == pytest.approx(expected.sum(), rel=0.2)
    assert smooth.max() < expected.max()


def test_channels_have_their_own_units():
    X = DIGITS[:200, :, :, None] * np.array([1.0, 100.0, 1.0])
    data = DataSpec(kind="image", layout="nhwc", scale="standard")
    model = Autoencoder(8, data=data, trainer=Trainer(epochs=1), random_state=0).fit(X)
    assert model.schema_.factor.size == 3
    expected = np.square((X - model.reconstruct(X)) * model.schema_.factor.ravel()).mean(-1)
    assert anomaly_map(model, X) == pytest.approx(expected)


def test_planted_defects_are_found(model):
    X, masks = DIGITS[1500:].copy(), np.zeros((len(DIGITS) - 1500, 8, 8), int)
    rng = np.random.default_rng(0)
    for image, mask in zip(X, masks, strict=True):
        i, j = rng.integers(0, 7, 2)
        image[i : i + 2, j : j + 2] = 16 - image[i : i + 2, j : j + 2]
        mask[i : i + 2, j : j + 2] = 1
    assert pixel_auroc(masks, anomaly_map(model, X)) > 0.8


def test_a_pass_sees_what_is_off_replaced(model):
    X = DIGITS[1500:1520].copy()
    X[:, 3:5, 3:5] = 16 - X[:, 3:5, 3:5]
    rebuilt = model.reconstruct(X)
    share = gaussian_filter(np.minimum(np.square((X - rebuilt) / 16) / 0.05, 1), (0, 1, 1), mode="nearest")
    again = model.reconstruct((1 - share) * X + share * rebuilt)
    assert anomaly_map(model, X, passes=2) == pytest.approx(np.square((X - again) / 16), abs=1e-6)
    colours = np.stack([X] * 3, -1)

    class Grey:  # sees the mean of the channels
        schema_ = model.schema_

        def reconstruct(self, X):
            assert X.dtype == np.uint8
            return np.repeat(model.reconstruct(X.mean(-1))[..., None], 3, -1)

    found = anomaly_map(Grey(), colours.astype(np.uint8), passes=3)
    assert found.shape == (20, 8, 8)
    assert found == pytest.approx(anomaly_map(model, X, passes=3), abs=0.1)  # bytes are rounded


def test_more_passes_point_better_where_pieces_were_erased_in_training():
    trainer = Trainer(epochs=60, verbose=False)
    model = Autoencoder(16, corruption=Erasing(), trainer=trainer, random_state=0).fit(DIGITS[:1500])
    X, masks = DIGITS[1500:].copy(), np.zeros((len(DIGITS) - 1500, 8, 8), int)
    rng = np.random.default_rng(0)
    for image, mask in zip(X, masks, strict=True):
        i, j = rng.integers(0, 6, 2)
        image[i : i + 3, j : j + 3] = 16 * rng.random()
        mask[i : i + 3, j : j + 3] = 1
    once, five = (pixel_auroc(masks, anomaly_map(model, X, passes=passes)) for passes in (1, 5))
    assert five > once > 0.8


@pytest.mark.parametrize(
    ("X", "settings", "message"),
    [
        (np.zeros((8, 8)), {}, "must be pictures"),
        (np.zeros((1, 8, 8)), {"tile": 9}, "tile must be an integer from 2 to the pictures' 8"),
        (np.zeros((1, 8, 8)), {"stride": 2}, "stride"),
        (np.zeros((1, 8, 8)), {"tile": 4, "stride": 5}, "stride"),
        (np.zeros((1, 8, 8)), {"blur": -1}, "blur"),
        (np.zeros((1, 8, 8)), {"passes": 0}, "passes must be an integer of at least 1"),
        (np.zeros((1, 8, 8)), {"passes": 2}, "give an autoencoder"),
    ],
)
def test_input_that_makes_no_sense(X, settings, message):
    with pytest.raises(ValueError, match=message):
        anomaly_map(Values(), X, **settings)
