"""What holds for every autoencoder, over all combinations of parts at once.

Every bottleneck with every kind of network and every distortion, and every objective with every bottleneck that it
allows; none of these tests knows which part it looks at.
"""

from __future__ import annotations

import copy
import itertools
import pickle

import pytest
import torch
from torch import nn

import latente.estimators  # noqa: F401  (registers the last parts, so that nothing is forgotten here)
from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import FSQ, VQ, Deterministic, Gaussian, KSparse, Sparse
from latente.corruptions import Masking
from latente.distortions import (
    AbsoluteError,
    Bernoulli,
    CustomDistortion,
    GaussianLikelihood,
    Huber,
    SquaredError,
)
from latente.networks import MLP, Auto, Conv, CustomNetwork, LinearPath
from latente.objectives import (
    RAE,
    Augmented,
    Batch,
    BetaTC,
    Binarized,
    Contractive,
    ImportanceWeighted,
    NestedDropout,
    Plain,
    Progress,
    Trimmed,
    Wasserstein,
)
from latente.parts import Part
from latente.training.schedule import constant
from latente.training.stepper import Stepper

LATENT = 4
BOTTLENECKS = {
    "deterministic": Deterministic(),
    "gaussian": Gaussian(),
    "free bits": Gaussian(beta=2.0, free_bits=0.1, warmup=0.5),
    "sparse": Sparse(0.3),
    "k-sparse": KSparse(2),
    "vq": VQ(8, 2, restart_below=0.0),
    "fsq": FSQ(5),
}
NETWORKS = {
    "mlp": (MLP((8, 6)), (9,)),
    "linear": (MLP(()), (9,)),
    "skip": (MLP((8, 6), "gelu", "layer", skip=True, code_activation="tanh"), (2, 5)),
    "image": (Conv((3, 4), (8,)), (1, 7, 5)),
    "image, nearest": (Conv((4,), (), activation="elu", normalization="layer", upsample="nearest"), (3, 4, 6)),
    "signal": (Conv((3, 4), kernel_size=5), (2, 11)),
    "auto": (Auto(), (6,)),
    "linear path": (LinearPath(MLP((8,), normalization="layer")), (2, 5)),
    "one column": (MLP((4,)), (1,)),
    "custom": (None, (7,)),
}
DISTORTIONS = {
    "squared": SquaredError(),
    "absolute": AbsoluteError(),
    "huber": Huber(0.5),
    "bernoulli": Bernoulli(),
    "gaussian": GaussianLikelihood(),
    "per feature": GaussianLikelihood(per_feature=True),
    "custom": CustomDistortion(lambda x_hat, x: (x_hat - x).pow(4).flatten(1).sum(1)),
}
OBJECTIVES = {
    "plain": Plain(),
    "augmented": Augmented("gaussian:0.05"),
    "contractive": Contractive(),
    "contractive, exact": Contractive(probes=None),
    "wasserstein": Wasserstein(),
    "nested dropout": NestedDropout(0.75),
    "rae": RAE(),
    "rae, gradient": RAE(0.1, 0.01, "gradient"),
    "importance": ImportanceWeighted(3),
    "beta-tc": BetaTC(),
    "binarized": Binarized(),
    "trimmed": Trimmed(0.25),
}
NEEDS_GAUSSIAN = {"importance", "beta-tc"}  # with weights of their own; they refuse those of "free bits"

MODULES = list(itertools.product(BOTTLENECKS, NETWORKS, DISTORTIONS))
TRAINABLE = [  # one network, one distortion of each sort, every legal pair of objective and bottleneck
    (o, b, n, d)
    for (o, b), (n, d) in itertools.product(
        itertools.product(OBJECTIVES, BOTTLENECKS), [("mlp", "gaussian"), ("image", "bernoulli"), ("skip", "squared")]
    )
    if o not in NEEDS_GAUSSIAN or (isinstance(BOTTLENECKS[b], Gaussian) and b != "free bits")
]
every_module = pytest.mark.parametrize(
    ("bottleneck", "network", "distortion"), MODULES, ids=["/".join(case) for case in MODULES]
)
every_objective = pytest.mark.parametrize(
    ("objective", "bottleneck", "network", "distortion"), TRAINABLE, ids=["/".join(case) for case in TRAINABLE]
)


