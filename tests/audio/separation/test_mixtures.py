"""Mixtures: what they hold, that the seed and the place in a pass decide them, and the error against the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente import Trainer
from latente.audio import stft
from latente.audio.separation.drawing import Recordings, read_recordings
from latente.audio.separation.mixtures import Levels, Mixtures
from latente.audio.separation.network import BANDS, DETAILS, MaskNetwork
from latente.audio.separation.noises import Noise, noise_signal
from latente.audio.separation.objective import SourceError
from latente.audio.separation.pairs import Pairs
from latente.objectives import Batch, Progress

RATE = 8000
WHITE, CLICKS = Noise(("white",)), Noise(("clicks",))


def test_mixtures_are_sums_at_the_levels_asked_for():
    mixtures = Mixtures({"a": WHITE, "b": CLICKS}, 4000, 400, levels=Levels(mean=6.0, deviation=1.0, absent=0.0))
    batch = next(mixtures.batches(400, shuffle=1))
    torch.testing.assert_close(batch.target.sum(1), batch.x)
    torch.testing.assert_close(batch.x.square().mean(1).sqrt(), torch.full((400,), 0.1))
    power = batch.target.square().mean(2).log10().mul(10)
    difference = power[:, 0] - power[:, 1]
    assert abs(float(difference.mean()) - 6) < 0.3
    assert abs(float(difference.std()) - 2**0.5) < 0.2


def test_sources_are_absent_now_and_then_never_both():
    batch = next(Mixtures({"a": WHITE, "b": WHITE}, 100, 1000, levels=Levels(absent=0.3)).batches(1000, shuffle=0))
    silent = batch.target.abs().amax(2) == 0
    assert 0.2 < float(silent.any(1).float().mean()) < 0.5
    assert not silent.all(1).any()


@pytest.mark.parametrize("start", [1, 3])
def test_a_pass_can_be_taken_up_again_and_shared(start):
    mixtures = Mixtures({"a": WHITE, "b": CLICKS}, 50, 32, seed=3)
    whole = [batch.x for batch in mixtures.batches(8, shuffle=5)]
    rest = [batch.x for batch in mixtures.batches(8, shuffle=5, start=start)]
    assert all(torch.equal(a, b) for a, b in zip(whole[start:], rest, strict=True))
    other = next(mixtures.batches(8, shuffle=6)).x
    assert not torch.equal(whole[0], other)
    shards = [[batch.x for batch in mixtures.shard(rank, 2).batches(4, shuffle=5)] for rank in (0, 1)]
    assert all(torch.equal(torch.cat(parts), x) for *parts, x in zip(*shards, whole, strict=True))


def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path):
    def trained(stop, checkpoint, resume):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = MaskNetwork(2, 8, 4, (1, 2))
        calls = [] if stop is None else [lambda record: record.epoch == stop]
        trainer = Trainer(
            epochs=3,
            batch_size=4,
            threads=1,
            verbose=False,
            checkpoint=checkpoint,
            callbacks=calls,
            precision="float32",
        )
        trainer.fit(network, Mixtures({"a": WHITE, "b": CLICKS}, 2000, 16), SourceError(), seed=1, resume=resume)
        return network.state_dict()

    whole = trained(None, None, False)
    trained(1, tmp_path / "run", False)
    again = trained(None, tmp_path / "run", True)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_recordings_are_played_at_another_speed():
    tone = np.sin(2 * np.pi * 1000 * np.arange(4 * RATE) / RATE)
    recordings = Recordings(((tone,),), RATE, several=0.0, equalised=0.0)
    peaks = []
    for seed in range(40):
        drawn = recordings.draw(np.random.default_rng(seed), RATE)
        peaks.append(np.abs(np.fft.rfft(drawn * np.hanning(RATE))).argmax())
    assert 780 <= min(peaks) < 850
    assert 1180 < max(peaks) <= 1260


def test_short_recordings_follow_each_other_until_the_time_is_full():
    recordings = read_recordings([[0, 0, *np.ones(RATE // 4), 0]], RATE)
    assert recordings.seconds == 0.25  # silence at the ends is cut
    drawn = Recordings(recordings.groups, RATE, speed=1.0, several=0.0, equalised=0.0).draw(
        np.random.default_rng(0), 4 * RATE
    )
    loud = np.abs(drawn) > 0.5
    assert 0.3 < loud.mean() < 1
    assert loud[-RATE:].any()


@pytest.mark.parametrize(("kind", "slope"), [("white", 0.0), ("pink", -1.0)])
def test_noises_have_their_spectra(kind, slope):
    power = np.square(np.abs(np.fft.rfft(noise_signal(kind, np.random.default_rng(0), 1 << 16))))
    octaves = [power[2**i : 2 ** (i + 1)].mean() for i in range(6, 15)]
    found = np.polyfit(np.arange(6, 15), np.log2(octaves), 1)[0]
    assert abs(found - slope) < 0.06


def test_the_error_is_the_bounded_signal_to_noise_ratio():
    rng = torch.Generator().manual_seed(0)
    target = torch.randn(3, 2, 500, generator=rng)
    target[2, 1] = 0
    noise = torch.randn(3, 2, 500, generator=rng)
    noise[1] = 0
    x = target.sum(1)
    found = SourceError()(lambda _: target + 0.1 * noise, Batch(x, target), Progress()).loss
    ratio = (
        0.01
        * noise.square().sum(2)
        / torch.where(target.abs().amax(2) > 0, target.square().sum(2), x.square().sum(1)[:, None])
    )
    torch.testing.assert_close(found, (10 * torch.log10(ratio + 1e-3)).mean(1), rtol=1e-4, atol=1e-4)
    assert float(found[1]) == pytest.approx(-30, abs=1e-3)
    pairs = SourceError(pairs=True)(lambda x: x[:, None] / 2, Batch(x, x[:, None]), Progress()).loss
    torch.testing.assert_close(pairs, torch.full((3,), 0.25))


def test_pairs_are_cut_at_one_place_and_either_copy_is_the_input():
    first, second = np.arange(1000, dtype=np.float32), -np.arange(1000, dtype=np.float32)
    source = Pairs.of([first], [second], 100, 64)
    batch = next(source.batches(64, shuffle=0))
    torch.testing.assert_close(batch.x, -batch.target[:, 0])
    sign = batch.x.sum(1).sign()
    assert 10 < int((sign > 0).sum()) < 54
    kept, held = Pairs.of([first] * 10, [second] * 10, 100, 60).split(0.2, seed=0)
    assert (len(kept.pairs), len(held.pairs), len(held)) == (8, 2, 12)


def test_masks_add_up_and_every_parameter_learns():
    network = MaskNetwork(3, 16, 8)
    x = torch.randn(2, 6000, generator=torch.Generator().manual_seed(0))
    parts = network(x)
    torch.testing.assert_close(parts.sum(1), x, atol=1e-5, rtol=0)
    target = torch.randn(2, 3, 6000, generator=torch.Generator().manual_seed(1))
    SourceError()(network, Batch(x, target), Progress()).loss.mean().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in still if not name.endswith("bias")] == []  # a normalisation takes away the bias before it


def test_gates_let_through_what_stands_out_of_the_bins_beside_it():
    network = MaskNetwork(2, 8, 4, (1,)).eval()
    hiss = 0.01 * np.random.default_rng(0).standard_normal(16_000)
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 8000)  # in the middle of bin 64
    spectrum = stft(torch.from_numpy((hiss + tone).astype(np.float32)), 512, 256)[None]
    with torch.inference_mode():
        shut = network.masks(spectrum)
        network.gates.bias.unflatten(0, (-1, BANDS))[DETAILS - 1] = 1.0  # of the detail across frequency
        opened = network.masks(spectrum)
    change = (opened - shut)[0, 0, :, 5:-5].mean(1)  # of the first source's mask
    assert change[64] > 0.05
    assert change[[61, 67]].max() < -0.01
    torch.testing.assert_close(opened.sum(1), torch.ones_like(opened.sum(1)))


def test_the_reach_holds():
    network = MaskNetwork(2, 16, 8).eval()
    x = torch.randn(1, 2 * network.reach + 20_000, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, :10_000] *= 3
    with torch.inference_mode():
        a, b = network(x), network(changed)
    after = 10_000 + network.reach
    torch.testing.assert_close(a[..., after:], b[..., after:], atol=1e-6, rtol=0)
    assert (a[..., 10_000 : 10_000 + 500] - b[..., 10_000 : 10_000 + 500]).abs().max() > 1e-3
