"""Small chorales that are made here, and a model fitted to them."""

from __future__ import annotations

import numpy as np
import pytest

from latente import Trainer
from latente.audio.music import MusicAutoencoder, Score

CHORDS = np.array([[72, 67, 64, 48], [74, 67, 65, 47], [72, 69, 65, 53], [71, 67, 62, 43], [72, 67, 64, 48]])


def chorale(seed: int, beats: int = 24) -> Score:
    """A random walk over five chords, a chord for each beat, with a passing note in the bass now and then."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(1, 3, beats)) % len(CHORDS)
    pitches = np.repeat(CHORDS[walk], 4, axis=0).T.copy()
    for beat in np.flatnonzero(rng.random(beats) < 0.4):
        pitches[3, 4 * beat + 2 : 4 * beat + 4] += 2
    return Score(pitches + int(rng.integers(-3, 4)), steps_per_beat=4, tempo=80.0)


@pytest.fixture(scope="session")
def chorales() -> list[Score]:
    return [chorale(seed) for seed in range(12)]


@pytest.fixture(scope="session")
def model(chorales) -> MusicAutoencoder:
    trainer = Trainer(epochs=25, verbose=False, learning_rate=5e-3)
    return MusicAutoencoder(16, hidden=32, head=16, transpose=3, beta=0.2, trainer=trainer, random_state=0).fit(
        chorales
    )


@pytest.fixture(scope="session")
def repeating() -> MusicAutoencoder:
    """A model of a voice that strikes one pitch on every beat, held otherwise."""
    strikes = np.zeros((1, 64), bool)
    strikes[:, ::4] = True
    scores = [Score(np.full((1, 64), 60 + k), strikes) for k in range(4)]
    trainer = Trainer(epochs=40, verbose=False, learning_rate=1e-2)
    settings = {"hidden": 32, "head": 16, "transpose": 0, "random_state": 0}
    return MusicAutoencoder(8, trainer=trainer, **settings).fit(scores)
