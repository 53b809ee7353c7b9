"""Held-out recordings are never trained on: whole voices, else whole files, else the end of each."""

from __future__ import annotations

import numpy as np
import pytest

from latente import Trainer
from latente.audio import AudioDenoiser, SourceSeparator
from latente.audio.separation.drawing import Recordings
from latente.audio.separation.holding import hold_out
from latente.audio.separation.mixtures import Mixtures
from latente.audio.separation.noises import Noise
from latente.audio.separation.pairs import Pairs

RATE = 8000


def numbered(*sizes):
    """Groups of recordings whose samples are all different."""
    start, out = 0, []
    for group in sizes:
        ends = start + np.cumsum(group)
        out.append(tuple(np.arange(end - size, end) for size, end in zip(group, ends, strict=True)))
        start = int(ends[-1])
    return tuple(out)


def samples_of(groups):
    return {int(value) for group in groups for item in group for value in item}


@pytest.mark.parametrize("seed", range(20))
def test_every_sample_is_on_one_side(seed):
    rng = np.random.default_rng(seed)
    groups = numbered(*(rng.integers(2, 300, rng.integers(1, 6)) for _ in range(rng.integers(1, 8))))
    fraction = rng.uniform(0.05, 0.4)
    kept, held = hold_out(groups, fraction, seed)
    total = len(samples_of(groups))
    assert samples_of(kept) | samples_of(held) == samples_of(groups)
    assert not samples_of(kept) & samples_of(held)
    rounding = sum(map(len, groups))
    assert fraction / 2 * total - rounding < len(samples_of(held)) <= max(2 * fraction, 0.34) * total + rounding
    again = hold_out(groups, fraction, seed)
    assert [samples_of(side) for side in again] == [samples_of(kept), samples_of(held)]


def test_whole_voices_else_whole_files_else_ends():
    voices = numbered(*[[50] * 4] * 5)
    kept, held = hold_out(voices, 0.1, seed=0)
    assert (len(kept), len(held), len(held[0])) == (4, 1, 4)
    two = numbered([50] * 10, [50] * 10)
    kept, held = hold_out(two, 0.1, seed=0)
    assert (len(kept), sum(map(len, kept)), sum(map(len, held))) == (2, 18, 2)
    long = numbered([1000], [1000])
    kept, held = hold_out(long, 0.1, seed=0)
    assert [len(item) for group in kept for item in group] == [900, 900]
    assert [item[0] for group in held for item in group] == [900, 1900]
    uneven = numbered([500], [10], [490])  # the short one is too little, the others too much
    assert [len(group[0]) for group in hold_out(uneven, 0.1, 0)[1]] == [50, 1, 49]


def test_mixtures_hold_out_recordings_and_not_only_mixtures():
    voices = tuple((np.full(4000, 100 + i, np.int16),) for i in range(10))
    source = Recordings(voices, RATE)
    mixtures = Mixtures({"signal": source, "noise": Noise(("babble",), source)}, 800, 50)
    kept, held = mixtures.split(0.2, seed=3)
    assert (len(kept), len(held)) == (50, 10)
    for side, count in ((kept, 8), (held, 2)):
        assert len(side.sources["signal"].groups) == count
        babble = samples_of(side.sources["noise"].voices.groups)
        assert babble == samples_of(side.sources["signal"].groups)
    assert not samples_of(kept.sources["signal"].groups) & samples_of(held.sources["signal"].groups)


def test_one_pair_is_held_out_by_its_end():
    pair = np.arange(100, dtype=np.float32)
    kept, held = Pairs.of([pair], [-pair], 10, 20).split(0.1, seed=0)
    assert (kept.pairs[0].shape, held.pairs[0].shape) == ((2, 90), (2, 10))
    assert held.pairs[0][0, 0] == 90


@pytest.mark.parametrize("kind", ["separator", "denoiser", "pairs"])
def test_a_fit_measures_recordings_that_it_did_not_hear(kind, monkeypatch):
    heard = {}

    def fit(self, module, source, objective, *, validation=None, **rest):
        heard.update(kept=source, held=validation)
        raise InterruptedError

    monkeypatch.setattr(Trainer, "fit", fit)
    clips = [np.sin(np.arange(4000) / (2 + i)) for i in range(10)]
    settings = {"channels": 4, "bottleneck": 4, "seconds": 0.1, "random_state": 0, "trainer": Trainer(patience=1)}
    model = SourceSeparator(**settings) if kind == "separator" else AudioDenoiser(**settings)
    given = {"separator": ({"a": clips, "b": clips[::-1]},), "denoiser": (clips,), "pairs": (clips, clips)}[kind]
    with pytest.raises(InterruptedError):
        model.fit(*given)
    sides = [[heard[side].pairs] if kind == "pairs" else recordings_of(heard[side]) for side in ("kept", "held")]
    for kept, held in zip(*sides, strict=True):
        assert (len(kept), len(held)) == (9, 1)
        assert all(np.shape(item) != np.shape(held[0]) or not np.array_equal(item, held[0]) for item in kept)


def recordings_of(mixtures):
    """The groups of all sources."""
    return [source.groups for source in mixtures.sources.values() if isinstance(source, Recordings)]
