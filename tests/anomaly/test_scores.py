"""Scores against numpy, scipy and scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from latente.anomaly import (
    ChannelResidual,
    CodeDistance,
    CombinedDistance,
    JointDistance,
    NearestCodes,
    NearestReferences,
    ReconstructionError,
    Score,
)
from latente.anomaly.distances import nearest
from latente.anomaly.scores import robust_scale
from latente.anomaly.views import Views

MEMBERS, VALUES, CODES = 3, 6, 2


def views(n: int, seed: int) -> Views:
    generator = torch.Generator().manual_seed(seed)
    x, noise, z = (torch.randn((MEMBERS, n, k), generator=generator) for k in (VALUES, VALUES, CODES))
    scale = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    return Views(x * scale, x * scale + 0.3 * noise * scale, z * torch.tensor([1.0, 20.0]))


TRAIN, TEST = views(201, 0), views(20, 1)


def scored(score: Score) -> np.ndarray:
    return score(TEST, score.fit(TRAIN)).numpy()


def test_robust_scale_is_the_median_absolute_deviation():
    residual = TRAIN.residual.numpy()
    middle = np.median(residual, axis=1, keepdims=True)
    expected = 1.4826 * np.median(np.abs(residual - middle), axis=1, keepdims=True)
    np.testing.assert_allclose(robust_scale(TRAIN.residual, TRAIN.x).numpy(), expected, rtol=1e-4)


def test_a_residual_without_spread_does_not_count_infinitely():
    x = torch.randn((1, 50, 4), generator=torch.Generator().manual_seed(0))
    scale = robust_scale(torch.zeros_like(x), x)
    expected = 0.05 * float(x.numpy().var(1).mean()) ** 0.5
    np.testing.assert_allclose(scale.numpy(), expected, rtol=1e-4)
    assert (robust_scale(torch.zeros_like(x), torch.zeros_like(x)) == 1).all()


@pytest.mark.parametrize("weighted", [True, False])
def test_reconstruction_error(weighted):
    scale = robust_scale(TRAIN.residual, TRAIN.x).numpy() if weighted else 1.0
    expected = np.sqrt(np.square(TEST.residual.numpy() / scale).mean(2))
    np.testing.assert_allclose(scored(ReconstructionError(weighted)), expected, rtol=1e-5)


def mahalanobis(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    scale = train.std(0)
    fitted = LedoitWolf().fit(train / scale)
    return np.sqrt(fitted.mahalanobis(test / scale))


def test_code_distance_is_that_of_scikit_learn():
    expected = [mahalanobis(a, b) for a, b in zip(TRAIN.z.numpy(), TEST.z.numpy(), strict=True)]
    np.testing.assert_allclose(scored(CodeDistance()), expected, rtol=1e-3)


def test_joint_distance_is_that_of_scikit_learn():
    train, test = (np.concatenate([v.z.numpy(), v.residual.numpy()], 2) for v in (TRAIN, TEST))
    expected = [mahalanobis(a, b) for a, b in zip(train, test, strict=True)]
    np.testing.assert_allclose(scored(JointDistance()), expected, rtol=1e-3)


def test_the_combined_distance_counts_usual_distances_alike():
    train, test = (np.concatenate([v.z.numpy(), v.residual.numpy()], 2) for v in (TRAIN, TEST))
    expected = []
    for i in range(len(train)):
        center, x = TRAIN.x[i].numpy().mean(0), (TRAIN.x[i].numpy(), TEST.x[i].numpy())
        residual = TRAIN.residual[i].numpy(), TEST.residual[i].numpy()
        known, new = (
            [
                mahalanobis(train[i], joint[i]),
                np.linalg.norm(x[j] - center, axis=1),
                np.linalg.norm(residual[j], axis=1),
            ]
            for j, joint in enumerate((train, test))
        )
        parts = [np.square(b / np.sort(a)[(len(a) - 1) // 2]) for a, b in zip(known, new, strict=True)]
        expected.append(np.sqrt(np.mean(parts, 0)))
    np.testing.assert_allclose(scored(CombinedDistance()), expected, rtol=1e-3)


def test_channels_are_judged_by_their_fourth_moment():
    known, new = (np.square(v.residual.numpy().reshape(MEMBERS, -1, 3, 2)).sum(2) for v in (TRAIN, TEST))
    usual = np.sqrt(np.square(known).mean(1, keepdims=True))
    expected = np.mean(np.square(new / usual), 2) ** 0.25
    np.testing.assert_allclose(scored(ChannelResidual(2)), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="6 values have no whole number of steps of 4 channels"):
        ChannelResidual(4).fit(TRAIN)
    with pytest.raises(ValueError, match="at least 1; got 0"):
        ChannelResidual(0).check()


def test_a_channel_without_residual_does_not_count_infinitely():
    x = torch.randn((1, 50, 4), generator=torch.Generator().manual_seed(0))
    still = Views(x, x_hat=x * torch.tensor([0.0, 1.0, 0.0, 1.0]), z=x)  # the second channel is rebuilt exactly
    state = ChannelResidual(2).fit(still)
    squares = x[:, :, ::2].square().sum(2).numpy()
    assert state["usual"][0, 0].numpy() == pytest.approx([np.sqrt((squares**2).mean()), 0.05 * squares.mean() / 2])
    flat = ChannelResidual(2).fit(Views(x, x_hat=x, z=x))
    assert (flat["usual"] == 1).all()


@pytest.mark.parametrize("k", [1, 5])
def test_nearest_codes(k):
    scale = TRAIN.z.numpy().std(1, keepdims=True)
    pairs = zip(TRAIN.z.numpy() / scale, TEST.z.numpy() / scale, strict=True)
    expected = [np.sort(cdist(b, a[:100]), axis=1)[:, :k].mean(1) for a, b in pairs]
    np.testing.assert_allclose(scored(NearestCodes(k, 100)), expected, rtol=1e-3)


def test_nearest_references():
    scale = robust_scale(TRAIN.residual, TRAIN.x).numpy()
    weight = np.sqrt(1 + (0.5 / scale) ** 2)
    train, test = (np.concatenate([v.x_hat.numpy(), weight * v.residual.numpy()], 2) for v in (TRAIN, TEST))
    expected = [cdist(b, a[:16]).min(1) for a, b in zip(train, test, strict=True)]
    np.testing.assert_allclose(scored(NearestReferences(16, 0.5)), expected, rtol=1e-4)


def test_the_least_scale_of_a_residual_limits_its_weight():
    flat = replace(TRAIN, x_hat=TRAIN.x.clone())  # rebuilt exactly, so every scale is the least one
    spread = TRAIN.x.numpy().var(1).mean(1) ** 0.5
    for smallest in (0.05, 0.3):
        weight = NearestReferences(16, 0.5, smallest=smallest).fit(flat)["weight"].numpy()
        expected = np.sqrt(1 + (0.5 / (smallest * spread)) ** 2)
        np.testing.assert_allclose(weight, np.broadcast_to(expected[:, None, None], weight.shape), rtol=1e-5)


INDEX = torch.arange(201).expand(MEMBERS, -1) + 1000


@pytest.mark.parametrize("score", [NearestReferences(16, 0.5), NearestReferences(16, 0.5, trim=0.1)])
def test_a_training_sample_is_held_against_the_other_references_and_a_copy_against_all(score):
    state = score.fit(replace(TRAIN, index=INDEX))
    own, copies = score(replace(TRAIN, index=INDEX), state), score(TRAIN, state)
    for member, space in enumerate(state["references"].numpy()):
        chosen = state["index"][member] - 1000
        assert (copies[member, chosen] == 0).all()
        expected = np.sort(cdist(space, space))[:, 1]
        np.testing.assert_allclose(own[member, chosen].numpy(), expected, rtol=1e-5)
        others = np.setdiff1d(np.arange(201), chosen)
        np.testing.assert_array_equal(own[member, others].numpy(), copies[member, others].numpy())


def test_a_training_code_is_not_its_own_neighbour():
    score = NearestCodes(2, 50)
    known = replace(TRAIN, index=INDEX)
    state = score.fit(known)
    codes = (TRAIN.z / state["scale"]).numpy()
    expected = [np.sort(cdist(own, own[:50]))[:50, 1:3].mean(1) for own in codes]
    np.testing.assert_allclose(score(known, state).numpy()[:, :50], expected, rtol=1e-4)


def test_small_distances_far_from_the_origin_are_not_rounded_away():
    x = torch.full((1, 1, 4), 1e3)
    references = x + torch.tensor([0.5, 30.0])[:, None]
    assert nearest(x, references, 1).item() == pytest.approx(1.0, rel=1e-5)


def test_far_samples_cannot_be_references():
    """Every twentieth of 201 samples lies far off, each alone; trimmed by as many, the others stay in their order."""
    away = torch.zeros(201)
    away[::20] = 40.0 * torch.arange(1, 12)
    far = Views(TRAIN.x + away[:, None], TRAIN.x_hat + away[:, None], TRAIN.z)
    every, trimmed = (NearestReferences(201, 0.5, trim=t).fit(far)["references"] for t in (0.0, 11 / 201))
    torch.testing.assert_close(trimmed, every[:, away == 0])


@pytest.mark.parametrize("name", sorted(Score.registry))
def test_every_score_has_a_name_and_comes_back(name):
    score = Score.from_string(name)
    score.check()
    assert Score.from_dict(score.to_dict()) == score


@pytest.mark.parametrize("name", sorted(set(Score.registry) - {"likelihood"}))
def test_what_is_farther_away_scores_higher(name):
    score = Score.from_string(name)
    state = score.fit(TRAIN)
    far = Views(TEST.x + 50.0, TEST.x_hat, TEST.z + 500.0)
    assert (score(far, state) > score(TEST, state)).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nearest:0", "references must be an integer"),
        ("nearest:16,-1", "residual must be a number"),
        ("nearest:trim=1", r"trim must be in \[0, 1\)"),
        ("nearest:smallest=0", "smallest must be above 0"),
        ("nearest_codes:0", "k must be an integer"),
        ("likelihood:-1", "samples must be an integer"),
        ("nearst", "Did you mean 'nearest'"),
    ],
)
def test_settings_without_sense_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Score.from_string(text).check()
