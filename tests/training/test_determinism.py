"""The seed decides everything random: same seed, same weights to the last bit; no global generator is touched."""

from __future__ import annotations

import numpy as np
import pytest
import rich.style  # noqa: F401  (importing it draws once from Python's generator, so let it be before the guard looks)
import torch
from torch import nn

from latente.bottlenecks import FSQ, VQ, Deterministic, Gaussian, KSparse, Sparse
from latente.corruptions import Compose, Custom, GaussianNoise, Masking, SaltAndPepper, Speckle, SwapNoise
from latente.networks import MLP, CustomNetwork
from latente.objectives import RAE, BetaTC, Contractive, ImportanceWeighted, Plain, Wasserstein
from latente.training import Trainer, seed_of, seeded

OBJECTIVES = [Plain(), Contractive(), Wasserstein(), RAE(), RAE(regularizer="gradient")]
BOTTLENECKS = [Deterministic(), Gaussian(), Sparse(), KSparse(2), VQ(8, 3), FSQ(4)]
PAIRS = [(o, b) for o in OBJECTIVES for b in BOTTLENECKS] + [(o, Gaussian()) for o in (ImportanceWeighted(), BetaTC())]
CORRUPTIONS = [
    GaussianNoise((0.1, 0.3)),
    Speckle(0.1),
    SaltAndPepper(0.1),
    Masking((0.1, 0.3)),
    SwapNoise(0.1),
    Compose((Masking(0.1), GaussianNoise(0.1))),
    Custom(lambda x: x + 0.1 * torch.randn_like(x)),
]
pytestmark = pytest.mark.usefixtures("untouched_generators")


@pytest.fixture
def train(make, table, weights):
    """A function (objective, seed, ...) -> the weights after two epochs."""

    def run(objective=None, bottleneck=None, seed=0, trainer=None, **options):
        module = make(bottleneck, **options)
        trainer = trainer or Trainer(epochs=2, batch_size=16, learning_rate=0.01, verbose=False)
        history = trainer.fit(module, table(64), objective or Plain(), validation=table(20), seed=seed)
        return weights(module), [(r.loss, r.distortion, r.rate, r.penalty, r.validation_loss) for r in history.records]

    return run


@pytest.mark.parametrize(("objective", "bottleneck"), PAIRS, ids=lambda part: part.short_name)
def test_the_same_seed_gives_the_same_weights(train, same, objective, bottleneck):
    first, losses = train(objective, bottleneck, seed=3)
    torch.rand(7, generator=torch.Generator())  # whatever happens in between
    second, again = train(objective, bottleneck, seed=3)
    assert same(first, second)
    assert losses == again
    other, _ = train(objective, bottleneck, seed=4)
    assert not same(first, other)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda part: part.short_name)
def test_corruptions_follow_the_seed(train, same, corruption):
    """The order of the samples is fixed by giving them all at once, so only the corruption can differ."""
    trainer = Trainer(epochs=2, batch_size=64, learning_rate=0.01, verbose=False)
    first, second, other = (train(corruption=corruption, trainer=trainer, seed=seed)[0] for seed in (1, 1, 2))
    assert same(first, second)
    largest = max((first[name] - other[name]).abs().max() for name in first)
    assert largest > 1e-4


class WithDropout(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, 8), nn.Dropout(0.5), nn.Linear(8, outputs))


def test_dropout_in_the_users_module_follows_the_seed(train, same):
    with seeded(0):
        network = CustomNetwork(WithDropout(10, 3), WithDropout(3, 10))
    trainer = Trainer(epochs=2, batch_size=64, learning_rate=0.01, verbose=False)
    results = []
    for seed, before in ((1, 10), (1, 20), (2, 20)):
        with torch.random.fork_rng():
            torch.manual_seed(before)  # where the global generator stands does not matter
            results.append(train(network=network, trainer=trainer, seed=seed)[0])
    assert same(results[0], results[1])
    assert not same(results[1], results[2])


@pytest.mark.parametrize("verbose", [True, False])
def test_watching_changes_nothing(train, same, capsys, verbose):
    quiet, _ = train()
    watched, _ = train(trainer=Trainer(epochs=2, batch_size=16, learning_rate=0.01, verbose=verbose, callbacks=[print]))
    assert same(quiet, watched)


def test_validation_samples_change_nothing_but_the_report(make, table, weights, same):
    results = []
    for validation in (None, table(20)):
        module = make(Gaussian())
        Trainer(epochs=2, batch_size=16, verbose=False).fit(module, table(64), Plain(), validation=validation)
        results.append(weights(module))
    assert same(*results)


@pytest.mark.parametrize("objective", [Plain(), ImportanceWeighted(), Wasserstein()], ids=lambda part: part.short_name)
def test_choosing_a_precision_costs_no_randomness(train, same, objective):
    """Large enough to be tried in bfloat16, whatever comes of it: a run that ends in float32 is the float32 run."""
    network = MLP((400, 300))
    settings = {"epochs": 1, "batch_size": 32, "verbose": False}
    chosen, _ = train(objective, Gaussian(), network=network, trainer=Trainer(**settings))
    for precision in ("float32", "bfloat16"):
        told, _ = train(objective, Gaussian(), network=network, trainer=Trainer(**settings, precision=precision))
        if same(chosen, told):
            return
    pytest.fail("the automatic choice is neither the float32 nor the bfloat16 run")


def test_seeds_of_random_states():
    assert seed_of(7) == seed_of(np.int64(7)) == 7
    assert seed_of(np.random.default_rng(3)) == seed_of(np.random.default_rng(3))
    assert seed_of(np.random.RandomState(3)) == seed_of(np.random.RandomState(3))
    generator = np.random.default_rng(3)
    assert seed_of(generator) != seed_of(generator)
    assert seed_of(None) != seed_of(None)
    assert 0 <= seed_of(None) < 2**32


@pytest.mark.parametrize("random_state", [-1, 1.5, "7", True, 2**32, [1], np.float64(3)])
def test_what_is_no_random_state(random_state):
    with pytest.raises(ValueError, match=r"random_state must be None, an integer from 0 to 2\*\*32 - 1 or a numpy"):
        seed_of(random_state)


def test_seeded_restores_the_global_generator_even_after_an_error():
    def draw(fail):
        with seeded(5) as generator:
            drawn.append((torch.rand(3), torch.rand(3, generator=generator)))
            if fail:
                raise RuntimeError

    drawn = []
    draw(fail=False)
    with pytest.raises(RuntimeError):
        draw(fail=True)
    torch.testing.assert_close(*drawn, rtol=0, atol=0)
