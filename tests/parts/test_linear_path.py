"""A linear path around a network, its start at PCA, and an output that is clipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from latente import Autoencoder, DataSpec, SquaredError, Trainer, load
from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic, Gaussian
from latente.data import ArraySource
from latente.estimators.linear_start import start_linear_path
from latente.networks import MLP, Conv, LinearPath
from latente.nn import Clip


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def module_of(network, shape, k, bottleneck=None):
    part = (bottleneck or Deterministic()).build(k)
    encoder, decoder = network.build(shape, k, part.features)
    return AutoencoderModule(encoder, part, decoder, distortion=SquaredError().build(shape)).eval()


@pytest.mark.parametrize("network", [LinearPath(MLP((16, 8))), LinearPath("conv:4,4"), LinearPath(MLP(()))], ids=repr)
@pytest.mark.parametrize("bottleneck", [None, Gaussian()], ids=["plain", "gaussian"])
def test_before_the_first_step_it_is_pca(rng, network, bottleneck):
    x = (rng.normal(size=(200, 6)) @ rng.normal(size=(6, 64)) + rng.normal(size=64)).astype(np.float32)
    module = module_of(network, (1, 8, 8), 4, bottleneck)
    start_linear_path(module, ArraySource(torch.from_numpy(x.reshape(-1, 1, 8, 8))), seed=0)
    pca = PCA(4).fit(x.astype(np.float64))
    with torch.no_grad():
        x_hat, latent = module(torch.from_numpy(x.reshape(-1, 1, 8, 8)))
    np.testing.assert_allclose(x_hat.flatten(1), pca.inverse_transform(pca.transform(x)), atol=1e-4)
    np.testing.assert_allclose(latent.mode.var(0).mean(), 1.0, rtol=0.02)


def test_every_weight_learns_after_the_first_steps():
    module = module_of(LinearPath(MLP((8,))), (5,), 2)
    x = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
    start_linear_path(module, ArraySource(x), seed=0)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (module(x.tanh())[0] - x).square().sum(1).mean().backward()
        optimizer.step()
    assert [name for name, p in module.named_parameters() if torch.equal(p, before[name])] == []


def test_weight_decay_leads_back_to_pca_and_not_to_zero(rng):
    """Strong decay on noise, where all that a network can learn beyond PCA is learned by heart."""
    x = rng.normal(size=(120, 20)).astype(np.float32)
    ratios = []
    for decay in (0.0, 50.0):
        trainer = Trainer(epochs=100, weight_decay=decay)
        network = LinearPath(MLP((64,), normalization="layer"))
        model = Autoencoder(5, network=network, trainer=trainer, random_state=0).fit(x[:60])
        result = model.evaluate(x[60:], reference=x[:60])
        ratios.append(result.error / result.pca_error)
    assert ratios[0] > 1.1
    assert ratios[1] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("network", "distortion", "expected"),
    [
        (LinearPath(MLP((8,), normalization="layer")), "squared_error", 2.0),
        (LinearPath(MLP((8,))), "squared_error", 0.0),
        (MLP((8,), normalization="layer"), "squared_error", 0.0),
        (LinearPath(MLP((8,), normalization="layer")), "bernoulli", 0.0),  # logits do not start as PCA
    ],
)
def test_automatic_decay_needs_normalised_layers_and_a_start(rng, network, distortion, expected):
    x = rng.random(size=(200, 5)).astype(np.float32)
    parts = {"network": network, "distortion": distortion, "data": DataSpec(scale="minmax")}
    model = Autoencoder(2, **parts, trainer=Trainer(epochs=1), random_state=0).fit(x)
    assert model.trainer.resolve_weight_decay(200, 5, model.module_) == expected  # 80 * 5 / 200


def test_a_start_survives_saving(tmp_path, rng):
    x = rng.normal(size=(40, 6)).astype(np.float32)
    model = Autoencoder(2, network=LinearPath(MLP((8,))), trainer=Trainer(epochs=1), random_state=0).fit(x)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").transform(x), model.transform(x))


def test_more_units_than_components_leave_the_rest_at_zero(rng):
    x = np.outer(rng.normal(size=50), rng.normal(size=6)).astype(np.float32)
    module = module_of(LinearPath(MLP((8,))), (6,), 3)
    start_linear_path(module, ArraySource(torch.from_numpy(x)), seed=0)
    with torch.no_grad():
        x_hat, latent = module(torch.from_numpy(x))
    np.testing.assert_allclose(x_hat, x, atol=1e-4)
    assert (latent.mode[:, 1:] == 0).all()


def test_samples_that_are_all_equal_are_rebuilt():
    x = np.full((20, 6), 3.0, dtype=np.float32)
    module = module_of(LinearPath(MLP((8,))), (6,), 2)
    start_linear_path(module, ArraySource(torch.from_numpy(x)), seed=0)
    with torch.no_grad():
        np.testing.assert_allclose(module(torch.from_numpy(x))[0], x, atol=1e-5)


def test_an_estimator_with_it_is_never_far_above_pca_after_one_epoch(rng):
    x = (rng.normal(size=(300, 5)) @ rng.normal(size=(5, 12)) + 0.1 * rng.normal(size=(300, 12))).astype(np.float32)
    model = Autoencoder(3, network=LinearPath(MLP((8,))), trainer=Trainer(epochs=1), random_state=0).fit(x)
    result = model.evaluate(x, reference=x)
    assert result.error < 1.05 * result.pca_error


def test_a_network_that_cannot_be_built_says_why():
    with pytest.raises(ValueError, match="Conv needs images or signals"):
        LinearPath(Conv()).build((7,), 2, 2)
    with pytest.raises(TypeError, match="network must be one of"):
        LinearPath(3).build((7,), 2, 2)


def test_clip_is_exact_and_keeps_the_gradient_that_leads_back():
    clip = Clip(-1.0, 1.0)
    x = torch.tensor([-3.0, -0.5, 0.5, 3.0], requires_grad=True)
    np.testing.assert_allclose(clip(x).detach(), [-1.0, -0.5, 0.5, 1.0], atol=1e-6)
    (clip(x) - 0.25).square().sum().backward()
    np.testing.assert_allclose(x.grad, [-2.5, -1.5, 0.5, 1.5], atol=1e-6)
    np.testing.assert_array_equal(clip.eval()(x).detach(), [-1.0, -0.5, 0.5, 1.0])
