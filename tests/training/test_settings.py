"""The trainer's settings: what nobody says, what makes no sense, the schedule, and the precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from latente.bottlenecks import Gaussian
from latente.networks import MLP
from latente.nn import StartedLinear
from latente.objectives import ImportanceWeighted, Plain
from latente.training import Trainer, precision
from latente.training.schedule import automatic_batch_size, automatic_epochs, constant, warmup_cosine


@pytest.mark.parametrize("total", [1, 2, 10, 60, 1000])
def test_warm_up_then_cosine(total):
    rates = [warmup_cosine(step, total) for step in range(total)]
    assert all(0 < rate <= 1 for rate in rates)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    if total >= 10:
        rise = total // 10
        assert rates[rise] == 1.0
        assert rates[:rise] == pytest.approx([(step + 1) / (rise + 1) for step in range(rise)])
        angles = math.pi * (np.arange(rise, total) - rise) / (total - rise)
        assert rates[rise:] == pytest.approx(list(0.001 + 0.999 * (1 + np.cos(angles)) / 2))
    if total > 1:
        assert warmup_cosine(total, total) == warmup_cosine(10 * total, total) == pytest.approx(0.001)


def test_constant():
    assert [constant(step, 10) for step in (0, 5, 10)] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("samples", [1, 2, 7, 100, 640, 2_000, 10_000, 60_000, 10**7])
def test_automatic_sizes_are_sensible(samples):
    size, epochs = automatic_batch_size(samples), automatic_epochs(samples)
    assert size in (32, 64, 128, 256)
    assert 1 / math.sqrt(2) <= size / min(256, max(32, samples / 20)) <= math.sqrt(2)
    assert epochs == min(300, max(5, round(6_400 / math.sqrt(samples))))
    trainer = Trainer()
    assert (trainer.resolve_batch_size(samples), trainer.resolve_epochs(samples)) == (size, epochs)
    told = Trainer(epochs=3, batch_size=9)
    assert (told.resolve_batch_size(samples), told.resolve_epochs(samples)) == (9, 3)


@pytest.mark.parametrize(
    ("settings", "fraction"),
    [
        ({}, 0.0),
        ({"patience": 3}, 0.1),
        ({"validation_fraction": 0.3}, 0.3),
        ({"patience": 3, "validation_fraction": 0}, 0),
    ],
)
def test_what_is_held_out(settings, fraction):
    assert Trainer(**settings).held_out == fraction


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("epochs", (0, -1, 2.5, "many", None, True), "epochs must be an integer of at least 1 or 'auto'"),
        ("batch_size", (0, -1, 2.5, "big", None), "batch_size must be an integer of at least 1 or 'auto'"),
        ("patience", (0, -1, 2.5, "auto", True), "patience must be an integer of at least 1 or None"),
        ("learning_rate", (0, -1, "fast", None, math.nan, math.inf), "learning_rate must be above 0 or 'auto'"),
        (
            "weight_decay",
            (-1, "some", None, math.nan, math.inf),
            "weight_decay must be a number of at least 0 or",
        ),
        ("beta2", (0, 1, -0.5, "some", None, math.nan), "beta2 must be above 0 and below 1, or 'auto'"),
        ("optimizer", ("sgd", None, 1), "optimizer must be 'auto', 'adam' or 'muon'"),
        ("validation_fraction", (1, -0.1, "some", math.nan), r"validation_fraction must be in \[0, 1\) or None"),
        ("precision", ("float16", None, 32), "precision must be one of auto, float32, bfloat16"),
        ("verbose", ("yes", None, 2), "verbose must be True, False or 'auto'"),
        (
            "callbacks",
            (print, [1], None, "ab", [print, None]),
            "callbacks must be a list of functions of an EpochRecord",
        ),
        ("device", ("gpu", "cuda:99", None, 1.5, ""), r"device .* cannot be used: .*Use 'auto' or 'cpu'"),
    ],
)
def test_settings_that_make_no_sense(make, table, name, values, message):
    for value in values:
        with pytest.raises(ValueError, match=f"Trainer: {message}"):
            Trainer(**{"epochs": 1, name: value}).fit(make(), table(), Plain())


@pytest.mark.parametrize(
    ("given", "rate"), [({}, 2e-3), ({"learning_rate": "auto"}, 2e-3), ({"learning_rate": 0.5}, 0.5)]
)
def test_the_learning_rate_that_a_run_has(make, table, given, rate):
    """The history, the schedule and the automatic decay, at most 0.1 / rate, all read the same number."""
    trainer = Trainer(epochs=1, batch_size=1000, **given, verbose=False)
    assert trainer.resolve_learning_rate() == rate
    history = trainer.fit(make(), table(), Plain())
    assert history.learning_rate == rate
    assert history.records[0].learning_rate <= rate
    normalised = nn.Sequential(StartedLinear(4, 4), nn.LayerNorm(4))
    normalised[0].start(torch.eye(4), torch.zeros(4))
    assert trainer.resolve_weight_decay(1, 1000, normalised) == pytest.approx(min(16, 0.1 / rate))


def test_numpy_numbers_are_numbers(make, table):
    trainer = Trainer(
        epochs=np.int64(2), batch_size=np.int32(16), learning_rate=np.float32(1e-3), patience=np.int64(2), verbose=False
    )
    history = trainer.fit(make(), table(), Plain(), validation=table(9))
    assert len(history) == 2


def test_the_cpu_is_always_there():
    assert Trainer(device="cpu").resolve_device() == torch.device("cpu")
    assert Trainer().resolve_device().type in ("cpu", "cuda")
    assert Trainer(device=torch.device("cpu")).resolve_device() == torch.device("cpu")


@pytest.mark.parametrize(("local", "number"), [(None, 0), ("3", 3)])
def test_a_gpu_has_a_number_as_its_tensors_have(monkeypatch, local, number):
    """torch.device("cuda") and torch.device("cuda:0") are not equal."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local is not None:  # torchrun
        monkeypatch.setenv("LOCAL_RANK", local)
    assert Trainer().resolve_device() == torch.device("cuda", number)


