"""A setting that makes no sense is refused before any training, with what was given and what is allowed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from latente.bottlenecks import FSQ, VQ, Gaussian, KSparse, Sparse
from latente.corruptions import Compose, Custom, GaussianNoise, Masking, SaltAndPepper, Speckle, SwapNoise
from latente.distortions import CustomDistortion, GaussianLikelihood, Huber
from latente.networks import MLP, Conv, CustomNetwork

NO_POSITIVE_NUMBERS = (-0.1, "much", None, True, math.nan, math.inf)
IMAGE = (1, 8, 8)


@pytest.mark.parametrize("name", ["beta", "free_bits", "warmup"])
@pytest.mark.parametrize("value", NO_POSITIVE_NUMBERS)
def test_gaussian(name, value):
    with pytest.raises(ValueError, match=rf"Gaussian: {name} .* got {value!r}"):
        Gaussian(**{name: value}).build(3)


def test_warmup_is_a_fraction():
    with pytest.raises(ValueError, match=r"warmup is a fraction of training in \[0, 1\]; got 10"):
        Gaussian(warmup=10).build(3)


@pytest.mark.parametrize("value", NO_POSITIVE_NUMBERS)
def test_sparse(value):
    with pytest.raises(ValueError, match="Sparse: weight must be at least 0"):
        Sparse(value).build(3)


@pytest.mark.parametrize("k", [0, 4, -1, 2.0, "2", None, True])
def test_k_sparse(k):
    with pytest.raises(ValueError, match="KSparse: k must be an integer between 1 and latent_dim=3"):
        KSparse(k).build(3)


@pytest.mark.parametrize(
    "levels", [1, 0, -8, 8.0, "8", None, (8, 1, 8), (8, 5), (), (8, 5, 5, 5), (8, 5, "5"), (1 << 24) + 1]
)
def test_fsq(levels):
    with pytest.raises(ValueError, match="FSQ: levels must be one integer or latent_dim=3 integers"):
        FSQ(levels).build(3)


@pytest.mark.parametrize("code_dim", [0, 4, -1, 2.0, "2", None])
def test_vq_code_dim(code_dim):
    with pytest.raises(ValueError, match=r"VQ: code_dim must divide latent_dim=6; .*Allowed: auto, 1, 2, 3, 6"):
        VQ(code_dim=code_dim).build(6)


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "codebook_size": (1, 0, 2.5, "2", None),
        "commitment": NO_POSITIVE_NUMBERS,
        "decay": (0, 1, -0.5, "0.9", math.nan),
        "restart_below": (-0.1, 1.5, None),
    }.items(),
)
def test_vq(name, values):
    for value in values:
        with pytest.raises(ValueError, match=rf"VQ: .*{name}.* got"):
            VQ(**{"code_dim": 2, name: value}).build(6)


@pytest.mark.parametrize("part", [GaussianNoise, Speckle, SaltAndPepper, Masking, SwapNoise])
@pytest.mark.parametrize(
    "level", [*NO_POSITIVE_NUMBERS, (0.5,), (0.5, 0.1), (0.1, 0.2, 0.3), (), (0.1, None), ("a", "b"), (-0.1, 0.1)]
)
def test_levels_of_corruptions(part, level):
    with pytest.raises(ValueError, match=rf"{part.__name__}: \w+ must be a number .*, or a range \(low, high\)"):
        part(level).check()


@pytest.mark.parametrize("part", [SaltAndPepper, Masking, SwapNoise])
def test_fractions_end_at_one(part):
    part(1).check()
    with pytest.raises(ValueError, match=r"amount must be a number in \[0, 1\]"):
        part(1.5).check()


@pytest.mark.parametrize("level", [0, 0.5, np.float32(0.5), np.int64(1), (0, 1), [0.1, 0.2], (0.5, 0.5)])
def test_good_levels(level):
    for part in (GaussianNoise, Speckle, SaltAndPepper, Masking, SwapNoise):
        part(level).check()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (SaltAndPepper(0.1, low="black"), "SaltAndPepper: low must be a number or None; got 'black'"),
        (SaltAndPepper(0.1, high=math.inf), "SaltAndPepper: high must be a number or None; got inf"),
        (Masking(0.1, value=None), "Masking: value must be a number; got None"),
        (Custom(), "the custom corruption's function is not here"),
        (Custom(3), "Custom: function must be a function of a batch; got 3"),
        (Compose((GaussianNoise(), Masking(2))), "Masking: amount must be"),
        (Compose(("gaussian", "maskin")), r"unknown corruption 'maskin'; .* Did you mean 'masking'\?"),
        (Compose((3,)), "corruption must be one of"),
    ],
)
def test_other_settings_of_corruptions(part, message):
    with pytest.raises((ValueError, TypeError), match=message):
        part.check()


@pytest.mark.parametrize("delta", [0, *NO_POSITIVE_NUMBERS])
def test_huber(delta):
    with pytest.raises(ValueError, match="Huber: delta must be above 0"):
        Huber(delta).build((3,))


@pytest.mark.parametrize("std", NO_POSITIVE_NUMBERS)
def test_smallest_deviation(std):
    with pytest.raises(ValueError, match="GaussianLikelihood: smallest_std must be at least 0"):
        GaussianLikelihood(smallest_std=std).build((3,))


def test_custom_distortion_without_its_function():
    with pytest.raises(ValueError, match=r"function is not here; .*distortion=\.\.\."):
        CustomDistortion().build((3,))


@pytest.mark.parametrize("widths", [0, -4, 4.0, "16", None, (8, 0), (8, 2.5), (True,), ("8",)])
def test_widths(widths):
    with pytest.raises(ValueError, match="MLP: hidden_features must be positive integers"):
        MLP(widths).build((5,), 2, 2)
    with pytest.raises(ValueError, match="Conv: channels must be positive integers"):
        Conv(widths).build(IMAGE, 2, 2)
    with pytest.raises(ValueError, match="Conv: hidden_features must be positive integers"):
        Conv((4,), widths).build(IMAGE, 2, 2)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Conv(kernel_size=4), "kernel_size must be odd and positive; got 4"),
        (Conv(kernel_size=-1), "kernel_size must be odd and positive; got -1"),
        (Conv(kernel_size=3.0), "kernel_size must be odd and positive; got 3.0"),
        (Conv(kernel_size="3"), "kernel_size must be odd and positive; got '3'"),
        (Conv(kernel_size=None), "kernel_size must be odd and positive; got None"),
        (Conv(()), "channels must name at least one convolution"),
        (Conv(upsample="bilinear"), "upsample must be 'transposed' or 'nearest'; got 'bilinear'"),
        (Conv(activation="swish"), "unknown activation 'swish'; known: elu, gelu"),
        (MLP((4,), "rellu"), r"unknown activation 'rellu'; .* Did you mean 'relu'\?"),
        (MLP((4,), activation=None), "unknown activation None"),
        (MLP((4,), code_activation="tahn"), "Did you mean 'tanh'"),
        (MLP((4,), normalization="bacth"), r"unknown normalization 'bacth'; known: batch, layer, None.* 'batch'\?"),
        (Conv((4,), normalization="group"), "unknown normalization 'group'"),
        (CustomNetwork(), r"latente.load\(path, encoder=\.\.\., decoder=\.\.\.\)"),
    ],
)
def test_networks(network, message):
    with pytest.raises(ValueError, match=message):
        network.build(IMAGE, 2, 2)


def test_conv_wants_images_or_signals():
    with pytest.raises(ValueError, match=r"samples of shape \(5,\).*DataSpec\(kind='signal'\).*network='mlp'"):
        Conv().build((5,), 2, 2)


def test_numpy_integers_are_integers():
    three = np.int64(3)
    assert len(MLP((three, three)).build((5,), 2, 2)[0]) == 3
    assert KSparse(three).build(4).k == 3
    assert FSQ(three).build(2).levels.tolist() == [3, 3]
    assert Conv((three,), kernel_size=three).build(IMAGE, 2, 2)[0][0].conv.kernel_size == (3, 3)
    VQ(three, np.int64(2)).build(4)


@pytest.mark.parametrize("std", [0, *NO_POSITIVE_NUMBERS])
def test_initial_deviation(std):
    with pytest.raises(ValueError, match="GaussianLikelihood: initial_std must be a finite number above 0"):
        GaussianLikelihood(initial_std=std).build((3,))
