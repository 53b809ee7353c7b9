"""Segmenters of defects: what they learn, on whole pictures and on tiles, and back from a folder."""

from __future__ import annotations

import copy
import math
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

import latente
from latente.anomaly import AnomalyDetector, DefectSegmenter, anomaly_map, load
from latente.anomaly.segmentation import Segmentation, SegmentationNetwork, local_contrast
from latente.anomaly.segmenter_tiles import random_tiles
from latente.metrics import pixel_auroc
from latente.objectives import Batch, Progress
from latente.persistence import ModelFileError
from latente.training import Trainer

DIGITS = load_digits().images / 16
SHORT = Trainer(epochs=1, verbose=False)
WAVES = np.sin(np.arange(48) / 3)[:, None] * np.cos(np.arange(64) / 4)  # (48, 64)


def planted(X, seed=0):
    """Pictures with a bright or dark piece of 2 x 3 pixels each, and where it is."""
    found, masks, rng = X.copy(), np.zeros(X.shape[:3], bool), np.random.default_rng(seed)
    for image, mask in zip(found, masks, strict=True):
        i, j = (int(rng.integers(0, length - 3)) for length in image.shape[:2])
        old = image[i : i + 2, j : j + 3].copy()
        image[i : i + 2, j : j + 3] = np.where(old > 0.5, 0.1, 0.9)
        mask[i : i + 2, j : j + 3] = True
    return found, masks


@pytest.fixture(scope="module")
def fitted():
    return DefectSegmenter(trainer=Trainer(epochs=10, verbose=False), random_state=0).fit(DIGITS[:1400])


@pytest.fixture(scope="module")
def tiled():
    pictures = [WAVES, np.tile(WAVES, (2, 1)), WAVES.T]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("latente.anomaly.segmenter_tiles.CROPS", 1600)
        return DefectSegmenter(tile=32, width=8, trainer=SHORT, random_state=0).fit(pictures)


def test_defects_that_were_never_seen_are_found(fitted):
    X, masks = planted(DIGITS[1400:])
    found = fitted.segment(X)
    assert found.shape == masks.shape
    assert pixel_auroc(masks, found) > 0.95
    assert anomaly_map(fitted, X) == pytest.approx(found)
    scores = -np.concatenate([fitted.score_samples(DIGITS[1400:]), fitted.score_samples(X)])
    assert roc_auc_score(np.repeat([0, 1], len(X)), scores) > 0.9


def test_the_odds_are_those_of_the_synthetic_defects(fitted):
    corruption, x = latente.SyntheticDefects(), torch.from_numpy(DIGITS[1400:, None]).float()
    y = corruption(x, torch.Generator().manual_seed(3), (0.0, 1.0))
    damaged = ((y - x).abs() >= 0.1)[:, 0].numpy()
    chance = 1 / (1 + np.exp(-fitted.segment(y[:, 0].numpy())))
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.9, 1.0)):
        some = (chance >= low) & (chance < high)
        assert damaged[some].mean() == pytest.approx(chance[some].mean(), abs=0.08)


def test_the_loss_is_cross_entropy_and_squared_error():
    class Known(torch.nn.Module):
        bounds, generator = (0.0, 1.0), None

        def forward(self, x):
            return x + 0.5, torch.where(x[:, 0] > 0.05, 2.0, -1.0)

    def damage(x):
        y = x.clone()
        y[:, :, 0, 0], y[:, :, 0, 1] = 0.8, 0.09  # the second is too small a change
        return y

    x = torch.zeros(3, 1, 4, 4)
    losses = Segmentation(damage)(Known().eval(), Batch(x, x), Progress())
    entropy = math.log1p(math.exp(-2)) + math.log1p(math.exp(2)) + 14 * math.log1p(math.exp(-1))
    error = 1.3**2 + 0.59**2 + 14 * 0.5**2
    assert losses.distortion.tolist() == pytest.approx([entropy] * 3)
    assert losses.penalty.tolist() == pytest.approx([error] * 3)
    assert losses.loss.tolist() == pytest.approx([entropy + error] * 3)


