"""A run that is taken up again after any of its steps ends where the uninterrupted one does, to the last bit."""

from __future__ import annotations

import shutil
from dataclasses import asdict

import pytest
import torch
from torch import nn

from latente.bottlenecks import FSQ, VQ, Deterministic, Gaussian, KSparse, Sparse
from latente.corruptions import Compose, Custom, GaussianNoise, Masking, SaltAndPepper, Speckle, SwapNoise
from latente.distortions import GaussianLikelihood
from latente.networks import MLP, CustomNetwork
from latente.objectives import RAE, BetaTC, Contractive, ImportanceWeighted, Losses, Plain, Wasserstein
from latente.training import Trainer, seeded

pytestmark = pytest.mark.usefixtures("untouched_generators")


class Dropping(nn.Sequential):
    """Dropout draws from torch's global generator; batch normalisation keeps statistics in buffers."""

    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, outputs))


class Reporting(Plain):
    """Spikes now and then, and reports something of its own."""

    def __call__(self, module, batch, progress):
        losses = super().__call__(module, batch, progress)
        factor = 1e4 if module.training and progress.step in (5, 9) else 1.0
        zero = torch.zeros_like(losses.loss)
        loss = losses.loss * factor
        return Losses(loss, losses.distortion, losses.rate, zero, {"largest": losses.loss.max().detach()})


def shaken(x):
    return x + 0.1 * torch.randn_like(x)


def dropping():
    with seeded(0):
        return CustomNetwork(Dropping(10, 3), Dropping(3, 10))


CASES = {
    **{f"bottleneck {b.short_name}": {"bottleneck": b} for b in (Sparse(), KSparse(2), VQ(8, 3), FSQ(4))},
    "gaussian, warm-up": {"bottleneck": Gaussian(beta=0.5, warmup=0.5)},
    **{f"objective {o.short_name}": {"objective": o} for o in (Contractive(), Wasserstein(), RAE())},
    "objective rae, gradient": {"objective": RAE(regularizer="gradient")},
    **{
        f"objective {o.short_name}": {"objective": o, "bottleneck": Gaussian()}
        for o in (ImportanceWeighted(), BetaTC())
    },
    **{
        f"corruption {c.short_name}": {"corruption": c}
        for c in (GaussianNoise((0.1, 0.3)), Speckle(0.1), SaltAndPepper(0.1), Masking((0.1, 0.3)), SwapNoise(0.1))
    },
    "composed corruption": {"corruption": Compose((Masking(0.1), GaussianNoise(0.1)))},
    "the user's corruption": {"corruption": Custom(shaken)},
    "dropout and batch statistics": {"network": dropping},
    "learned variance": {"distortion": GaussianLikelihood()},
    "spikes and extra numbers": {"objective": Reporting()},
    "without clipping": {"objective": Reporting(), "trainer": {"clip": False}},
    "bfloat16": {"bottleneck": Gaussian(), "network": MLP((16, 16)), "trainer": {"precision": "bfloat16"}},
    "early stopping": {"bottleneck": Gaussian(), "trainer": {"patience": 1, "learning_rate": 0.3, "epochs": 6}},
    "patience to the end": {"bottleneck": Gaussian(), "trainer": {"patience": 5}},
    "uneven batches": {"samples": 50, "bottleneck": Gaussian()},
    "one batch an epoch": {"trainer": {"batch_size": 64, "epochs": 6}, "corruption": Masking(0.2)},
    "a callback that stops": {"trainer": {"callbacks": (lambda record: record.epoch == 2,)}, "bottleneck": Gaussian()},
}


@pytest.fixture
def train(make, table, weights):
    """A function (case, checkpoint=..., resume=...) -> weights, and everything in the history but the seconds."""

    def run(case, *, resume=False, validation=True, **more):
        options = {name: case[name] for name in ("network", "distortion", "corruption") if name in case}
        if callable(options.get("network")):
            options["network"] = options["network"]()
        module = make(case.get("bottleneck") or Deterministic(), **options)
        settings = {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, "verbose": False}
        trainer = Trainer(**{**settings, **case.get("trainer", {}), **more})
        history = trainer.fit(
            module, table(case.get("samples", 64)), case.get("objective") or Plain(),
            validation=table(20, seed=1) if validation else None, seed=3, resume=resume,
        )  # fmt: skip
        described = asdict(history)
        for record in described["records"]:
            del record["seconds"]
        return weights(module), described

    return run


