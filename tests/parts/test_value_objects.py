"""Every registered part is a value: equal by its arguments, cloned, printed, sent through JSON and back."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

import latente.estimators  # registers the parts that live there
from latente import (
    anomaly,
    bottlenecks,
    corruptions,
    data,
    denoising,
    distortions,
    generation,
    networks,
    objectives,
    pretraining,
    training,
)
from latente.audio.music.mixture import CodeLikelihood
from latente.audio.separation.objective import SourceError
from latente.audio.speech.variations import Variations
from latente.codec.images.lossless.network import Bits
from latente.codec.images.module import RateDistortion
from latente.codec.images.whole.network import WholeRateDistortion
from latente.parts import Part, is_integer, is_number, resolve

# One instance of every part whose arguments are all unlike their defaults.
EXAMPLES = [
    anomaly.CodeDistance(),
    anomaly.CrossConformal(7),
    anomaly.Ensemble(3, 100, 2, 16, 50, 0.3, 0.2, 0.02, 20, gradients=False, compressed=0.2),
    anomaly.JointDistance(),
    anomaly.CombinedDistance(),
    anomaly.ChannelResidual(3),
    anomaly.Likelihood(10, 3),
    anomaly.NearestCodes(3, 50),
    anomaly.NearestReferences(64, 0.25, trim=0.2, smallest=0.1),
    anomaly.ReconstructionError(weighted=False),
    anomaly.segmentation.Segmentation("erasing:2"),
    anomaly.SplitConformal(0.4),
    anomaly.TrainingQuantile(),
    anomaly.members.MemberReconstruction(0.1, 0.3, 0.4),
    bottlenecks.Deterministic(),
    bottlenecks.FSQ((8, 5, 5)),
    bottlenecks.Gaussian(beta=4.0, free_bits=0.25, warmup=0.0),
    bottlenecks.KSparse(3),
    bottlenecks.Sparse(0.5),
    bottlenecks.VQ(64, 2, commitment=1.0, decay=0.9, restart_below=0.1),
    corruptions.Compose((corruptions.Masking((0.1, 0.5), 1.0), corruptions.SwapNoise(0.3))),
    corruptions.Deformation(10.0, 0.1, 0.02, 0.03, "bicubic"),
    corruptions.Erasing(2, 0.1, 0.2),
    corruptions.GaussianNoise((0.1, 0.5), clip=True),
    corruptions.Masking((0.1, 0.5), value=-1.0),
    corruptions.SaltAndPepper(0.2, low=-1.0, high=2.0),
    corruptions.Speckle((0.0, 0.3), clip=True),
    corruptions.SwapNoise((0.2, 0.4)),
    corruptions.SyntheticDefects(3, clean=0.5, softest=0.2, faintest=0.4, painted=0.7),
    data.DataSpec(kind="image", layout="nf", scale="minmax", shape=(3, 4)),
    distortions.AbsoluteError(),
    distortions.Bernoulli(),
    distortions.GaussianLikelihood(per_feature=True, smallest_std=0.05, initial_std=0.5),
    distortions.Huber(0.5),
    distortions.SquaredError(),
    generation.FlowSampler("maf", 2, (64,), 5, 0.01, 100),
    generation.GaussianSampler(0.1),
    generation.KernelDensitySampler(0.5),
    generation.MixtureSampler(3, 1e-4, 50),
    generation.SecondStageSampler((64,), 3, n_components=4),
    latente.estimators.classifier.CrossEntropy(),
    networks.Auto(largest_flat=100),
    networks.Conv((8, 16), (32,), kernel_size=5, activation="relu", normalization="batch", upsample="nearest"),
    networks.MLP((8, 4), "tanh", "layer", skip=True, code_activation="sigmoid"),
    networks.LinearPath(networks.MLP((8,))),
    objectives.BetaTC(0.5, 6.0, 2.0),
    objectives.Augmented("deformation:10", "contractive:0.1"),
    objectives.Binarized("importance_weighted:5"),
    objectives.Contractive(1.0, probes=None),
    objectives.ImportanceWeighted(50, growth=0.5, backward=5, doubly_reparameterized=False, power=2.0),
    objectives.Plain(),
    objectives.NestedDropout(0.5),
    objectives.Trimmed(0.2, "contractive:0.1"),
    objectives.RAE(0.1, 0.01, "gradient"),
    objectives.Wasserstein(1.0),
    denoising.Restoration("noise2self", "masking:0.2", floor=0.2),
    denoising.Imputation(),
    SourceError(pairs=True),
    RateDistortion(0.25),
    WholeRateDistortion(0.5),
    CodeLikelihood(),
    Bits(),
    Variations(3, 0.1, 0.2, 0.01, 0.5, (5.0, 20.0)),
    pretraining.Pretraining((3, 4), ("masking:0.5", None), training.Trainer(learning_rate=0.1)),
    training.Trainer(
        3,
        7,
        0.01,
        0.1,
        2,
        0.25,
        "float32",
        "cpu",
        1,
        False,
        "folder",
        100,
        3,
        False,
        (),
        False,
        beta2=0.9,
        optimizer="muon",
    ),
]
REGISTERED = [part_class for family in Part.families.values() for part_class in family.registry.values()]
OWN = {"custom"}  # hold the user's functions and modules, which neither JSON nor a repr can carry
PORTABLE = [part_class for part_class in REGISTERED if part_class.short_name not in OWN]
MODULES = (anomaly, bottlenecks, corruptions, data, denoising, distortions, generation, networks, objectives, training)
NAMES = {name: value for module in MODULES for name, value in vars(module).items()}
NAMES |= {"CrossEntropy": latente.estimators.classifier.CrossEntropy, "Pretraining": pretraining.Pretraining}
NAMES |= {"MemberReconstruction": anomaly.members.MemberReconstruction}
NAMES |= {"Segmentation": anomaly.segmentation.Segmentation}
NAMES |= {part.__name__: part for part in (SourceError, RateDistortion, Bits, Variations)}
NAMES |= {part.__name__: part for part in (WholeRateDistortion, CodeLikelihood)}
every_part = pytest.mark.parametrize("part", [*EXAMPLES, *(c() for c in PORTABLE)], ids=lambda p: type(p).__name__)


def test_every_registered_part_has_an_example():
    assert {type(part) for part in EXAMPLES} == {c for c in PORTABLE if c.__module__.startswith("latente.")}


@pytest.mark.parametrize("part", EXAMPLES, ids=lambda p: type(p).__name__)
def test_equality_is_by_value_in_every_argument(part):
    assert part == copy.deepcopy(part)
    assert part != object()
    for name, value in type(part)().get_params(deep=False).items():
        if name != "callbacks":
            other = copy.deepcopy(part).set_params(**{name: value})
            assert other != part, f"{name} does not count"


def test_parts_of_different_classes_differ():
    parts = [part_class() for part_class in REGISTERED]
    assert all(parts[i] != parts[j] for i in range(len(parts)) for j in range(i))


@every_part
def test_repr_recreates_the_part(part):
    assert eval(repr(part), NAMES) == part


@every_part
def test_json_round_trip(part):
    described = json.loads(json.dumps(part.to_dict(), allow_nan=False))
    made = Part.from_dict(described)
    assert type(made) is type(part)
    assert made == part


@every_part
def test_clone_pickle_and_params(part):
    for twin in (clone(part), pickle.loads(pickle.dumps(part)), type(part)(**part.get_params(deep=False))):
        assert twin == part
        assert twin is not part
    assert list(part.get_params(deep=False)) == part.field_names()
    assert type(part)().set_params(**part.get_params(deep=False)) == part


def test_numpy_numbers_become_json():
    part = bottlenecks.Gaussian(beta=np.float32(0.5), free_bits=np.float64(0.25), warmup=np.int64(1))
    assert json.loads(json.dumps(part.to_dict()))["params"] == {"beta": 0.5, "free_bits": 0.25, "warmup": 1}


def test_sequences_come_back_as_tuples():
    assert Part.from_dict(networks.MLP([8, 4]).to_dict()) == networks.MLP((8, 4))


def test_functions_and_modules_are_recorded_by_name_only():
    described = corruptions.Custom(torch.relu).to_dict()
    assert "relu" in described["params"]["function"]["object"]
    assert Part.from_dict(json.loads(json.dumps(described))) == corruptions.Custom(None)
    pair = networks.CustomNetwork(nn.Linear(4, 2), nn.Linear(2, 4))
    assert pair.to_dict()["params"]["encoder"] == {"object": "torch.nn.modules.linear.Linear"}


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"part": "bottleneck", "name": "nonsense"}, "unknown part 'bottleneck' / 'nonsense'"),
        ({"part": "nonsense", "name": "gaussian"}, "unknown part 'nonsense' / 'gaussian'"),
        ({"name": "gaussian"}, "unknown part None"),
        ({"part": "bottleneck", "name": "gaussian", "params": {"gamma": 1}}, "Gaussian has no parameter 'gamma'"),
    ],
)
def test_from_dict_refuses_what_it_does_not_know(description, message):
    with pytest.raises(ValueError, match=message):
        Part.from_dict(description)


def test_nested_params_are_read_and_set():
    part = pretraining.Pretraining(trainer=training.Trainer(epochs=3))
    assert part.get_params()["trainer__epochs"] == 3
    assert "trainer__epochs" not in part.get_params(deep=False)
    assert part.set_params(trainer__epochs=5) is part
    assert part.trainer.epochs == 5
    replaced = part.set_params(trainer__batch_size=9, trainer=training.Trainer(epochs=7)).trainer
    assert (replaced.epochs, replaced.batch_size) == (7, 9)


@pytest.mark.parametrize(
    ("part", "params", "message"),
    [
        (bottlenecks.Gaussian(), {"betta": 2}, r"Gaussian has no parameter 'betta'; .* Did you mean 'beta'\?"),
        (bottlenecks.Deterministic(), {"beta": 2}, "Deterministic has no parameter 'beta'; it has: none"),
        (bottlenecks.Gaussian(), {"beta__x": 2}, "Gaussian: beta is 1.0, which has no 'x'"),
        (pretraining.Pretraining(), {"trainer__epochs": 2}, "Pretraining: trainer is None, .* set trainer first"),
        (pretraining.Pretraining(trainer=training.Trainer()), {"trainer__epoch": 2}, "Did you mean 'epochs'"),
    ],
)
def test_set_params_names_what_is_wrong(part, params, message):
    with pytest.raises(ValueError, match=message):
        part.set_params(**params)


@pytest.mark.parametrize("family", Part.families.values(), ids=lambda family: family.family)
def test_resolve_takes_parts_strings_and_none(family):
    name, part_class = next((n, c) for n, c in family.registry.items() if n not in OWN)
    assert resolve(None, family) is None
    assert resolve(None, family, part := part_class()) is part
    assert resolve(part, family) is part
    for wrong in (part_class, 3, ["gaussian"], {"part": family.family, "name": name}):
        with pytest.raises(TypeError, match=rf"{family.family} must be .*{part_class.__name__}.*an instance.*; got"):
            resolve(wrong, family)


def test_a_part_of_another_family_is_refused():
    with pytest.raises(TypeError, match=r"bottleneck must be one of .* got GaussianNoise\(sigma=0.1"):
        resolve(corruptions.GaussianNoise(), bottlenecks.Bottleneck)


def test_numbers_and_integers():
    numbers = (0, 1.5, -2, np.float32(1), np.int8(1))
    no_numbers = (True, np.bool_(1), None, "1", 1j, float("nan"), float("inf"), [1], np.array([1.0, 2.0]))
    assert all(is_number(value) for value in numbers)
    assert not any(is_number(value) for value in no_numbers)
    assert [is_integer(value) for value in numbers] == [True, False, True, False, True]
    assert [is_number(value, 0, 1) for value in (-0.1, 0, 1, 1.1)] == [False, True, True, False]
