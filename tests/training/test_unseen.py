"""What a GPU does without being looked at, on the CPU; threads, compilation and the arithmetic they are chosen from."""

from __future__ import annotations

import math
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from latente import Autoencoder
from latente.data import decide
from latente.networks import MLP, Conv
from latente.nn import multiply_adds
from latente.objectives import Batch, Plain, Progress
from latente.training import Trainer, TrainingDiverged, compiling, threads
from latente.training.means import Means
from latente.training.schedule import constant
from latente.training.stepper import LOOK_EVERY, Stepper


def stepper(module, *, looks, clip=True):
    return Stepper(module, Plain(), learning_rate=1e-2, schedule=constant, clip=clip, looks=looks)


def times(batch, factor):
    return Batch(batch.x * factor, batch.target * factor)


@pytest.mark.parametrize("clip", [True, False])
def test_unseen_steps_are_the_same_steps(make, table, clip):
    one, other = make(), make()
    seen, unseen = stepper(one, looks=True, clip=clip), stepper(other, looks=False, clip=clip)
    for i, batch in enumerate(table(400).batches(20, 5)):
        spike = times(batch, 30.0 if i == 12 else 1.0)
        a, b = seen.step(spike, Progress(i, 20, 400)), unseen.step(spike, Progress(i, 20, 400))
        torch.testing.assert_close(a.loss, b.loss)
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def test_an_unseen_step_that_is_not_finite_changes_nothing_and_is_found(make, table, weights, same):
    module = make()
    unseen, batch = stepper(module, looks=False), next(iter(table().batches(20)))
    unseen.step(batch, Progress(1, 100, 80))
    before = weights(module)
    unseen.step(times(batch, math.nan), Progress(2, 100, 80))
    assert same(weights(module), before)
    unseen.step(batch, Progress(3, 100, 80))  # goes on with good weights
    with pytest.raises(TrainingDiverged, match="at step 3 of 100"):
        unseen.look(batch, Progress(4, 100, 80))


def test_unseen_steps_are_looked_at_now_and_then(make, table):
    unseen, batch = stepper(make(), looks=False), next(iter(table().batches(20)))
    unseen.step(times(batch, math.inf), Progress(LOOK_EVERY - 2, 1000, 80))
    unseen.step(batch, Progress(LOOK_EVERY - 1, 1000, 80))
    with pytest.raises(TrainingDiverged, match=f"at step {LOOK_EVERY - 1} of"):
        unseen.step(batch, Progress(LOOK_EVERY, 1000, 80))


WAITLESS = {
    "plain": {},
    "convolutions": {"network": Conv((4, 8))},
    "corruption": {"corruption": "salt_and_pepper:0.25+masking:0.2"},
    "learned variance": {"distortion": "gaussian"},
    **{name: {"bottleneck": name} for name in ("gaussian:4", "sparse:0.1", "k_sparse:3", "vq:4", "fsq:8")},
    **{name: {"objective": name} for name in ("contractive", "wasserstein", "rae")},
    **{name: {"objective": name, "bottleneck": "gaussian"} for name in ("importance_weighted", "beta_tc")},
}


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("parts", WAITLESS.values(), ids=WAITLESS)
def test_a_step_on_a_gpu_waits_for_nothing(monkeypatch, parts, clip):
    """The meta device stands for it: to ask for a value fails there, and so does an operand that stayed on the CPU."""
    recipe = Autoencoder(8, **parts)._recipe().settle(decide(np.zeros((9, 12, 12), np.uint8)))
    module = recipe.build(8, decide(np.zeros((9, 12, 12), np.uint8))).train()
    with torch.no_grad():
        module(torch.rand(16, 1, 12, 12))  # codebooks are placed by the first batch
    module.to("meta")
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: nullcontext())
    unseen, means = Stepper(module, recipe.objective, learning_rate=1e-3, schedule=constant, clip=clip), Means()
    assert not unseen.looks
    x = torch.empty(16, 1, 12, 12, device="meta")
    for i in (1, 2):
        means.add(unseen.step(Batch(x, x), Progress(i, 1000, 160)))
    assert means.sums.device.type == "meta"


@pytest.mark.parametrize(
    ("network", "shape"), [(MLP((30, 20)), (12,)), (MLP((30, 20), skip=True), (12,)), (Conv((4, 8)), (1, 16, 12))]
)
def test_multiply_adds_are_half_of_torchs_count_of_operations(network, shape):
    encoder, decoder = network.build(shape, 5, 5)
    both = nn.Sequential(encoder, decoder)
    x = torch.randn(3, *shape)
    with FlopCounterMode(display=False) as counter:
        both(x)
    assert multiply_adds(both, lambda: both(x)) == counter.get_total_flops() // 2


def test_threads_follow_the_work_and_never_exceed_torchs(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    work = [0, 1 << 20, 1 << 26, 3 << 26, 1 << 40]
    assert [threads.automatic_threads(w) for w in work] == [1, 1, 1, 3, 8]


def test_threads_are_set_for_training_only(make, table):
    before, inside = torch.get_num_threads(), []
    trainer = Trainer(
        epochs=1, threads=2, verbose=False, callbacks=[lambda record: inside.append(torch.get_num_threads())]
    )
    history = trainer.fit(make(), table(), Plain())
    assert (history.threads, inside, torch.get_num_threads()) == (2, [2], before)


def test_compiling_pays_for_long_runs_of_small_networks_on_a_gpu():
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert compiling.pays(gpu, 1_000_000, 1 << 20)
    assert not compiling.pays(gpu, 1_000, 1 << 20)
    assert not compiling.pays(gpu, 1_000_000, 1 << 40)
    assert not compiling.pays(cpu, 10**9, 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # torch itself
@pytest.mark.skipif(not compiling.can_compile(torch.device("cpu")), reason="no C++ compiler")
def test_compiled_training_is_the_same_training(make, table):
    one, other = make(), make()
    settings = {"epochs": 2, "batch_size": 40, "threads": 1, "verbose": False}
    expected = Trainer(compile=False, **settings).fit(one, table(), Plain()).column("loss")
    assert Trainer(compile=True, **settings).fit(other, table(), Plain()).column("loss") == pytest.approx(expected)
    assert all(network._compiled_call_impl is None for network in other.children())
    assert list(other.state_dict()) == list(one.state_dict())