def test_contrast_is_that_of_the_pixels_around():
    x = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0)) * 6 - 3
    u, level = local_contrast(x, 6.0)
    around = x[1, 2, 4:9, 3:8].double() / 6  # of pixel (6, 5)
    middle, variance = x[1, 2, 6, 5].double() / 6 - around.mean(), around.var(correction=0)
    assert u[1, 2, 6, 5].item() == pytest.approx(middle.item() / (variance.item() + 0.01**2) ** 0.5 / 2, abs=1e-4)
    assert level[1, 2, 6, 5].item() == pytest.approx(math.log(variance + 0.002**2) / 4 + 1.5, abs=1e-4)
    u, level = local_contrast(100 * x, 600.0)  # the scale does not matter
    torch.testing.assert_close(u, local_contrast(x, 6.0)[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(level, local_contrast(x, 6.0)[1], atol=1e-4, rtol=0)
    level = local_contrast(x, 6.0, 7)[1]
    variance = (x[1, 2, 3:10, 1:8].double() / 6).var(correction=0)
    assert level[1, 2, 6, 4].item() == pytest.approx(math.log(variance + 0.002**2) / 4 + 1.5, abs=1e-4)


def test_tiles_are_learned_with_muon_and_whole_pictures_with_adam(fitted, tiled):
    for model, optimizer, rate in ((fitted, "adam", 2e-3), (tiled, "muon", 4e-3)):
        settled = model._settled(100)
        assert (settled.optimizer, settled.learning_rate) == (optimizer, rate)
    told = DefectSegmenter(trainer=Trainer(optimizer="adam"))
    told.tile_ = 32
    assert (told._settled(100).optimizer, told._settled(100).learning_rate) == ("adam", 2e-3)


def test_defects_in_tiles_have_softer_edges(fitted, tiled):
    assert fitted._corruption() == latente.SyntheticDefects()
    assert tiled._corruption() == latente.SyntheticDefects(3, 0.1, softest=0.25, faintest=0.6, painted=0.8)
    assert DefectSegmenter("synthetic_defects:1")._corruption() == latente.SyntheticDefects(1)


def test_gradients_reach_every_parameter():
    for places in (True, False):
        network = SegmentationNetwork((3, 16, 20), places, 4, 8, (0.0, 1.0))
        torch.nn.init.normal_(network.head.leave.weight, generator=torch.Generator().manual_seed(0))
        x = torch.rand(4, 3, 16, 20, generator=torch.Generator().manual_seed(0))
        Segmentation("erasing")(network.eval(), Batch(x, x), Progress()).loss.sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_tiles_are_learned_and_any_size_is_segmented(tiled):
    assert tiled.tile_ == 32
    assert tiled.module_.restorer is None
    for size in ((40, 33), (48, 64), (100, 8)):
        assert tiled.segment(np.zeros((2, *size))).shape == (2, *size)
    x = torch.from_numpy(np.stack([WAVES] * 60))[:, None].float()
    y = latente.SyntheticDefects()(x, torch.Generator().manual_seed(0), (-1.0, 1.0))
    assert pixel_auroc(((y - x).abs() >= 0.2)[:, 0], tiled.segment(y[:, 0].numpy())) > 0.75
    assert tiled.segment([WAVES, WAVES]).shape == (2, 48, 64)


def test_a_list_of_several_sizes_gets_a_list_of_maps(tiled):
    pictures = [WAVES, WAVES.T, WAVES[:40], 0 * WAVES.T, -WAVES]
    maps, scores = tiled.segment(pictures), tiled.score_samples(pictures)
    assert [found.shape for found in maps] == [picture.shape for picture in pictures]
    for picture, found, score in zip(pictures, maps, scores, strict=True):
        np.testing.assert_allclose(found, tiled.segment(picture[None])[0], atol=1e-5)
        assert score == pytest.approx(tiled.score_samples(picture[None])[0], abs=1e-5)


def test_pictures_are_looked_at_at_two_sizes_mirrored_and_transposed(tiled):
    def once(x):
        with torch.no_grad():
            return tiled.module_(torch.from_numpy(np.ascontiguousarray(x)).float()[:, None])[1].numpy()

    def looks(x, see):
        """The maps of all eight, each turned back."""
        ways = [(turn, down, right) for turn in (0, 1) for down in (1, -1) for right in (1, -1)]
        return [
            see((x.swapaxes(1, 2) if turn else x)[:, ::down, ::right])[:, ::down, ::right].swapaxes(1, 2 if turn else 1)
            for turn, down, right in ways
        ]

    def halved(x):
        return once(x.reshape(2, x.shape[1] // 2, 2, x.shape[2] // 2, 2).mean((2, 4)))

    x = np.random.default_rng(0).uniform(-1, 1, (2, 40, 34))
    scaled = tiled.schema_.factor.item() * (x - tiled.schema_.shift.item())
    near, far = np.mean(looks(scaled, once), 0), np.mean(looks(scaled, halved), 0)
    inner = (9 * far[:, 5, 5] + 3 * far[:, 5, 6] + 3 * far[:, 6, 5] + far[:, 6, 6]) / 16  # of four centres
    np.testing.assert_allclose(tiled.segment(x)[:, 11, 11], 0.9 * near[:, 11, 11] + 0.1 * inner, atol=1e-4)
    mirrored = tiled.segment(x[:, ::-1, ::-1].copy())[:, ::-1, ::-1]
    np.testing.assert_allclose(mirrored, tiled.segment(x), atol=1e-4)
    transposed = tiled.segment(x.swapaxes(1, 2).copy()).swapaxes(1, 2)
    np.testing.assert_allclose(transposed, tiled.segment(x), atol=1e-4)
    small = np.zeros((1, 31, 50))  # shorter than a tile: not halved
    np.testing.assert_allclose(tiled.segment(small), np.mean(looks(small, once), 0), atol=1e-4)
    assert tiled.segment(np.zeros((1, 33, 41))).shape == (1, 33, 41)


def test_what_tile_means(monkeypatch):
    monkeypatch.setattr("latente.anomaly.segmenter_tiles.CROPS", 20)
    colours = np.repeat(WAVES[None, :40, :40, None], 3, -1)
    for tile, X, expected in (
        ("auto", DIGITS[:50], None),
        (None, np.concatenate([colours] * 2), None),
        ("auto", np.concatenate([colours] * 2), 40),
        (16, np.concatenate([colours] * 2), 16),
    ):
        model = DefectSegmenter(tile=tile, width=2, hidden_features=8, random_state=0)
        model.set_params(trainer__epochs=1, trainer__batch_size=500, trainer__verbose=False)
        assert model.fit(X).tile_ == expected
        assert model.segment(X[:1]).shape == X[:1].shape[:3]


def test_tiles_are_pieces_of_the_pictures_shrunk_mirrored_transposed_and_sharpened():
    picture = 3 * np.arange(60 * 50 * 3, dtype=np.uint32).reshape(60, 50, 3)
    seen, sharp = Counter(), 0
    for tile in random_tiles([picture, picture], 16, np.random.default_rng(0))[:600]:
        assert tile.dtype == np.uint32
        assert tile.shape == (16, 16, 3)
        plain = tile.astype(float)
        transposed = abs(plain[7, 8, 0] - plain[7, 7, 0]) > abs(plain[8, 7, 0] - plain[7, 7, 0])
        plain = plain.swapaxes(0, 1) if transposed else plain
        mirrored = plain[7, 8, 0] < plain[7, 7, 0]
        plain = plain[:, ::-1] if mirrored else plain
        factor = round((plain[7, 8, 0] - plain[7, 7, 0]) / 9)  # three channels, three apart
        seen[bool(transposed), bool(mirrored), factor] += 1
        slope = factor * (450 * np.arange(16)[:, None] + 9 * np.arange(16))
        expected = plain[7, 7, 0] + slope - slope[7, 7]
        assert np.abs(plain[6:10, 6:10, 0] - expected[6:10, 6:10]).max() <= 2  # sharpening leaves slopes
        sharp += np.abs(plain[..., 0] - expected).max() > 2  # but not at the edges
    assert len(seen) == 12
    assert min(seen.values()) > 25
    assert 240 < sharp < 330
    flat = random_tiles([np.full((30, 30), 7, np.uint8)], 20, np.random.default_rng(0))
    assert flat.dtype == np.uint8
    assert (flat == 7).all()


def test_saved_and_loaded(fitted, tiled, tmp_path):
    for model, X in ((fitted, DIGITS[:9]), (tiled, WAVES[None])):
        folder = model.save(tmp_path / str(model.tile_))
        for restored in (DefectSegmenter.load(folder), load(folder)):
            assert (restored.segment(X) == model.segment(X)).all()
            assert restored.tile_ == model.tile_
            assert restored.get_params()["width"] == model.width
    with pytest.raises(ModelFileError, match=r"use latente\.anomaly\.load"):
        latente.load(folder)
    with pytest.raises(ModelFileError, match="another kind of model"):
        AnomalyDetector.load(folder)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelFileError):
        DefectSegmenter.load(folder)


@pytest.mark.parametrize("maps", [1, 3])
def test_a_segmenter_of_tiles_from_before_local_contrast_at_two_scales_says_so(tiled, tmp_path, maps):
    model = copy.deepcopy(tiled)
    enter = model.module_.head.enter
    enter.weight = torch.nn.Parameter(enter.weight[:, : enter.weight.shape[1] * maps // 5])
    with pytest.raises(ModelFileError, match="no local contrast, or only at one scale; fit it again"):
        DefectSegmenter.load(model.save(tmp_path / "old"))


def test_the_seed_decides_everything(untouched_generators):
    first, second = (
        DefectSegmenter(hidden_features=8, trainer=SHORT, random_state=5).fit(DIGITS[:100]).segment(DIGITS[:5])
        for _ in range(2)
    )
    assert (first == second).all()


def test_a_picture_gets_one_answer_whatever_comes_with_it(fitted):
    alone = np.concatenate([fitted.segment(DIGITS[i : i + 1]) for i in range(5)])
    assert (alone == fitted.segment(DIGITS[:700])[:5]).all()


def test_own_functions_are_not_kept(tmp_path):
    model = clone(DefectSegmenter(lambda x: x * 0, hidden_features=8, trainer=SHORT, random_state=0)).fit(DIGITS[:80])
    assert DefectSegmenter.load(model.save(tmp_path)).corruption == "auto"


def test_a_loaded_segmenter_can_be_trained_again(tmp_path):
    trainer = Trainer(epochs=1, verbose=False, callbacks=[lambda record: None])  # functions are not in the file
    model = DefectSegmenter(hidden_features=8, trainer=trainer, random_state=0).fit(DIGITS[:80])
    again = DefectSegmenter.load(model.save(tmp_path)).fit(DIGITS[:80])
    assert (again.segment(DIGITS[:5]) == model.segment(DIGITS[:5])).all()


@pytest.mark.parametrize(
    ("settings", "X", "message"),
    [
        ({"corruption": None}, DIGITS, "corruption must say what damages"),
        ({"corruption": "synthetic_defects:0"}, DIGITS, "count must be"),
        ({"tile": 3}, DIGITS, "tile must be an integer of at least 8"),
        ({"tile": 9}, DIGITS, "from 8 pixels to the shortest side, 8; got 9"),
        ({"tile": None}, [WAVES, WAVES.T], "several sizes"),
        ({"width": 0}, DIGITS, "width must be"),
        ({"hidden_features": 0.5}, DIGITS, "hidden_features must be"),
        ({}, [WAVES, np.stack([WAVES] * 3, -1)], "got shapes"),
        ({}, [WAVES.T, np.where(WAVES > 0.9, np.inf, WAVES)], "picture 1 has values that are not finite"),
        ({}, [WAVES, (100 * WAVES.T).astype(np.int16)], "one dtype, so that all are on one scale; got float64, int16"),
        ({}, np.zeros((10, 3)), "must be pictures"),
        ({}, DIGITS[:, :7], "at least 8 pixels along each side.*got one of 7"),
        ({}, [WAVES, WAVES[:, :5]], "at least 8 pixels along each side.*got one of 5"),
        ({}, np.where(DIGITS > 0.9, np.nan, DIGITS), "NaN"),
    ],
)
def test_settings_and_data_that_make_no_sense(settings, X, message):
    with pytest.raises(ValueError, match=message):
        DefectSegmenter(**settings).fit(X)


def test_pictures_of_another_shape_are_refused(fitted, tiled):
    with pytest.raises(ValueError, match="shape"):
        fitted.segment(np.zeros((1, 9, 8)))
    with pytest.raises(ValueError, match="shape"):
        tiled.segment(np.zeros((1, 40, 40, 3)))
    with pytest.raises(ValueError, match=r"shape \(48, 64\), but this model was trained on samples of shape \(8, 8\)"):
        fitted.segment([DIGITS[0], WAVES])
    with pytest.raises(ValueError, match="at least 8 pixels along each side.*got one of 7"):
        tiled.segment([WAVES, WAVES[:7]])
    with pytest.raises(ValueError, match="one dtype"):
        tiled.segment([WAVES, WAVES.astype(np.int8)])
    with pytest.raises(NotFittedError):
        DefectSegmenter().segment(DIGITS)
    with pytest.raises(ValueError, match="looks at a picture once"):
        anomaly_map(fitted, DIGITS, passes=2)


def test_pictures_of_a_list_are_named_where_they_cannot_be_segmented(tiled):
    pictures = [np.zeros((20, 16)), np.zeros((16, 16)), np.full((20, 16), np.nan)]
    with pytest.raises(ValueError, match="picture 2 has values that are not finite"):
        tiled.segment(pictures)
    with pytest.raises(ValueError, match=r"pictures \(h, w\) of any size; got pictures of shape \(20, 20, 3\)"):
        tiled.segment([np.zeros((16, 16)), np.zeros((20, 20, 3))])
