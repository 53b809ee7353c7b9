"""The plain objective against a computation by hand, and what goes in and out of objectives."""

from __future__ import annotations

import pytest
import torch

from latente.bottlenecks import FSQ, VQ, Deterministic, Gaussian, KSparse, Sparse
from latente.corruptions import Masking
from latente.distortions import Bernoulli, GaussianLikelihood, Huber, SquaredError
from latente.objectives import (
    RAE,
    BetaTC,
    Contractive,
    ImportanceWeighted,
    Losses,
    Plain,
    Progress,
    Wasserstein,
)


def test_squared_error_of_a_deterministic_module(make, batch):
    module, given = make(), batch()
    losses = Plain()(module, given, Progress())
    x_hat, _ = module(given.x)
    expected = ((x_hat - given.x) ** 2).sum(1)
    torch.testing.assert_close(losses.loss, expected)
    torch.testing.assert_close(losses.distortion, expected)
    assert not losses.rate.any()
    assert not losses.penalty.any()
    assert losses.extra == {}


@pytest.mark.parametrize(("step", "weight"), [(0, 0.0), (1, 0.5), (2, 1.0), (5, 2.0), (10, 2.0)])
def test_beta_times_rate_with_its_warm_up(make, batch, step, weight):
    """beta = 2, reached after 4 of 10 steps."""
    module, given = make(Gaussian(beta=2.0, warmup=0.4)).eval(), batch()
    losses = Plain()(module, given, Progress(step, 10))
    torch.testing.assert_close(losses.loss, losses.distortion + weight * losses.rate)
    torch.testing.assert_close(losses.rate, module.encode(given.x).rate)


@pytest.mark.parametrize("part", [Sparse(0.3), VQ(8, 3)], ids=["sparse", "vq"])
def test_penalties_are_added_as_they_are(make, batch, part):
    losses = Plain()(make(part).eval(), batch(), Progress())
    assert (losses.penalty > 0).all()
    torch.testing.assert_close(losses.loss, losses.distortion + losses.penalty)


def test_constant_rates_cost_nothing(make, batch):
    for part in (VQ(8, 3, commitment=0.0), FSQ(4)):
        losses = Plain()(make(part).eval(), batch(), Progress())
        assert (losses.rate > 0).all()
        torch.testing.assert_close(losses.loss, losses.distortion)


def test_the_elbo_by_one_sample(make, batch):
    """In training, with a likelihood and beta = 1, the loss is -log p(x|z) + KL for z = mu + sigma n."""
    module, given = make(Gaussian(warmup=0.0), distortion=Bernoulli()), batch()
    mu, logvar = module.encoder(given.x).chunk(2, 1)
    z = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=torch.Generator().manual_seed(7))
    p = torch.distributions.Bernoulli(logits=module.decoder(z), validate_args=False)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    module.generator.manual_seed(7)
    losses = Plain()(module, given, Progress())
    torch.testing.assert_close(losses.loss, -p.log_prob(given.x).sum(1) + kl)


def test_the_encoder_sees_the_corrupted_the_distortion_the_clean(make, batch):
    module, given = make(corruption=Masking(1.0)), batch()
    losses = Plain()(module, given, Progress())
    x_hat = module.decode(module.encoder(torch.zeros_like(given.x)))
    torch.testing.assert_close(losses.distortion, (x_hat - given.x).square().sum(1))
    clean = Plain()(module.eval(), given, Progress())
    torch.testing.assert_close(clean.distortion, (module.decode(module.encoder(given.x)) - given.x).square().sum(1))


def test_a_target_of_its_own(make, batch):
    target = batch(seed=5).x
    module, given = make(), batch(target=target)
    losses = Plain()(module, given, Progress())
    torch.testing.assert_close(losses.loss, (module(given.x)[0] - target).square().sum(1))


@pytest.mark.parametrize(
    "objective",
    [Plain(), Contractive(), Wasserstein(), RAE(), ImportanceWeighted(3), BetaTC()],
    ids=lambda o: o.short_name,
)
def test_unknown_cells_do_not_count(make, batch, objective):
    mask = torch.arange(6).expand(12, 6) % 2 == 0
    module = make(Gaussian()).eval()
    losses = []
    for wrong in (0.0, 7.0):
        given = batch(mask=mask)
        given.target[~mask] = wrong
        x = batch().x  # what the encoder sees stays
        module.generator.manual_seed(1)
        losses.append(objective(module, type(given)(x, given.target, mask), Progress()).distortion)
    torch.testing.assert_close(losses[0], losses[1])