def build(bottleneck, network, distortion, seed=0, **options):
    part, shape = NETWORKS[network]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        built = BOTTLENECKS[bottleneck].build(LATENT)
        part = part or CustomNetwork(
            nn.Sequential(nn.Linear(7, 9), nn.Tanh(), nn.Linear(9, built.features)), nn.Linear(LATENT, 7)
        )
        encoder, decoder = part.build(shape, LATENT, built.features)
    module = AutoencoderModule(
        encoder,
        built,
        decoder,
        distortion=DISTORTIONS[distortion].build(shape),
        output="sigmoid",
        bounds=(0.0, 1.0),
        **options,
    )
    module.generator = torch.Generator().manual_seed(seed)
    return module


def batch_of(network, n=16, seed=1):
    x = torch.rand((n, *NETWORKS[network][1]), generator=torch.Generator().manual_seed(seed))
    return Batch(x, x)


def test_no_registered_part_is_left_out():
    tested = {type(part) for part in (*BOTTLENECKS.values(), *DISTORTIONS.values(), *OBJECTIVES.values())}
    for family in ("bottleneck", "distortion", "objective"):
        registered = {c for c in Part.families[family].registry.values() if c.__module__.startswith("latente.")}
        missing = {c.__name__ for c in registered - tested}
        missing -= {"CrossEntropy", "Restoration", "Imputation", "MemberReconstruction"}  # have modules of their own
        missing -= {"SourceError", "RateDistortion", "Bits", "WholeRateDistortion", "CodeLikelihood", "Segmentation"}
        assert not missing


@every_module
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_shapes(bottleneck, network, distortion, training, untouched_generators):
    module, batch = build(bottleneck, network, distortion, corruption=Masking(0.2)).train(training), batch_of(network)
    x_hat, latent = module(batch.x)
    assert x_hat.shape == batch.x.shape
    assert 0 <= x_hat.min() <= x_hat.max() <= 1
    assert latent.z.shape == latent.mode.shape == (16, LATENT)
    losses = Plain()(module, batch, Progress(1, 1, 16))
    for value in (losses.loss, losses.distortion, losses.rate, losses.penalty):
        assert value.shape == (16,)
        assert torch.isfinite(value).all()


@every_module
def test_evaluation_is_deterministic_and_treats_samples_alone(bottleneck, network, distortion):
    """Free bits are the one cost that is defined over a batch, by their source; all else is each sample's own."""
    module, batch = build(bottleneck, network, distortion, corruption=Masking(0.5)).eval(), batch_of(network)
    first, second = module(batch.x), module(batch.x)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1].z, first[1].mode)
    together = Plain()(module, batch, Progress(1, 1, 16))
    for n in (1, 7):
        pieces = [Plain()(module, Batch(x, x), Progress(1, 1, 16)) for x in batch.x.split(n)]
        for name in ("distortion", "rate", "penalty") + (("loss",) if bottleneck != "free bits" else ()):
            torch.testing.assert_close(
                torch.cat([getattr(piece, name) for piece in pieces]), getattr(together, name), rtol=1e-4, atol=1e-5
            )


@every_module
def test_a_state_dict_holds_the_whole_module(bottleneck, network, distortion):
    module, other = build(bottleneck, network, distortion), build(bottleneck, network, distortion, seed=1)
    batch = batch_of(network)
    Plain()(module.train(), batch, Progress())  # places a codebook
    other.load_state_dict(module.state_dict())
    x_hat, latent = module.eval()(batch.x)
    x_hat_2, latent_2 = other.eval()(batch.x)
    assert torch.equal(x_hat, x_hat_2)
    assert torch.equal(latent.z, latent_2.z)
    costs = [Plain()(m, batch, Progress(1, 1, 16)).loss for m in (module, other)]
    assert torch.equal(*costs)


