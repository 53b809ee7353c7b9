"""The model of chorales that comes with latente."""

from __future__ import annotations

import numpy as np
import pytest

from latente.audio.music import MusicAutoencoder, Score, measure_music, onset_accuracy
from latente.audio.music.saving import PRETRAINED


@pytest.fixture(scope="module")
def shipped() -> MusicAutoencoder:
    return MusicAutoencoder.pretrained()


@pytest.fixture(scope="module")
def unseen(latente_data) -> list[Score]:
    with np.load(latente_data / "jsb" / "jsb16.npz") as data:
        offsets = data["test_offsets"]
        return [Score(data["test"][offsets[i] : offsets[i + 1]].T) for i in range(8)]


def test_it_is_small():
    assert sum(path.stat().st_size for path in PRETRAINED.iterdir()) < 3_000_000


def test_it_writes_like_the_chorales(shipped):
    pieces = shipped.sample(20, segments=1, random_state=0)
    found = measure_music(pieces)
    assert found.ordered > 0.95
    assert 0.15 < found.changing < 0.28
    assert len({piece.pitches.tobytes() for piece in pieces}) == 20


def test_it_expects_unseen_chorales(shipped, unseen):
    """Three quarters of a nat a step below the best that each voice's last pitch can do, 3.94."""
    found = shipped.bounds(unseen, draws=5)
    assert found.importance < found.elbo < 2.8


def test_codes_bring_back_most_onsets(shipped, unseen):
    pieces = [score.part(0, 64) for score in unseen]
    rebuilt = [shipped.reconstruct(piece, temperature=0.5, random_state=0) for piece in pieces]
    right = np.mean([onset_accuracy(a, b) for a, b in zip(pieces, rebuilt, strict=True)])
    others = np.mean([onset_accuracy(a, b) for a, b in zip(pieces, [*rebuilt[1:], rebuilt[0]], strict=True)])
    assert right > 0.55
    assert others < 0.3