@pytest.mark.parametrize("output", ["identity", "sigmoid", "tanh"])
def test_the_output_activation_is_part_of_the_reconstruction(make, batch, output):
    module, given = make(output=output), batch()
    raw = module.decoder(module.encoder(given.x))
    x_hat = {"identity": raw, "sigmoid": raw.sigmoid(), "tanh": raw.tanh()}[output]
    torch.testing.assert_close(module(given.x)[0], x_hat)
    torch.testing.assert_close(Plain()(module, given, Progress()).loss, (x_hat - given.x).square().sum(1))


def test_bernoulli_takes_logits_and_reconstructions_are_probabilities(make, batch):
    module, given = make(distortion=Bernoulli(), output="sigmoid").eval(), batch()
    x_hat, _ = module(given.x)
    expected = torch.nn.functional.binary_cross_entropy(x_hat, given.x, reduction="none").sum(1)
    torch.testing.assert_close(Plain()(module, given, Progress()).loss, expected)


LEGAL = [
    *((Plain(), b) for b in (Deterministic(), Gaussian(), Sparse(), KSparse(2), VQ(8, 3), FSQ(4))),
    *((Contractive(probes=p), b) for p in (1, None) for b in (Deterministic(), Gaussian(), VQ(8, 3))),
    *((RAE(regularizer=r), b) for r in ("l2", "gradient") for b in (Deterministic(), KSparse(2), FSQ(4))),
    *((Wasserstein(), b) for b in (Deterministic(), Gaussian(), Sparse())),
    (ImportanceWeighted(), Gaussian()),
    (BetaTC(), Gaussian()),
]


@pytest.mark.parametrize(("objective", "part"), LEGAL, ids=lambda v: v.short_name)
@pytest.mark.parametrize("distortion", [SquaredError(), GaussianLikelihood(), Huber()], ids=lambda v: v.short_name)
@pytest.mark.parametrize("grad", [True, False])
def test_what_comes_out(make, batch, objective, part, distortion, grad):
    """Every tensor is (batch,), finite, and the reported parts are those of the loss where beta is 1."""
    module, given = make(part, distortion=distortion), batch()
    objective.check(module)
    with torch.set_grad_enabled(grad):
        losses = objective(module, given, Progress(1, 1, len(given)))
    assert isinstance(losses, Losses)
    for value in (losses.loss, losses.distortion, losses.rate, losses.penalty):
        assert value.shape == (12,)
        assert torch.isfinite(value).all()
    assert all(value.ndim == 0 and not value.requires_grad for value in losses.extra.values())
    if not isinstance(objective, BetaTC) and isinstance(part, Gaussian):
        if not isinstance(objective, ImportanceWeighted):
            torch.testing.assert_close(losses.loss, losses.distortion + losses.rate + losses.penalty)
    elif not isinstance(part, Gaussian):
        torch.testing.assert_close(losses.loss, losses.distortion + losses.penalty)


def test_progress_is_a_fraction():
    assert [Progress(step, 4).fraction for step in (0, 1, 4, 9)] == [0.0, 0.25, 1.0, 1.0]
    assert Progress().fraction == 0.0


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (BetaTC(), "BetaTC needs a Gaussian bottleneck; got Deterministic. Pass bottleneck='gaussian'"),
        (ImportanceWeighted(), "ImportanceWeighted needs a Gaussian bottleneck; got Deterministic"),
        (Contractive(-1.0), "Contractive: weight must be at least 0"),
        (Contractive(float("nan")), "Contractive: weight must be at least 0"),
        (Contractive(probes=0), r"probes at least 1 \(or None, exact\)"),
        (Contractive(probes=1.5), r"probes at least 1 \(or None, exact\)"),
        (Wasserstein(-1), "Wasserstein: weight must be at least 0; got -1"),
        (Wasserstein("1"), "Wasserstein: weight must be at least 0; got '1'"),
        (RAE(regularizer="l1"), "RAE: regularizer must be 'l2' or 'gradient'; got 'l1'"),
        (RAE(code_weight=-1), "RAE: code_weight and decoder_weight must be at least 0"),
        (RAE(decoder_weight=None), "RAE: code_weight and decoder_weight must be at least 0"),
    ],
)
def test_check_refuses(make, objective, message):
    with pytest.raises(ValueError, match=message):
        objective.check(make())


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (ImportanceWeighted(0), "samples must be an integer of at least 1; got 0"),
        (ImportanceWeighted(2.5), "samples must be an integer of at least 1; got 2.5"),
        (BetaTC(beta=-1), "BetaTC: alpha, beta and gamma must be at least 0"),
        (BetaTC(gamma="1"), "BetaTC: alpha, beta and gamma must be at least 0"),
    ],
)
def test_check_refuses_with_a_gaussian_bottleneck(make, objective, message):
    with pytest.raises(ValueError, match=message):
        objective.check(make(Gaussian()))
