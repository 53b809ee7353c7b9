"""What an ensemble sees of a picture besides its pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from sklearn.datasets import load_digits

from latente.anomaly import AnomalyDetector, Ensemble
from latente.anomaly.gradients import gradient_shape, halved, oriented_gradients
from latente.data import decide

PICTURES = torch.rand((5, 3, 24, 18), generator=torch.Generator().manual_seed(0))


def test_the_histograms_are_those_of_numpy():
    grey = PICTURES.numpy().mean(1, dtype=np.float64)
    for axis in (1, 2):
        grey = correlate1d(grey, [0.25, 0.5, 0.25], axis, mode="nearest")
    padded = np.pad(PICTURES.numpy().mean(1, dtype=np.float64), ((0, 0), (2, 2), (2, 2)), mode="edge")
    smooth = correlate1d(correlate1d(padded, [0.25, 0.5, 0.25], 1), [0.25, 0.5, 0.25], 2)[:, 1:-1, 1:-1]
    assert smooth[:, 1:-1, 1:-1] == pytest.approx(grey)
    right = (smooth[:, 1:-1, 2:] - smooth[:, 1:-1, :-2]) / 2
    down = (smooth[:, 2:, 1:-1] - smooth[:, :-2, 1:-1]) / 2
    angles = np.arctan2(down, right)
    strength = np.hypot(right, down)
    found = np.stack([strength * np.cos(angles - k * np.pi / 4).clip(0) ** 3 for k in range(8)], 1)
    found = found.reshape(5, 8, 4, 6, 3, 6).mean((3, 5))
    found /= np.sqrt(np.square(found).sum(1, keepdims=True) + 0.04)
    np.testing.assert_allclose(oriented_gradients(PICTURES).numpy(), found, atol=1e-5)


def test_brightness_does_not_matter_and_a_quarter_turn_moves_directions_by_two():
    square = PICTURES[..., :18, :]
    histograms = oriented_gradients(square)
    torch.testing.assert_close(oriented_gradients(square + 3), histograms, atol=1e-4, rtol=1e-4)
    turned = oriented_gradients(square.rot90(-1, (2, 3)))  # clockwise: right becomes down
    torch.testing.assert_close(turned, histograms.rot90(-1, (2, 3)).roll(2, 1), atol=1e-5, rtol=1e-4)


def test_contrast_matters_little_and_empty_cells_stay_empty():
    histograms = oriented_gradients(100 * PICTURES)
    assert float((oriented_gradients(200 * PICTURES) - histograms).abs().max()) < 0.02
    assert float(oriented_gradients(torch.ones(1, 1, 9, 9)).abs().max()) == 0


def test_shapes_of_small_and_odd_pictures():
    assert gradient_shape(3, 100) == (8, 2, 17)
    assert oriented_gradients(torch.rand(2, 1, 3, 5)).shape == (2, 8, 2, 2)
    assert halved(torch.rand(2, 1, 28, 33)).shape == (2, 1, 14, 17)


def test_gradients_have_four_times_the_variance_of_the_pixels():
    X = np.random.default_rng(0).random((200, 20, 20, 1)).astype(np.float32)
    schema = decide(X)
    x = schema.ingest(X)
    members = Ensemble(members=2).build(schema)
    members.learn_scale(x, schema)
    u = members.standardised(x.flatten(1)).detach()
    pixels, histograms = u[:, :100].var(0).sum(), u[:, 100:].var(0).sum()
    assert float(histograms / pixels) == pytest.approx(4, rel=1e-4)
    assert u.shape[1] == 100 + 8 * 3 * 3


def test_bars_are_told_from_bars_the_other_way_in_any_place_and_brightness():
    """Pixels alone hardly tell them apart: bars of the same way share few pixels too."""
    rng = np.random.default_rng(0)

    def bars(n: int) -> np.ndarray:
        pictures = np.zeros((n, 28, 28), np.float32)
        for picture, at in zip(pictures, rng.integers(2, 24, (n, 3)), strict=True):
            for column in at:
                picture[:, column : column + 2] = rng.uniform(0.4, 1)
        return pictures + rng.uniform(0, 0.3, (n, 1, 1)).astype(np.float32)

    train, same, other = bars(300), bars(100), bars(100).transpose(0, 2, 1)
    apart = {}
    for gradients in (True, False):
        part = Ensemble(members=4, steps=50, gradients=gradients)
        detector = AnomalyDetector(part, scoring="nearest:residual=0", random_state=0).fit(train)
        apart[gradients] = detector.score_samples(same).min() - detector.score_samples(other).max()
    assert apart[True] > 0
    assert apart[True] > apart[False]


def test_the_default_for_pictures_and_what_a_file_keeps(tmp_path):
    X = load_digits().images
    detector = AnomalyDetector(Ensemble(members=4, steps=20), random_state=0).fit(X[:300])
    assert detector.score_.residual == 0
    table = AnomalyDetector(Ensemble(members=4, steps=20), random_state=0).fit(X[:300].reshape(300, -1))
    assert table.score_.residual == 0.3
    again = AnomalyDetector.load(detector.save(tmp_path / "pictures"))
    assert (again.score_samples(X[300:400]) == detector.score_samples(X[300:400])).all()
    assert again._fitted.backbone.picture == (1, 8, 8)
    assert (again.explain(X[300:310]).contributions == detector.explain(X[300:310]).contributions).all()


def test_without_gradients_nothing_is_different(tmp_path):
    X = load_digits().images
    detector = AnomalyDetector(Ensemble(members=4, steps=20, gradients=False), random_state=0).fit(X[:300])
    assert detector.score_.residual == 0.3
    again = AnomalyDetector.load(detector.save(tmp_path / "pixels"))
    assert again._fitted.backbone.picture is None
    assert (again.score_samples(X[300:400]) == detector.score_samples(X[300:400])).all()


def test_what_has_no_gradients():
    table, large = np.random.default_rng(0).random((30, 4)), np.zeros((4, 65, 64))
    for X, kind in ((table, "table of 4"), (large, "image of 4160")):
        with pytest.raises(ValueError, match=f"this is a {kind} values"):
            AnomalyDetector(Ensemble(gradients=True)).fit(X)
    assert Ensemble().build(decide(large)).picture is None
    with pytest.raises(ValueError, match="gradients must be True, False or 'auto'"):
        Ensemble(gradients="yes").check()
