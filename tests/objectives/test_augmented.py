"""Augmented is the inner objective on changed samples, nothing else."""

from __future__ import annotations

import pytest
import torch

from latente import Autoencoder, GaussianNoise, Trainer
from latente.objectives import Augmented, Batch, Binarized, Contractive, Plain, Progress


@pytest.fixture
def module(make):
    return make()


@pytest.fixture
def x(batch):
    return batch().x


def draw(module, seed=3):
    module.generator = torch.Generator().manual_seed(seed)
    return module


@pytest.mark.parametrize("inner", [None, Contractive(0.3)])
def test_it_is_the_inner_one_on_changed_samples(module, x, inner):
    module.train()
    got = Augmented("gaussian:0.5", inner)(draw(module), Batch(x, x), Progress())
    noisy = GaussianNoise(0.5)(x, draw(module).generator)
    expected = (inner or Plain())(module, Batch(noisy, noisy), Progress())
    torch.testing.assert_close(got.loss, expected.loss, rtol=0, atol=0)


def test_nothing_is_changed_in_validation(module, x):
    module.eval()
    got = Augmented("gaussian:0.5")(draw(module), Batch(x, x), Progress())
    torch.testing.assert_close(got.loss, Plain()(module, Batch(x, x), Progress()).loss, rtol=0, atol=0)


def test_partners_are_changed_alike(module, x):
    """With targets x + 1, noise that is the same for both leaves a difference of 1."""
    module.train()
    changed = Augmented("gaussian:0.5")._changed(draw(module), Batch(x, x + 1))
    torch.testing.assert_close(changed["target"] - changed["x"], torch.ones_like(x))
    assert not torch.allclose(changed["x"], x)


def test_a_function_cannot_change_partners_alike(module, x):
    module.train()
    with pytest.raises(ValueError, match="samples and their targets alike"):
        Augmented(torch.flip)(draw(module), Batch(x, x + 1), Progress())


def test_what_it_wraps_is_checked(module):
    with pytest.raises(ValueError, match="sigma must be"):
        Augmented(GaussianNoise(-1)).check(module)
    with pytest.raises(ValueError, match="Binarized needs scaled data"):
        Augmented(objective=Binarized()).check(module)


def test_it_keeps_a_network_from_learning_few_pictures_by_heart():
    """60 digits, no decay: the held-out error falls, the training error rises."""
    from sklearn.datasets import load_digits

    images = load_digits().images
    train, test = images[:60], images[60:400]
    errors, trainer = {}, Trainer(epochs=300, batch_size=20, weight_decay=0)
    for name in ("plain", "augmented:deformation"):
        model = Autoencoder(8, objective=name, trainer=trainer, random_state=0).fit(train)
        errors[name] = model.evaluate(train).error, model.evaluate(test).error
    assert errors["augmented:deformation"][0] > errors["plain"][0]
    assert errors["augmented:deformation"][1] < 0.9 * errors["plain"][1]
