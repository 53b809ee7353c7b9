"""Muon against torch's own, and what it does to singular values."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latente.objectives import Plain
from latente.training import Trainer
from latente.training.adam import Adam
from latente.training.muon import Muon, orthogonalized

STEPS = 12
SHAPES = [(5, 7), (9, 4), (6, 3, 3, 3), (5, 7), (0, 3), (11,), (), (4, 4)]


def parameters():
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def put(params, step, factor=1.0):
    """Gives all gradients but the last one."""
    generator = torch.Generator().manual_seed(1000 + step)
    for p in params[:-1]:
        p.grad = torch.randn(p.shape, generator=generator) * factor


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_matrices_move_as_with_torchs_muon(decay):
    """Which computes in bfloat16, so the single steps differ by about a hundredth."""
    ours = [nn.Parameter(p.detach()) for p in parameters()[:2]]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    muon = Muon(ours, weight_decay=decay)
    reference = torch.optim.Muon(theirs, lr=0.05, momentum=0.95, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
    for step in range(STEPS):
        before = [p.detach().clone() for p in ours]
        for params in (ours, theirs):
            generator = torch.Generator().manual_seed(step)
            for p in params:
                p.grad = torch.randn(p.shape, generator=generator)
        muon.step(0.05)
        reference.step()
        for mine, other, start in zip(ours, theirs, before, strict=True):
            assert (mine - other).norm() < 0.05 * (mine - start).norm() + 0.02 * step
            with torch.no_grad():
                mine.copy_(other)


def test_vectors_move_as_with_adam():
    ours, theirs = parameters(), parameters()
    muon, adam = Muon(ours, betas=(0.8, 0.99)), Adam(theirs[5:7], betas=(0.8, 0.99))
    for step in range(STEPS):
        put(ours, step)
        put(theirs, step)
        muon.step(0.05)
        adam.step(0.05)
    assert torch.equal(ours[5], theirs[5])
    assert torch.equal(ours[6], theirs[6])
    assert torch.equal(ours[7], parameters()[7])  # it had no gradient


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (3, 8, 8), (1, 5)])
def test_singular_vectors_stay_and_singular_values_become_alike(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = orthogonalized(x)
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    inner = u.mT @ found @ v.mT
    values = inner.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(inner, torch.diag_embed(values), atol=1e-5, rtol=0)
    assert values.max() < 1.3
    assert values.mean() > 0.65
    torch.testing.assert_close(orthogonalized(1000 * x), found, atol=1e-5, rtol=0)
    assert torch.equal(orthogonalized(torch.zeros(3, 4)), torch.zeros(3, 4))


def test_a_scale_divides_the_gradients():
    ours, theirs = parameters(), parameters()
    muon, reference = Muon(ours), Muon(theirs)
    for step in range(STEPS):
        put(ours, step, 3.0)
        put(theirs, step)
        muon.step(0.05, scale=torch.tensor(3.0))
        reference.step(0.05)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


def test_a_skipped_step_never_happened():
    ours, theirs = parameters(), parameters()
    muon, reference = Muon(ours, weight_decay=0.1), Muon(theirs, weight_decay=0.1)
    for step in range(STEPS):
        bad = step % 4 == 1
        put(ours, step, float("nan") if bad else 1.0)
        muon.step(0.05, skip=torch.tensor(float(bad)))
        if not bad:
            put(theirs, step)
            reference.step(0.05, skip=torch.tensor(0.0))
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


def test_the_state_can_be_taken_up():
    ours, theirs = parameters(), parameters()
    first, whole = Muon(ours), Muon(theirs)
    for step in range(STEPS):
        if step == STEPS // 2:
            kept = {name: tensor.clone() for name, tensor in first.state().items()}
            ours = [nn.Parameter(p.detach().clone()) for p in ours]
            first = Muon(ours)
            first.load(kept)
        for muon, params in ((first, ours), (whole, theirs)):
            put(params, step)
            muon.step(0.05)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)
    first.zero_grad()
    assert all(p.grad is None for p in ours)


def test_a_trainer_uses_it_when_asked(make, table):
    losses = {}
    for optimizer in ("auto", "adam", "muon"):
        trainer = Trainer(epochs=3, optimizer=optimizer, verbose=False)
        losses[optimizer] = trainer.fit(make(), table(), Plain()).records[-1].loss
    assert losses["auto"] == losses["adam"] != losses["muon"]


def test_an_interrupted_run_goes_on_with_it(make, table, tmp_path):
    def run(module, folder, stop):
        callbacks = [lambda record: record.epoch == 1] if stop else []
        trainer = Trainer(epochs=3, optimizer="muon", checkpoint=folder, callbacks=callbacks, verbose=False)
        trainer.fit(module, table(), Plain(), resume=folder.exists())
        return module

    whole = run(make(), tmp_path / "whole", False).state_dict()
    run(make(), tmp_path / "parts", True)
    found = run(make(), tmp_path / "parts", False).state_dict()
    assert all(torch.equal(found[name], whole[name]) for name in whole)
