"""`ImageCodec.fit`: a codec of the user's own pictures is smaller on them than one that has seen nothing."""

from __future__ import annotations

import numpy as np
import pytest

from latente.codec import ImageCodec
from latente.codec.images import fitting
from latente.codec.images.codec import psnr_of
from latente.codec.images.fitting import _crops, _settings
from latente.training import Trainer


def squares(n: int, seed: int) -> np.ndarray:
    """(n, 28, 28) uint8: a bright square somewhere, with a soft edge."""
    rng = np.random.default_rng(seed)
    i, j = np.mgrid[0:28, 0:28]
    found = []
    for _ in range(n):
        (a, b), r = rng.uniform(8, 20, 2), rng.uniform(3, 8)
        found.append(255 / (1 + np.exp(np.maximum(abs(i - a), abs(j - b)) - r)))
    return np.rint(found).astype(np.uint8)


def test_fit_learns_and_is_kept(tmp_path, codec, untouched_generators):
    trainer = Trainer(epochs=5, batch_size=16, learning_rate=2e-3, compile=False, verbose=False, precision="float32")
    mine = ImageCodec(trainer=trainer, random_state=0).fit(squares(128, 0))
    assert mine.model.id.startswith("pictures-")
    shown = squares(40, 1)
    ours, theirs = mine.encode_many(shown, quality=0.4), codec.encode_many(shown, quality=0.4)
    assert len(ours) < 0.8 * len(theirs)
    decoded = mine.decode_many(ours)
    assert psnr_of(shown, decoded) > psnr_of(shown, codec.decode_many(theirs)) - 1
    again = ImageCodec.load(mine.save(tmp_path / "squares.latmodel"))
    assert np.array_equal(again.decode_many(ours), decoded)
    assert ImageCodec().__sklearn_is_fitted__() is False


def test_crops_of_pictures_of_all_sizes():
    rng = np.random.default_rng(0)
    small = [np.full((1, 28, 28, 1), k, np.uint8) for k in range(5)]
    assert _crops(small, rng).shape == (5, 1, 32, 32)
    mixed = [np.zeros((1, 300, 200, 3), np.uint8), np.zeros((1, 130, 500, 1), np.uint8)]
    assert _crops(mixed, rng).shape == (3 * 2 + 2 * 4, 3, 128, 128)


def test_crops_take_no_more_memory_than_is_said(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_BYTES", 40 * 3 * 128 * 128)
    pictures = [np.full((1, 400, 600, 3), k, np.uint8) for k in range(7)]
    crops = _crops(pictures, np.random.default_rng(0))
    assert crops.nbytes <= 40 * 3 * 128 * 128
    assert len(np.unique(crops)) == 7  # of all pictures
    assert len(_crops([pictures[0]] * 90, np.random.default_rng(0))) == 40


def test_the_default_training_takes_about_the_same_time_for_all():
    many, few = np.zeros((20_000, 1, 32, 32), np.uint8), np.zeros((30, 3, 128, 128), np.uint8)
    assert (_settings(None, many).batch_size, _settings(None, many).epochs) == (128, 10)
    assert (_settings(None, few).batch_size, _settings(None, few).epochs) == (8, 400)


def test_mistakes():
    with pytest.raises(ValueError, match="at least two pictures; got 1"):
        ImageCodec().fit(squares(1, 0))
    with pytest.raises(TypeError, match="uint8"):
        ImageCodec().fit(squares(3, 0) / 255)