@pytest.fixture
def every_state(tmp_path, train):
    """A function case -> the paths of the states after each of its steps, all in one folder."""

    def run(case):
        train(case, checkpoint=tmp_path / "all", checkpoint_every=1, checkpoints_kept=10**9)
        return sorted((tmp_path / "all").glob("step-*"))

    return run


def taken_up(state, to):
    """Returns a folder as it was when the process was killed after that state."""
    to.mkdir()
    for path in (state, *state.parent.glob("best-*")):
        shutil.copy(path, to)
    return to


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_after_any_step(train, every_state, tmp_path, same, case):
    trained, history = train(case)
    states = every_state(case)
    assert len(states) >= 6
    for state in states:
        again, described = train(case, checkpoint=taken_up(state, tmp_path / state.stem), resume=True)
        assert same(trained, again), state.name
        assert described == history, state.name
    if case.get("trainer", {}).get("patience") == 1:
        assert history["stopped"] == "early stopping"
        assert history["best_epoch"] < len(history["records"])


def test_checkpoints_change_nothing(train, every_state, tmp_path, same):
    case = CASES["gaussian, warm-up"]
    trained, history = train(case)
    again, described = train(case, checkpoint=tmp_path / "c", checkpoint_every=1)
    assert same(trained, again)
    assert described == history


def test_again_and_again(train, tmp_path, same):
    """Killed after every second step: each life adds two steps."""

    class Dies(Plain):
        def __init__(self, at):
            self.at = at

        def __call__(self, module, batch, progress):
            if module.training and progress.step == self.at:
                raise MemoryError
            return super().__call__(module, batch, progress)

    case = {"bottleneck": Gaussian(), "corruption": Masking(0.2), "trainer": {"patience": 2}}
    trained, history = train({**case, "objective": Dies(-1)})
    settings = {"checkpoint": tmp_path / "c", "checkpoint_every": 1, "resume": True}
    for at in range(2, 12, 2):
        with pytest.raises(MemoryError):
            train({**case, "objective": Dies(at)}, **settings)
    again, described = train({**case, "objective": Dies(-1)}, **settings)
    assert same(trained, again)
    assert described == history


@pytest.mark.parametrize("name", ["gaussian, warm-up", "early stopping", "a callback that stops"])
def test_a_finished_run_is_finished(train, tmp_path, same, name):
    trained, history = train(CASES[name], checkpoint=tmp_path / "c")
    before = sorted(path.name for path in (tmp_path / "c").iterdir())
    for _ in range(2):
        again, described = train(CASES[name], checkpoint=tmp_path / "c", resume=True)
        assert same(trained, again)
        assert described == history
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == before


def test_without_held_out_samples(train, tmp_path, same):
    trained, history = train({}, validation=False)
    with pytest.raises(ValueError, match="validation.samples is None there, 20 here"):
        train({}, validation=True, checkpoint=_one(train, tmp_path), resume=True)
    again, described = train({}, validation=False, checkpoint=tmp_path / "one", resume=True)
    assert same(trained, again)
    assert described == history


def _one(train, tmp_path):
    train({}, validation=False, checkpoint=tmp_path / "one", checkpoint_every=5)
    return tmp_path / "one"


def test_memory_format_survives(tmp_path):
    """Checkpoints hold plain tensors; a module in channels_last is resumed in channels_last."""
    from latente.autoencoder import AutoencoderModule
    from latente.data import ArraySource
    from latente.distortions import SquaredError
    from latente.networks import Conv

    def train(**settings):
        with seeded(0):
            bottleneck = Gaussian().build(3)
            pair = Conv((4,)).build((1, 8, 8), 3, bottleneck.features)
        module = AutoencoderModule(pair[0], bottleneck, pair[1], distortion=SquaredError().build((1, 8, 8)))
        module.to(memory_format=torch.channels_last)
        x = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        resume = settings.pop("resume", False)
        Trainer(epochs=2, batch_size=10, verbose=False, **settings).fit(module, ArraySource(x), Plain(), resume=resume)
        return module.state_dict()

    class Stops(Exception):
        pass

    def stop(record):
        raise Stops

    expected = train()
    with pytest.raises(Stops):
        train(checkpoint=tmp_path, checkpoint_every=3, callbacks=[stop])
    resumed = train(checkpoint=tmp_path, resume=True)
    for name, tensor in expected.items():
        assert torch.equal(tensor, resumed[name])
        assert tensor.stride() == resumed[name].stride()
