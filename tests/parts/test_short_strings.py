"""Short strings name every part; a slip of the pen is answered with what exists."""

from __future__ import annotations

import pytest

from latente import bottlenecks, corruptions, data, distortions, networks, objectives, training
from latente.corruptions import resolve_corruption
from latente.distortions import resolve_distortion
from latente.networks import resolve_network
from latente.parts import Part, did_you_mean

MEMBERS = [(family, name) for family in Part.families.values() for name in family.registry if family.family != "data"]


@pytest.mark.parametrize(("family", "name"), MEMBERS, ids=lambda value: getattr(value, "family", value))
def test_a_name_alone_means_the_defaults(family, name):
    for text in (name, f" {name} ", name.upper(), name.replace("_", "-"), f"{name}:"):
        assert family.from_string(text) == family.registry[name]()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("gaussian:4", bottlenecks.Gaussian(4)),
        ("gaussian:0.5,0.25,0", bottlenecks.Gaussian(0.5, 0.25, 0)),
        ("gaussian:free_bits=0.25, beta = 2", bottlenecks.Gaussian(2, 0.25)),
        ("gaussian:4,warmup=0.5", bottlenecks.Gaussian(4, warmup=0.5)),
        ("sparse:1e-3", bottlenecks.Sparse(1e-3)),
        ("k_sparse:12", bottlenecks.KSparse(12)),
        ("vq:512,8", bottlenecks.VQ(512, 8)),
        ("fsq:8", bottlenecks.FSQ((8,))),
        ("fsq:8,5,5", bottlenecks.FSQ((8, 5, 5))),
        ("gaussian:0.1..0.5", corruptions.GaussianNoise((0.1, 0.5))),
        ("gaussian:0.1,true", corruptions.GaussianNoise(0.1, clip=True)),
        ("salt_and_pepper:0.25", corruptions.SaltAndPepper(0.25)),
        ("salt-and-pepper:0.25,-1,1", corruptions.SaltAndPepper(0.25, -1, 1)),
        ("salt_and_pepper:0..0.5,low=none", corruptions.SaltAndPepper((0, 0.5))),
        ("masking:amount=.1...5", corruptions.Masking((0.1, 0.5))),
        ("speckle:0.2", corruptions.Speckle(0.2)),
        ("swap:0.2", corruptions.SwapNoise(0.2)),
        ("synthetic_defects:3,clean=0.5,softest=0.2", corruptions.SyntheticDefects(3, 0.5, 0.2)),
        ("synthetic_defects:faintest=0.6,painted=1", corruptions.SyntheticDefects(faintest=0.6, painted=1)),
        ("compose:gaussian,masking", corruptions.Compose(("gaussian", "masking"))),
        ("huber:0.5", distortions.Huber(0.5)),
        ("gaussian:true", distortions.GaussianLikelihood(True)),
        ("mlp:512,64", networks.MLP((512, 64))),
        ("mlp:512,64,activation=relu,skip=true", networks.MLP((512, 64), "relu", skip=True)),
        ("conv:16,32,upsample=nearest", networks.Conv((16, 32), upsample="nearest")),
        ("contractive:0.1,none", objectives.Contractive(0.1, None)),
        ("rae:regularizer=gradient", objectives.RAE(regularizer="gradient")),
        ("importance_weighted:50", objectives.ImportanceWeighted(50)),
        ("trainer:epochs=5,precision=float32", training.Trainer(5, precision="float32")),
    ],
)
def test_arguments(text, part):
    family = Part.families[part.family]
    made = family.from_string(text)
    assert made == part
    assert [type(v) for v in made.get_params().values()] == [type(v) for v in part.get_params().values()]


@pytest.mark.parametrize(
    ("family", "text", "message"),
    [
        ("bottleneck", "gausian", r"unknown bottleneck 'gausian'; known: .*k_sparse.* Did you mean 'gaussian'\?"),
        ("bottleneck", "", "unknown bottleneck ''; known: deterministic, fsq"),
        ("bottleneck", ":4", "unknown bottleneck ''"),
        ("bottleneck", "gaussian:betta=4", r"has no argument 'betta'; it has beta, .* Did you mean 'beta'\?"),
        ("bottleneck", "deterministic:x=4", "has no argument 'x'; it has no arguments"),
        ("bottleneck", "deterministic:4", "'deterministic:4' gives 1 values; 'deterministic' takes 0"),
        ("bottleneck", "gaussian:1,2,0.1,4", "gives 4 values; 'gaussian' takes 3"),
        ("bottleneck", "gaussian:4,beta=2", "gives 'beta' twice"),
        ("bottleneck", "gaussian:beta=4,beta=2", "gives 'beta' twice"),
        ("network", "mlp:4,hidden_features=2", "gives 'hidden_features' twice"),
        ("network", "convv", "Did you mean 'conv'"),
        ("corruption", "salt_pepper", "Did you mean 'salt_and_pepper'"),
        ("objective", "iwae", "unknown objective 'iwae'; known: augmented, beta_tc, binarized, .*contractive"),
        ("distortion", "mse", "unknown distortion 'mse'; known: absolute, bernoulli"),
    ],
)
def test_slips_are_answered(family, text, message):
    with pytest.raises(ValueError, match=message):
        Part.families[family].from_string(text)


def test_plus_composes_corruptions():
    made = resolve_corruption("masking:0.25 + gaussian:0.1..0.5")
    assert made == corruptions.Compose((corruptions.Masking(0.25), corruptions.GaussianNoise((0.1, 0.5))))
    assert resolve_corruption("gaussian:1e+2") == corruptions.GaussianNoise(100.0)
    assert resolve_corruption("gaussian:1e+2+masking") == corruptions.Compose(
        (corruptions.GaussianNoise(100.0), corruptions.Masking())
    )
    with pytest.raises(ValueError, match="unknown corruption 'maskin'"):
        resolve_corruption("maskin+gaussian")


def test_what_the_resolvers_take():
    def function(*tensors):
        return tensors[0]

    assert resolve_corruption(None) is None
    assert resolve_corruption(function) == corruptions.Custom(function)
    assert resolve_distortion(function) == distortions.CustomDistortion(function)
    assert resolve_distortion("auto") is None
    assert resolve_distortion("huber:2") == distortions.Huber(2)
    assert resolve_network(None) == networks.Auto()
    assert resolve_network("conv:8") == networks.Conv((8,))
    with pytest.raises(TypeError, match="an instance, not a class"):
        resolve_corruption(corruptions.Masking)
    with pytest.raises(TypeError, match="corruption must be one of"):
        resolve_corruption(0.25)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("auto", data.DataSpec()),
        ("signal", data.DataSpec(kind="signal")),
        ("nct", data.DataSpec(layout="nct")),
        ("kind=image,scale=unit", data.DataSpec(kind="image", scale="unit")),
    ],
)
def test_data_has_words_of_its_own(text, spec):
    assert data.DataSpec.from_string(text) == spec


def test_did_you_mean_is_silent_when_nothing_is_near():
    assert did_you_mean("xyz", ["gaussian", "masking"]) == ""
    assert did_you_mean("maskin", ["gaussian", "masking"]) == " Did you mean 'masking'?"
