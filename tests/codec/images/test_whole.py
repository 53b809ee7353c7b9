"""Tiny pictures coded as wholes: the transform, the integers against what was trained, streams, mistakes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente.codec import AlteredError, CodecError, ImageCodec, Limits, MissingModelError, TooLargeError, pack, unpack
from latente.codec.images.codec import psnr_of
from latente.codec.images.integers import QUALITIES
from latente.codec.images.whole.fitting import suits_whole
from latente.codec.images.whole.integers import WholeContext, whole_tensors
from latente.codec.images.whole.mixture import Mixture, fit_mixture
from latente.codec.images.whole.model import WholeModel
from latente.codec.images.whole.network import WholeModule, groups_of, weight_of
from latente.codec.images.whole.stream import TOGETHER, count_symbols

from .conftest import tiny


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return tiny(120, 9)


def mixture_of(d: int, clusters: int, turned: int) -> Mixture:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0].astype(np.float32)
    turns = np.stack([np.linalg.qr(rng.normal(size=(turned, turned)))[0] for _ in range(clusters)]).astype(np.float32)
    means = rng.normal(0, 30, (clusters, d)).astype(np.float32)
    return Mixture(basis, means, turns, rng.uniform(1, 9, (clusters, d)).astype(np.float32))


def test_the_transform_is_orthonormal():
    mixture, rng = mixture_of(12, 3, 7), np.random.default_rng(1)
    x, clusters = rng.uniform(0, 255, (9, 12)).astype(np.float32), rng.integers(0, 3, 9)
    y = mixture.coefficients(x, clusters)
    np.testing.assert_allclose(mixture.values(y, clusters), x, atol=1e-3)
    centres = mixture.means[clusters] @ mixture.basis.T
    np.testing.assert_allclose(np.square(y).sum(1), np.square(x - centres).sum(1), rtol=1e-4)


def test_the_nearest_cluster_has_the_largest_likelihood():
    from scipy.stats import multivariate_normal

    mixture, rng = mixture_of(6, 3, 4), np.random.default_rng(2)
    x = (mixture.means[rng.integers(0, 3, 50)] @ mixture.basis.T + rng.normal(0, 20, (50, 6))).astype(np.float32)
    likelihoods = []
    for k in range(3):
        turn = np.eye(6)
        turn[:4, :4] = mixture.turns[k]
        directions = mixture.basis @ turn
        covariance = directions @ np.diag(mixture.spreads[k] ** 2.0 + 5) @ directions.T
        likelihoods.append(multivariate_normal(mixture.basis @ mixture.means[k], covariance).logpdf(x))
    np.testing.assert_array_equal(mixture.nearest(x, 5), np.argmax(likelihoods, axis=0))


def test_clusters_of_a_fit_are_those_of_the_data():
    rng = np.random.default_rng(3)
    flat = rng.normal(0, 1, (3200, 10)) * ([20.0] + [1] * 9) + 100
    flat[1600:] = np.roll(flat[1600:], 4, axis=1) + np.eye(10)[0] * 90
    mixture = fit_mixture(flat.astype(np.float32), rng)
    assert mixture.means.shape == (2, 10)
    found = mixture.nearest(flat.astype(np.float32))
    first = round(found[:1600].mean())
    assert (found[:1600] == first).mean() > 0.95
    assert (found[1600:] != first).mean() > 0.95
    np.testing.assert_allclose(np.sort(mixture.spreads[first])[-1], 20, rtol=0.2)  # drawn to that of both
    for turn in (mixture.basis, *mixture.turns):
        np.testing.assert_allclose(turn.T @ turn, np.eye(10), atol=1e-4)


def test_integers_are_what_was_trained():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = WholeModule(torch.rand(3, 20) * 40 + 1).eval()
        for head in module.heads:
            torch.nn.init.normal_(head.out.weight, std=0.03)
    context, rng = WholeContext(whole_tensors(module)), np.random.default_rng(0)
    assert context.sizes == groups_of(20)
    clusters, symbols = np.array([0, 2, 1, 2]), rng.integers(-2, 3, (4, 20))
    means = []

    def coder(mean, which, part):
        means.append(mean / 64)
        return symbols[:, part]

    values = context.run(clusters, 300, coder)
    quality = torch.full((4,), 300 / QUALITIES)
    with torch.inference_mode():
        state = module.start(quality)[:, :, 0, 0] + module.clusters(torch.from_numpy(clusters))
        for k, part in enumerate(np.split(np.arange(20), np.cumsum(module.sizes)[:-1])):
            mean, _ = module.heads[k](state)
            np.testing.assert_allclose(means[k], mean, atol=0.03)
            known = torch.from_numpy(values[:, part]).float()
            np.testing.assert_allclose(known, mean.numpy() + symbols[:, part], atol=0.03)
            if k < len(module.updates):
                log = torch.asinh(known)
                state = state + module.updates[k](torch.cat([log, log.abs()], dim=1))
    weight = float(weight_of(quality, 1)[0])
    assert context.step(300) == pytest.approx(np.sqrt(6 / (weight * np.log(2))), rel=1e-3)


def test_streams_come_back(whole, pictures, tmp_path):
    assert isinstance(whole.model_, WholeModel)
    sizes, errors = [], []
    for quality in (0.0, 0.3, 0.7, 1.0):
        data = whole.encode_many(pictures, quality)
        decoded = whole.decode_many(data)
        assert decoded.shape == pictures.shape
        sizes.append(len(data))
        errors.append(psnr_of(pictures, decoded))
        assert ImageCodec.info(data).quality == pytest.approx(quality, abs=1 / QUALITIES)
    assert sorted(sizes) == sizes
    assert sorted(errors) == errors
    assert errors[-1] > 40
    again = ImageCodec.load(whole.save(tmp_path / "tiny.latmodel"))
    assert again.encode_many(pictures, 1.0) == data
    assert np.array_equal(again.decode_many(data), decoded)
    with pytest.raises(MissingModelError):
        ImageCodec().decode_many(data)
    holds = ImageCodec(embed=True)
    holds.model_ = whole.model_
    assert np.array_equal(ImageCodec().decode_many(holds.encode_many(pictures, 1.0)), decoded)


def test_bits_are_those_that_training_counts(whole, pictures):
    from latente.codec.images.context import LARGEST_SCALE, SMALLEST_SCALE

    tables = whole.model_.context.tables
    counts = count_symbols(pictures[..., None], 300, whole.model_)
    assert counts.sum() == pictures.size
    which, value = np.nonzero(counts)
    spent = (counts[which, value] * (tables.bits(value, which.astype(np.uint8)))).sum()
    clusters = whole.model_.nearest(pictures.reshape(120, -1).astype(np.float32), 300)
    spent += (24 - np.log2(whole.model_.shares[clusters])).sum()
    assert 8 * len(unpack(whole.encode_many(pictures, 300 / QUALITIES)).section("0")) == pytest.approx(spent, abs=64)
    assert SMALLEST_SCALE < LARGEST_SCALE


def test_psnr_is_kept_with_the_smallest_quality(whole, pictures):
    data = whole.encode_many(pictures, psnr=33)
    assert psnr_of(pictures, whole.decode_many(data)) >= 33
    level = round(ImageCodec.info(data).quality * QUALITIES)
    assert psnr_of(pictures, whole.decode_many(whole.encode_many(pictures, (level - 1) / QUALITIES))) < 33


def test_passes_use_that_values_are_limited(whole, pictures, monkeypatch):
    """Bits and weight * squared error together fall; where no value is 0 or 255 nothing changes."""

    def cost(shown, quality):
        weight = float(weight_of(torch.tensor(quality), 1))
        data = whole.encode_many(shown, quality)
        wrong = np.square(whole.decode_many(data).astype(float) - shown).sum()
        return 8 * len(data) + weight * wrong, data

    dark, inside = np.maximum(pictures, 40) - 40, np.clip(pictures, 1, 254)
    assert (dark == 0).mean() > 0.1
    found = [(cost(dark, q)[0], cost(inside, q)[1]) for q in (0.2, 0.5, 0.8)]
    monkeypatch.setattr("latente.codec.images.whole.stream.PASSES", 1)
    for quality, (least, data) in zip((0.2, 0.5, 0.8), found, strict=True):
        assert least < cost(dark, quality)[0]
        assert data == cost(inside, quality)[1]


def test_pictures_of_another_kind_are_mistakes(whole, picture):
    with pytest.raises(ValueError, match=r"fitted to pictures of 9 x 8 \(grey\) and codes no others"):
        whole.encode(picture)
    with pytest.raises(ValueError, match="codes no others; got 8 x 9"):
        whole.encode(picture[:8, :9, 0], psnr=30)


def test_which_pictures_are_coded_as_wholes():
    small, large = np.zeros((1, 28, 28, 1), np.uint8), np.zeros((1, 33, 32, 1), np.uint8)
    assert suits_whole([small] * 2000)
    assert not suits_whole([small] * 1999)
    assert not suits_whole([small] * 3000 + [small[:, 1:]])
    assert not suits_whole([large] * 9000)
    assert not suits_whole([np.zeros((1, 18, 18, 3), np.uint8)] * 1943)
    assert suits_whole([np.zeros((1, 18, 18, 3), np.uint8)] * 2000)


def test_forged_streams_are_errors(whole, pictures):
    container = unpack(whole.encode_many(pictures, 0.4))
    content, symbols = container.section("0"), {"0": container.contents["0"].symbols}
    ref, header = whole.model.ref, container.header
    rng = np.random.default_rng(1)
    for _ in range(30):
        bad = bytearray(content)
        bad[rng.integers(len(bad) - 8)] ^= int(rng.integers(1, 256))
        with pytest.raises(CodecError):
            whole.decode_many(pack("image", header, {"0": bytes(bad)}, ref, symbols))
    shapes = ([120, 9, 9, 1], [120, 8, 9, 1], [119, 9, 8, 1], [121, 9, 8, 1], [TOGETHER + 1, 9, 8, 1], [120, 9, 8, 3])
    for change in ({"quality": -1}, *({"shape": shape} for shape in shapes)):
        with pytest.raises(AlteredError):
            whole.decode_many(pack("image", header | change, {"0": content}, ref, symbols))
    strict = ImageCodec(limits=Limits(decoded_bytes=5000))
    strict.model_ = whole.model_
    with pytest.raises(TooLargeError):
        strict.decode_many(whole.encode_many(pictures))


def test_fit_draws_from_no_global_generator(untouched_generators):
    with torch.random.fork_rng(devices=[]):
        first = fit_mixture(tiny(400).reshape(400, -1).astype(np.float32), np.random.default_rng(0))
    second = fit_mixture(tiny(400).reshape(400, -1).astype(np.float32), np.random.default_rng(0))
    assert np.array_equal(first.turns, second.turns)
