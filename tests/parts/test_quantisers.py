"""FSQ and VQ against grids, brute force and a running mean in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.cluster.vq import vq as nearest_of_scipy
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from latente.bottlenecks import FSQ, VQ


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed))


def built(part, latent_dim, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return part.build(latent_dim)


# FSQ


@pytest.mark.parametrize("levels", [2, 3, 5, 8])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4])
def test_fsq_stays_on_its_grid(levels, scale):
    module = FSQ(levels).build(4)
    latent = module(scale * normal(500, 4))
    grid = torch.linspace(-1, 1, levels)
    distance = (latent.z.unsqueeze(2) - grid).abs().min(2).values
    assert distance.max() < 1e-6
    assert torch.equal(latent.z, latent.mode)
    assert latent.codes.min() >= 0
    assert latent.codes.max() < levels
    torch.testing.assert_close(grid[latent.codes], latent.mode)


@pytest.mark.parametrize("levels", [2, 3, 5, 8, 16])
def test_fsq_reaches_every_level_in_order(levels):
    h = torch.linspace(-10, 10, 2_001).unsqueeze(1)
    codes = FSQ(levels).build(1)(h).codes.squeeze(1)
    assert (codes.diff() >= 0).all()
    assert codes.unique().tolist() == list(range(levels))
    # Each level owns the same share of sigmoid(h): where u is uniform, codes are too.
    u = (torch.arange(levels * 100) + 0.5) / (levels * 100)
    counts = torch.bincount(FSQ(levels).build(1)(torch.logit(u).unsqueeze(1)).codes.squeeze(1))
    assert counts.tolist() == [100] * levels


def test_fsq_levels_of_each_unit():
    module = FSQ((2, 5, 8)).build(3)
    latent = module(normal(400, 3, seed=1) * 3)
    assert (latent.codes.max(0).values + 1).tolist() == [2, 5, 8]
    torch.testing.assert_close(latent.rate, torch.full((400,), math.log(2 * 5 * 8)))
    assert not module.cost(latent).any()


def test_fsq_gradient_passes_straight_through():
    h = normal(50, 3).requires_grad_()
    FSQ(5).build(3)(h).z.sum().backward()
    # As if z were the unrounded 2 (5 sigmoid(h) - 1/2) / 4 - 1.
    s = torch.sigmoid(h.detach())
    torch.testing.assert_close(h.grad, 2 * 5 / 4 * s * (1 - s))
    assert (h.grad > 0).all()


def test_fsq_samples_its_grid_uniformly():
    """Counts of a uniform draw: each has mean 1000 and standard deviation below sqrt(1000); tolerance five of them."""
    z = FSQ((4, 5)).build(2).sample(5_000, rng())
    for column, levels in zip(z.T, (4, 5), strict=True):
        values, counts = column.unique(return_counts=True)
        torch.testing.assert_close(values, torch.linspace(-1, 1, levels))
        assert ((counts - 5_000 / levels).abs() < 5 * math.sqrt(5_000 / levels)).all()


# VQ


@pytest.mark.parametrize(("code_dim", "latent_dim", "size"), [(1, 3, 8), (2, 6, 16), (4, 4, 50), (6, 6, 2)])
def test_vq_takes_the_nearest_entry(code_dim, latent_dim, size):
    module = built(VQ(size, code_dim), latent_dim).eval()
    h = normal(200, latent_dim, seed=1)
    latent = module(h)
    assert latent.codes.shape == (200, latent_dim // code_dim)
    for group in range(latent_dim // code_dim):
        part = slice(group * code_dim, (group + 1) * code_dim)
        distances = cdist(h[:, part].double(), module.codebook[group].double())
        assert np.array_equal(latent.codes[:, group], distances.argmin(1))
        assert torch.equal(latent.mode[:, part], module.codebook[group][latent.codes[:, group]])
    assert torch.equal(latent.z, latent.mode)


def test_vq_measures_distances_in_full_precision():
    """Entries 1/200 apart are one in the eyes of bfloat16; autocast must not reach them."""
    module = built(VQ(64, 1), 1).eval()
    module.codebook.copy_(1 + torch.arange(64).reshape(1, 64, 1) / 200)
    expected = torch.randint(64, (300, 1), generator=rng())
    h = 1 + (expected + 0.4 * (2 * torch.rand(300, 1, generator=rng()) - 1)) / 200
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(module(h).codes, expected)


def test_vq_costs_its_commitment():
    module = built(VQ(8, 2, commitment=0.7), 4).eval()
    h = normal(10, 4, seed=2).requires_grad_()
    latent = module(h)
    expected = 0.7 * (h - latent.mode).square().sum(1)
    torch.testing.assert_close(module.cost(latent), expected)
    torch.testing.assert_close(latent.rate, torch.full((10,), 2 * math.log(8)))
    (gradient,) = torch.autograd.grad(latent.penalty.sum(), h, retain_graph=True)
    torch.testing.assert_close(gradient, 2 * 0.7 * (h - latent.mode).detach())
    (gradient,) = torch.autograd.grad(latent.z.sum(), h)
    torch.testing.assert_close(gradient, torch.ones(10, 4))


def clusters(n=400, seed=0, spread=0.02):
    """n points around the eight corners of a cube."""
    corners = torch.tensor([[a, b, c] for a in (-1.0, 1.0) for b in (-1.0, 1.0) for c in (-1.0, 1.0)])
    chosen = torch.randint(8, (n,), generator=rng(seed))
    return corners[chosen] + spread * normal(n, 3, seed=seed + 1)


def error(module, h):
    with torch.no_grad():
        return (h - module(h).mode).square().sum(1).mean().item()


def test_vq_starts_from_the_first_batch():
    h = clusters()
    module = built(VQ(8, 3), 3)
    before = error(module.eval(), h)
    module.train()(h, rng(0))
    assert module.started
    assert error(module.eval(), h) < 0.5 * before
    # Many entries: as good as scikit-learn's k-means within a factor that a worse local minimum explains.
    module = built(VQ(32, 3), 3).train()
    uniform = torch.rand(2_000, 3, generator=rng(3))
    module(uniform, rng(0))
    kmeans = KMeans(32, n_init=1, max_iter=10, random_state=0).fit(uniform.numpy())
    assert error(module.eval(), uniform) < 1.15 * kmeans.inertia_ / len(uniform)


@pytest.mark.parametrize("restart_below", [0.001, 0.1, 0.5])
@pytest.mark.parametrize("size", [2, 5])
def test_vq_start_leaves_each_entry_at_the_mean_of_its_members(size, restart_below):
    """However large the batch is against the codebook, no entry with members is taken for dead in the first step."""
    h = clusters(2_000, spread=0.3)
    module = built(VQ(size, 3, restart_below=restart_below), 3).train()
    module(h, rng(1))
    codes, _ = nearest_of_scipy(h.numpy(), module.codebook[0].numpy())
    means = np.stack([h.numpy()[codes == i].mean(0) for i in range(size)])
    # Ten rounds of Lloyd's algorithm are not all the way: the last steps are a few hundredths.
    np.testing.assert_allclose(module.codebook[0], means, atol=0.1)


def test_vq_follows_the_running_mean_of_its_members():
    decay, size = 0.8, 4
    module = built(VQ(size, 2, decay=decay, restart_below=0.0), 4).train()
    module(normal(64, 4), rng(0))
    counts, sums = module.counts.numpy().copy(), module.sums.numpy().copy()
    codebook = module.codebook.numpy().copy()
    for step in range(5):
        h = normal(64, 4, seed=10 + step) + step
        module(h, rng(step))
        for group in range(2):
            vectors = h[:, 2 * group : 2 * group + 2].numpy()
            codes = cdist(vectors, codebook[group]).argmin(1)
            for entry in range(size):
                members = vectors[codes == entry]
                counts[group, entry] = decay * counts[group, entry] + (1 - decay) * len(members)
                sums[group, entry] = decay * sums[group, entry] + (1 - decay) * members.sum(0)
                codebook[group, entry] = sums[group, entry] / counts[group, entry]
        np.testing.assert_allclose(module.counts, counts, rtol=1e-5)
        np.testing.assert_allclose(module.codebook, codebook, rtol=1e-4, atol=1e-5)


def test_vq_moves_only_while_training():
    module = built(VQ(8, 2), 4)
    untrained = module.codebook.clone()
    module.eval()(normal(50, 4), rng())
    assert torch.equal(module.codebook, untrained)
    assert not module.started
    module.train()(normal(50, 4), rng())
    trained = module.codebook.clone()
    module.eval()(normal(50, 4) + 5, rng())
    assert torch.equal(module.codebook, trained)


def test_vq_restarts_dead_entries():
    module = built(VQ(8, 3, decay=0.5, restart_below=0.1), 3).train()
    module(clusters(), rng())
    with torch.no_grad():
        module.codebook[0, :6] = 1e3  # far from everything
        module.sums.copy_(module.codebook * module.counts.unsqueeze(2))
    h = clusters(seed=5)
    for step in range(40):
        module(h, rng(step))
    assert module.codebook.abs().max() < 2
    assert len(module.eval()(h).codes.unique()) == 8


def test_vq_restart_can_be_switched_off():
    module = built(VQ(8, 3, decay=0.5, restart_below=0.0), 3).train()
    module(clusters(), rng())
    with torch.no_grad():
        module.codebook[0, 0] = 1e3
        module.sums.copy_(module.codebook * module.counts.unsqueeze(2))
    for step in range(20):
        module(clusters(seed=5), rng(step))
    assert module.codebook[0, 0].min() > 999


@pytest.mark.parametrize("n", [1, 3, 300])
def test_vq_starts_from_batches_of_any_size(n):
    """Fewer vectors than entries: entries share vectors, shaken apart."""
    module = built(VQ(16, 2), 4).train()
    for step in range(3):
        latent = module(normal(n, 4, seed=step), rng(step))
    assert torch.isfinite(module.codebook).all()
    assert latent.codes.max() < 16


def test_vq_distortion_falls_in_training():
    module = built(VQ(16, 3, decay=0.9), 3).train()
    h = torch.rand(500, 3, generator=rng())
    module(h[:20], rng())  # a poor start
    first = error(module.eval(), h)
    for step in range(30):
        module.train()(h, rng(step))
    assert error(module.eval(), h) < 0.8 * first


def test_vq_samples_entries_as_often_as_they_are_used():
    module = built(VQ(4, 2), 6).train()
    module(normal(500, 6), rng())
    module.counts[:] = torch.tensor([0.5, 0.25, 0.25, 0.0])
    z = module.sample(8_000, rng(1))
    assert z.shape == (8_000, 6)
    for group in range(3):
        distances = torch.cdist(z[:, 2 * group : 2 * group + 2], module.codebook[group])
        assert distances.min(1).values.max() < 1e-3
        shares = torch.bincount(distances.argmin(1), minlength=4) / 8_000
        # Five standard errors of a share of one half: 5 * 0.5 / sqrt(8000).
        assert (shares - module.counts[group]).abs().max() < 0.028


@pytest.mark.parametrize(
    ("latent_dim", "groups"), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 5), (6, 2), (7, 7), (8, 2), (10, 5)]
)
def test_vq_groups_by_itself_what_divides_the_code(latent_dim, groups):
    module = built(VQ(16), latent_dim)
    assert module(torch.randn(50, latent_dim)).codes.shape == (50, groups)