# Precision


class Watch(nn.Linear):
    """Notes in which type its product is computed."""

    seen: list[torch.dtype]

    def forward(self, x):
        out = super().forward(x)
        self.seen.append(out.dtype)
        return out


@pytest.fixture
def watched(make):
    module = make(network=MLP((8,)))
    watch = Watch(8, 3)
    watch.seen = []
    module.encoder[1] = watch
    return module


@pytest.mark.parametrize(("wanted", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_products_run_in_the_precision_that_was_asked_for(watched, table, wanted, dtype):
    history = Trainer(epochs=2, precision=wanted, threads=1, verbose=False).fit(watched, table(), Plain())
    assert history.precision == wanted
    assert set(watched.encoder[1].seen) == {dtype}
    assert all(p.dtype == torch.float32 for p in watched.parameters())


def test_bfloat16_learns_nearly_what_float32_learns(make, table):
    losses = {}
    for wanted in ("float32", "bfloat16"):
        module = make()
        trainer = Trainer(epochs=30, batch_size=32, learning_rate=0.01, precision=wanted, verbose=False)
        losses[wanted] = trainer.fit(module, table(320), Plain()).column("loss")
    assert losses["bfloat16"][-1] < 0.2 * losses["bfloat16"][0]
    assert losses["bfloat16"][-1] == pytest.approx(losses["float32"][-1], rel=0.3)


def choose(module, objective, batch, monkeypatch, *, hardware=True, smallest=0):
    monkeypatch.setattr(precision, "_hardware_has_bfloat16", lambda device: hardware)
    monkeypatch.setattr(precision, "SMALLEST_MODULE", smallest)
    return precision.choose_precision("auto", module, objective, batch, torch.device("cpu"))


def test_auto_wants_hardware_size_and_an_equal_result(make, table, monkeypatch):
    batch = next(iter(table().batches(80)))
    assert choose(make(), Plain(), batch, monkeypatch) == "bfloat16"
    assert choose(make(), Plain(), batch, monkeypatch, hardware=False) == "float32"
    assert choose(make(), Plain(), batch, monkeypatch, smallest=100_000) == "float32"


def test_auto_stays_in_float32_where_bfloat16_loses_the_result(make, table, monkeypatch):
    """A decoder that subtracts 1000 from 1000 + x has three digits of x left in bfloat16: none."""

    class Cancels(nn.Module):
        def __init__(self):
            super().__init__()
            self.add, self.take = nn.Linear(10, 10), nn.Linear(10, 10)
            for layer, offset in ((self.add, 1000.0), (self.take, -1000.0)):
                nn.init.eye_(layer.weight)
                nn.init.constant_(layer.bias, offset)

        def forward(self, x):
            return self.take(self.add(x))

    module = make()
    module.decoder.append(Cancels())
    batch = next(iter(table().batches(80)))
    assert choose(module, Plain(), batch, monkeypatch) == "float32"


def test_auto_compares_like_with_like_when_the_objective_draws(make, table, monkeypatch):
    """Two draws of an importance-weighted distortion differ by more than 2%; one draw in two precisions does not."""
    module = make(Gaussian()).train()
    batch = next(iter(table(4).batches(4)))
    for seed in range(5):
        module.generator = torch.Generator().manual_seed(seed)
        state = module.generator.get_state()
        assert choose(module, ImportanceWeighted(1), batch, monkeypatch) == "bfloat16"
        assert torch.equal(module.generator.get_state(), state)
        assert module.training


def test_small_modules_run_in_float32_by_themselves(make, table):
    assert Trainer(epochs=1, verbose=False).fit(make(), table(), Plain()).precision == "float32"