@every_module
def test_copies_and_pickles_are_equal(bottleneck, network, distortion):
    module, batch = build(bottleneck, network, distortion).eval(), batch_of(network)
    module.generator = None
    if distortion == "custom":  # a lambda has no name to be pickled by
        twins = [copy.deepcopy(module)]
    else:
        twins = [copy.deepcopy(module), pickle.loads(pickle.dumps(module))]
    for twin in twins:
        assert torch.equal(twin(batch.x)[0], module(batch.x)[0])


@pytest.mark.parametrize("distortion", DISTORTIONS)
@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_the_distortion_is_a_sum_over_elements(bottleneck, distortion):
    """A sample of twice the width whose halves are equal, and are decoded equally, costs twice as much.

    Averaging instead, while the rate is summed, is the commonest bug of the field: it collapses the posterior.
    """

    class Twice(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, z):
            return self.module(z).repeat(1, 2)

    module, batch = build(bottleneck, "mlp", distortion).eval(), batch_of("mlp")
    latent = module.encode(batch.x)
    once = module.distort(latent.z, batch.x)
    wide = copy.deepcopy(module)
    wide.decoder, wide.distortion = Twice(module.decoder), DISTORTIONS[distortion].build((18,))
    twice = wide.distort(latent.z, batch.x.repeat(1, 2))
    torch.testing.assert_close(twice, 2 * once)
    # The rate does not know how wide the data is: its share of the loss is the one thing that must not change.
    assert latent.rate.shape == once.shape


@every_objective
def test_losses_are_one_finite_number_a_sample(objective, bottleneck, network, distortion, untouched_generators):
    module, batch = build(bottleneck, network, distortion), batch_of(network)
    OBJECTIVES[objective].check(module)
    for training, grad in itertools.product((True, False), (True, False)):
        module.train(training)
        with torch.set_grad_enabled(grad):
            losses = OBJECTIVES[objective](module, batch, Progress(1, 2, 16))
        for value in (losses.loss, losses.distortion, losses.rate, losses.penalty):
            assert value.shape == (16,)
            assert torch.isfinite(value).all()
        assert losses.loss.requires_grad or not grad


@every_objective
def test_a_gradient_reaches_every_parameter(objective, bottleneck, network, distortion):
    module, batch = build(bottleneck, network, distortion).train(), batch_of(network, 64)
    OBJECTIVES[objective](module, batch, Progress(1, 1, 64)).loss.mean().backward()
    without = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())


@every_objective
def test_small_steps_lower_the_loss_of_a_fixed_batch(objective, bottleneck, network, distortion):
    """Measured with one and the same noise before and after.

    Behind a quantiser the loss is a staircase for the encoder, whose straight-through gradient need not lead down at
    once; there the decoder alone takes the steps, and the codebook stands still.
    """
    module, batch = build(bottleneck, network, distortion).train(), batch_of(network, 64)
    Plain()(module, batch, Progress())  # places a codebook
    if bottleneck in ("vq", "fsq"):
        module.bottleneck.eval()
        module.encoder.requires_grad_(False)
    stepper = Stepper(module, OBJECTIVES[objective], learning_rate=3e-4, schedule=constant)

    def loss():
        module.generator.manual_seed(5)
        return OBJECTIVES[objective](module, batch, Progress(1, 1, 64)).loss.mean().item()

    before = loss()
    for _ in range(3):
        module.generator.manual_seed(5)
        stepper.step(batch, Progress(1, 1, 64))
    assert loss() < before


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_half_precision_keeps_the_result(bottleneck, network):
    """Within 5% of the mean loss; quantised codes may fall on the other side of a border."""
    module, batch = build(bottleneck, network, "squared").eval(), batch_of(network, 64)
    losses = Plain()(module, batch, Progress(1, 1, 64))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = Plain()(module, batch, Progress(1, 1, 64))
    assert half.loss.dtype == torch.float32
    assert half.loss.mean().item() == pytest.approx(losses.loss.mean().item(), rel=0.05)
