"""Nested dropout: units in the order of PCA's components, codes that can be cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from latente import Autoencoder, Trainer
from latente.bottlenecks import Deterministic, Gaussian, Sparse
from latente.networks import MLP
from latente.objectives import Batch, NestedDropout, Plain, Progress
from latente.objectives.nested import first_units


@pytest.fixture(scope="module")
def X():
    draws = np.random.default_rng(0)
    return (draws.normal(size=(600, 6)) * [3, 2, 1.4, 1, 0.6, 0.3]) @ np.linalg.qr(draws.normal(size=(6, 6)))[0]


def test_linear_units_are_principal_components(X):
    """Rippel, Gelbart and Adams prove it; the first k units must lose what PCA of size k loses, for every k."""
    trainer = Trainer(epochs=300, learning_rate=0.01, verbose=False)
    settings = {"network": MLP(()), "data": "scale=none", "trainer": trainer, "random_state": 0}
    model = Autoencoder(5, objective="nested_dropout", **settings).fit(X)
    codes = model.transform(X)
    for k in range(1, 6):
        cut = np.where(np.arange(5) < k, codes, 0)
        error = np.square(model.inverse_transform(cut) - X).sum(1).mean()
        pca = PCA(k).fit(X)
        wanted = np.square(pca.inverse_transform(pca.transform(X)) - X).sum(1).mean()
        assert error == pytest.approx(wanted, rel=0.03)


def test_the_first_units_stay():
    h = torch.arange(12.0).reshape(3, 4) + 1
    latent = Deterministic().build(4)(h)
    assert torch.equal(first_units(latent, 2).z, h * torch.tensor([1, 1, 0, 0]))
    kept = torch.tensor([[1], [4], [0]])
    assert first_units(latent, kept).mode.count_nonzero(1).tolist() == [1, 4, 0]


def test_units_that_are_cut_carry_no_rate():
    latent = Gaussian().build(3)(torch.randn(5, 6, generator=torch.Generator().manual_seed(0)))
    cut = first_units(latent, 2)
    torch.testing.assert_close(cut.rate, latent.rate_per_unit[:, :2].sum(1))
    assert torch.equal(first_units(latent, 3).rate, latent.rate_per_unit.sum(1))


def test_how_many_units_are_kept():
    module = Autoencoder(8, trainer=Trainer(epochs=1), random_state=0).fit(np.eye(12)).module_
    module.generator = torch.Generator().manual_seed(0)
    for whole in (0.0, 0.25, 1.0):
        counts = np.bincount(NestedDropout(whole)._draw(40_000, 8, module)[:, 0], minlength=9) / 40_000
        wanted = np.full(9, (1 - whole) / 8)
        wanted[0], wanted[8] = 0, wanted[8] + whole
        np.testing.assert_allclose(counts, wanted, atol=0.01)
    module.generator = None


@pytest.mark.parametrize("bottleneck", [Deterministic(), Gaussian(), Sparse()], ids=["none", "gaussian", "sparse"])
def test_without_cuts_it_is_the_plain_objective(bottleneck):
    module = Autoencoder(3, bottleneck=bottleneck, trainer=Trainer(epochs=1), random_state=0).fit(np.eye(9)).module_
    x = torch.eye(9)
    for objective, training in ((NestedDropout(1.0), True), (NestedDropout(), False)):
        module.train(training)
        found = []
        for each in (objective, Plain()):
            module.generator = torch.Generator().manual_seed(0)
            found.append(each(module, Batch(x, x), Progress()))
        assert torch.equal(found[0].loss, found[1].loss)
        assert torch.equal(found[0].rate, found[1].rate)


@pytest.mark.parametrize("whole", [-0.1, 1.5, "half", True])
def test_what_is_no_fraction(whole, X):
    with pytest.raises(ValueError, match=r"NestedDropout: whole is a fraction of the samples in \[0, 1\]; got"):
        Autoencoder(2, objective=NestedDropout(whole), trainer=Trainer(epochs=1)).fit(X)
