"""Every fault is found in a small model that was broken on purpose, with its numbers; healthy models are not blamed."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from torch import nn

import latente
from latente import Autoencoder, Trainer
from latente.denoising import Denoiser
from latente.diagnostics import Evidence, Finding, diagnose, judge, pass_through, scaled
from latente.training import History
from latente.training.history import EpochRecord

QUICK = Trainer(epochs=60, batch_size=32, learning_rate=5e-3, verbose=False)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """400 rows of 10 columns that lie on a curved surface of 2 dimensions, with a little noise."""
    rng = np.random.default_rng(0)
    hidden = rng.uniform(-2, 2, (400, 2))
    mixed = np.column_stack([np.sin(hidden), np.cos(hidden), hidden**2, hidden, np.prod(hidden, 1), hidden[:, 0] ** 3])
    return mixed + 0.02 * rng.normal(size=mixed.shape)


@pytest.fixture(scope="module")
def good(table) -> Autoencoder:
    return Autoencoder(2, trainer=replace(QUICK, epochs=150), random_state=0).fit(table)


def named(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


def silence(model: Autoencoder, part: str) -> Autoencoder:
    """Sets the weights of the last layer of the encoder or the first of the decoder to zero."""
    layers = [m for m in getattr(model.module_, part).modules() if isinstance(m, nn.Linear)]
    layer = layers[-1] if part == "encoder" else layers[0]
    with torch.no_grad():
        layer.weight.zero_()
    return model


def record(epoch: int, loss: float, held: float | None = None) -> EpochRecord:
    return EpochRecord(epoch, loss, loss, 0.0, 0.0, held, held, None if held is None else 0.0, 0.1, 1e-3)


def test_what_cannot_be_diagnosed(good, table):
    for model in ("x", Denoiser(), Autoencoder):
        with pytest.raises(TypeError, match="must be a fitted autoencoder of latente; got (str|Denoiser|type|ABCMeta)"):
            diagnose(model, table)
    with pytest.raises(NotFittedError):
        diagnose(Autoencoder(2), table)
    with pytest.raises(ValueError, match="at least 2 samples"):
        diagnose(good, table[:1])
    assert diagnose(good, table[:1], reference=table)


def test_a_good_model_gets_no_warning(good, table, untouched_generators):
    found = diagnose(good, table)
    assert [f.name for f in found] == ["better than PCA"]
    assert numbers(found[0].message)[:3] == pytest.approx(
        [good.evaluate(table).error, 2, good.evaluate(table).pca_error], rel=1e-2
    )


def test_worse_than_pca_says_by_how_much(table):
    model = Autoencoder(4, network="mlp:16,16", trainer=replace(QUICK, epochs=3), random_state=0).fit(table)
    found = diagnose(model, table)
    finding = named(found)["worse than PCA"]
    x = (table - table.mean(0)) / table.std(0)
    pca = PCA(4).fit(x)
    pca_error = np.square(x - pca.inverse_transform(pca.transform(x))).sum(1).mean()
    error = model.evaluate(table).error
    assert finding.severity == "warning"
    assert numbers(finding.message) == pytest.approx([error, 4, pca_error, error / pca_error], rel=1e-2)
    assert (found[0].name, finding.advice) == ("too few steps", "It follows from: too few steps.")
    assert "3 epochs" in found[0].message


def test_a_single_layer_is_told_to_add_some(table):
    model = latente.VanillaAutoencoder(2, trainer=replace(QUICK, epochs=30), random_state=0).fit(table)
    finding = named(diagnose(model, table))["worse than PCA"]
    assert "hidden layers" in finding.advice


def test_not_better_than_the_mean_and_never_moved(table):
    still = Trainer(epochs=4, learning_rate=1e-12, verbose=False)
    model = silence(Autoencoder(2, network="mlp:32", trainer=still, random_state=0).fit(table), "decoder")
    found = named(diagnose(model, table))
    e = model.evaluate(table)
    assert numbers(found["not better than the mean"].message) == pytest.approx([e.error, e.mean_error], rel=1e-2)
    assert e.mean_error == pytest.approx(10, rel=1e-6)  # ten columns of variance 1
    moved = found["loss never moved"]
    assert (moved.severity, numbers(moved.message)[0]) == (
        "warning",
        pytest.approx(model.history_.column("loss")[0], rel=1e-4),
    )
    assert moved.advice == "It follows from: learning rate too low."
    assert found["learning rate too low"].change == {"trainer__learning_rate": 0.002}


def test_the_encoder_of_a_constant_code_is_named(table):
    model = silence(
        Autoencoder(3, network="mlp:32", trainer=replace(QUICK, epochs=1), random_state=0).fit(table), "encoder"
    )
    found = named(diagnose(model, table))
    assert numbers(found["constant code"].message) == [3, 400]
    assert "ignored bottleneck" not in found


def test_dead_units_are_counted(table):
    model = Autoencoder(5, network="mlp:32", trainer=replace(QUICK, epochs=5), random_state=0).fit(table)
    last = [m for m in model.module_.encoder.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.weight[1].zero_()
    assert numbers(named(diagnose(model, table))["dead units"].message) == [1, 5, 400]
    with torch.no_grad():
        last.weight[:3].zero_()
    finding = named(diagnose(model, table))["dead units"]
    assert (finding.severity, numbers(finding.message)[0]) == ("warning", 3)
    assert "latent_dim=2" in finding.advice


def test_a_collapsed_posterior_is_named(table):
    model = latente.VariationalAutoencoder(4, beta=1000.0, warmup=0.0, trainer=QUICK, random_state=0).fit(table)
    found = named(diagnose(model, table))
    finding = found["collapsed posterior"]
    rate = model.evaluate(table).rate
    assert finding.severity == "warning"
    assert numbers(finding.message) == pytest.approx([0, 4, 0.01, rate], rel=1e-2)
    assert finding.advice == "It follows from: beta too high."
    assert found["beta too high"].change == {"beta": 1.0}


def test_inactive_units_are_a_note(table):
    model = latente.VariationalAutoencoder(8, trainer=replace(QUICK, epochs=150), random_state=0).fit(table)
    active = int((model.transform(table).var(0) > 0.01).sum())
    assert 0 < active < 8
    finding = named(diagnose(model, table))["inactive units"]
    assert (finding.severity, numbers(finding.message)[:2]) == ("note", [active, 8])


def test_an_ignored_bottleneck_is_measured(table):
    model = Autoencoder(3, network="mlp:16", trainer=replace(QUICK, epochs=1), random_state=0).fit(table)
    silence(model, "decoder")
    finding = named(diagnose(model, table))["ignored bottleneck"]
    assert (finding.severity, numbers(finding.message)) == ("warning", [0, 10])


def test_unused_codebook_entries_are_counted(table):
    model = Autoencoder(4, bottleneck="vq:64,code_dim=2", trainer=replace(QUICK, epochs=2), random_state=0).fit(table)
    with torch.no_grad():
        model.module_.bottleneck.codebook[:, 3:] = 1e3  # too far away to be anybody's nearest
    finding = named(diagnose(model, table))["unused codebook entries"]
    used = sum(len(np.unique(c)) for c in pass_through(model, scaled(model, table)).codes.T)
    assert used <= 6
    reachable = 2 * 64 * (1 - (1 - 1 / 64) ** 400)
    assert numbers(finding.message)[:5] == [400, used, 128, 2, round(reachable)]
    assert finding.severity == "warning"


def test_fsq_levels_are_counted(table):
    model = Autoencoder(3, bottleneck="fsq:4", trainer=QUICK, random_state=0).fit(table)
    found = named(diagnose(model, table))
    finding = found.get("codebook in use") or found["unused codebook entries"]
    assert numbers(finding.message)[2:4] == [12, 3]


def test_overfitting_in_the_validation_loss(good, table):
    evidence = Evidence.of(good, table)
    held = [10.0, 4.0, 2.0, 3.0, 5.0]
    records = [record(i + 1, 8.0 / (i + 1), value) for i, value in enumerate(held)]
    good_history = good.history_
    try:
        good.history_ = History(records, best_epoch=5)
        finding = named(judge(evidence))["overfitting"]
        assert numbers(finding.message) == pytest.approx([2, 3, 5, 8 / 3, 8 / 5], rel=1e-3)
        good.history_ = History(records, stopped="early stopping", best_epoch=3)  # the best weights were kept
        assert "overfitting" not in named(judge(evidence))
    finally:
        good.history_ = good_history


def test_overfitting_of_a_real_model(table):
    few = table[:24]
    trainer = replace(QUICK, epochs=400, batch_size=8, validation_fraction=0.25)
    model = Autoencoder(6, network=latente.MLP((128, 128)), trainer=trainer, random_state=0).fit(few)
    finding = named(diagnose(model, table[100:], reference=few))["overfitting"]
    assert finding.severity == "warning"
    assert "Trainer(patience=10)" in finding.advice


def test_a_gap_between_data_and_reference_is_enough(good, table):
    shifted = table + np.random.default_rng(1).normal(size=table.shape)
    finding = named(diagnose(good, shifted, reference=table))["overfitting"]
    error, trained = good.evaluate(shifted).error, good.evaluate(table).error
    assert numbers(finding.message) == pytest.approx([error, error / trained, trained], rel=0.02)


def test_the_gravest_comes_first(table):
    model = latente.VariationalAutoencoder(6, beta=1000.0, warmup=0.0, trainer=QUICK, random_state=0).fit(table)
    order = [("warning", "note", "good").index(f.severity) for f in diagnose(model, table)]
    assert order == sorted(order)


def test_a_partly_fitted_model_has_no_history(table):
    model = Autoencoder(2, random_state=0).partial_fit(table)
    assert "loss never moved" not in named(diagnose(model, table))


def test_data_without_variation(table):
    model = Autoencoder(2, trainer=replace(QUICK, epochs=1), random_state=0).fit(table)
    found = named(diagnose(model, np.repeat(table[:1], 5, axis=0)))
    assert found["no variation"].severity == "warning"


def test_exact_pca_is_no_defeat(table):
    flat = np.random.default_rng(0).normal(size=(100, 2)) @ np.random.default_rng(1).normal(size=(2, 6))
    model = Autoencoder(3, trainer=QUICK, random_state=0).fit(flat)
    found = named(diagnose(model, flat))
    assert found["nothing to compress"].severity == "note"
    assert "worse than PCA" not in found


def test_wrong_samples_are_refused(good):
    with pytest.raises(ValueError, match="10 features"):
        diagnose(good, np.zeros((5, 3)))


@pytest.mark.parametrize("bottleneck", [None, "gaussian", "sparse", "k_sparse:2", "vq:16,code_dim=2", "fsq:4"], ids=str)
def test_every_bottleneck_can_be_judged(bottleneck):
    x = np.random.default_rng(0).integers(0, 256, (40, 9, 7), dtype=np.uint8)
    model = Autoencoder(4, bottleneck=bottleneck, trainer=replace(QUICK, epochs=2), random_state=0).fit(x)
    found = diagnose(model, x, reference=x)
    assert all(isinstance(f, Finding) and numbers(f.message) for f in found)
    assert all(f.advice for f in found if f.severity == "warning")
    assert str(found[0]).startswith(found[0].severity)


def test_scaled_takes_evenly_spaced_samples(good, table):
    part = scaled(good, table, limit=5)
    assert part == pytest.approx(scaled(good, table)[[0, 100, 200, 299, 399]])
    assert pass_through(good, scaled(good, table)).errors.mean() == pytest.approx(good.evaluate(table).error)


def test_rows_that_must_repeat_are_a_note():
    """Of six binary columns there are 64 different rows."""
    X = np.random.default_rng(0).integers(0, 2, (400, 6)).astype(float)
    model = Autoencoder(3, trainer=replace(QUICK, epochs=2), random_state=0).fit(X)
    finding = named(diagnose(model, X))["duplicate rows"]
    assert finding.severity == "note"
    assert numbers(finding.message)[:2] == [400 - len(np.unique(X, axis=0)), 400]


def test_small_repetitions_and_constants_are_notes(table):
    X = np.column_stack([np.concatenate([table[:340], table[:60]]), np.ones(400)])
    model = Autoencoder(2, trainer=QUICK, random_state=0).fit(X)
    found = named(diagnose(model, X))
    assert [found[name].severity for name in ("duplicate rows", "constant columns")] == ["note", "note"]
    assert numbers(found["duplicate rows"].message)[:3] == [60, 400, 15]
    assert numbers(found["constant columns"].message) == [1, 11, 10]


def test_units_that_vary_but_carry_nothing_are_a_collapsed_posterior():
    """The variance of mu may be above 0.01 where the rate, which says what a code carries, is next to nothing."""
    X = load_wine().data
    trainer = Trainer(epochs=20, verbose=False)
    model = latente.VariationalAutoencoder(3, beta=1000.0, trainer=trainer, random_state=0).fit(X)
    assert model.active_units(X).any()
    assert model.evaluate(X).rate < 0.05
    found = named(diagnose(model, X))
    assert found["collapsed posterior"].message.endswith("so they carry next to nothing.")
    assert "all units active" not in found
