"""Integer layers against torch in integers, at their bounds, and whatever is set around them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from latente.codec.images.exact import EXACT, Affine, Conv, Layer, Table, to_fixed


def layer(rng, *shape: int, shift: int = 7) -> Layer:
    weight = rng.integers(-32767, 32768, shape).astype(np.int16)
    return Layer(weight, rng.integers(-(2**30), 2**30, shape[0]), shift)


def divided(sums, shift: int):
    return (sums + (1 << shift >> 1)) >> shift  # of Python's integers: floor


@pytest.mark.parametrize(("kernel", "dilation"), [((1, 1), 1), ((3, 3), 1), ((5, 3), 2), ((2, 4), 3), ((5, 5), 4)])
def test_convolutions_are_those_of_integers(kernel, dilation):
    rng = np.random.default_rng(0)
    ours = layer(rng, 4, 3, *kernel)
    x = rng.integers(-(2**20), 2**20, (2, 9, 12, 3))
    reach = [dilation * (n - 1) for n in kernel]
    padded = F.pad(
        torch.from_numpy(x).permute(0, 3, 1, 2), (reach[1] // 2, -(-reach[1] // 2), reach[0] // 2, -(-reach[0] // 2))
    )
    y = torch.zeros(2, 4, 9, 12, dtype=torch.int64)
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            seen = padded[:, :, u * dilation : u * dilation + 9, v * dilation : v * dilation + 12]
            y += torch.einsum("oi,nihw->nohw", torch.from_numpy(ours.weight[:, :, u, v].astype(np.int64)), seen)
    wanted = divided(y.permute(0, 2, 3, 1).numpy() + ours.bias, 7)
    found = Conv(ours, 2**20, dilation)(x.astype(np.float64))
    assert np.array_equal(found, wanted)
    limited = Conv(ours, 2**20, dilation, clip=1000, relu=True)(x.astype(np.float64))
    assert np.array_equal(limited, np.clip(wanted, 0, 1000))


def test_masked_kernels_see_what_they_may():
    weight = np.zeros((1, 1, 3, 3), np.int16)
    weight[0, 0, 0, 1] = 3
    conv = Conv(Layer(weight, np.zeros(1, np.int64), 0), 100)
    assert conv.taps == [(0, 1)]
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    assert np.array_equal(conv(x)[0, 1:], 3 * x[0, :-1])
    causal = Conv(Layer(weight, np.zeros(1, np.int64), 0), 100, padding=(1, 0, 1, 1))
    assert causal(x).shape == (1, 2, 4, 1)


def test_sums_at_the_bound_are_exact_and_above_it_refused():
    weight = np.full((1, 4), 32767, np.int16)
    largest = int(EXACT // 32767 // 4 * (1 - 1e-8))
    edge = Affine(Layer(weight, np.array([-1]), 0), largest)
    assert int(edge(np.full((1, 4), float(largest)))[0, 0]) == 4 * 32767 * largest - 1
    with pytest.raises(ValueError, match=r"exact only below 2\^53"):
        Affine(Layer(weight, np.array([2**20]), 0), EXACT // 32767 // 4 + 1)


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_halves_go_up(shift):
    x = np.arange(-70, 70)
    one = Affine(Layer(np.ones((1, 1), np.int16), np.zeros(1, np.int64), shift), 100)
    assert np.array_equal(one(x[:, None].astype(float))[:, 0], [divided(int(v), shift) for v in x])


def test_split_layout_and_settings_change_nothing():
    rng = np.random.default_rng(1)
    conv = Conv(layer(rng, 96, 50, 3, 3), 2**15)
    x = rng.integers(-(2**15), 2**15, (3, 16, 20, 50)).astype(np.float64)
    whole = conv(x)
    assert np.array_equal(whole[1:2], conv(x[1:2]))
    assert np.array_equal(whole, conv(np.asfortranarray(x)))
    assert np.array_equal(whole[:, 5:9], conv(x[:, 4:10])[:, 1:-1])
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    assert np.array_equal(whole, conv(x))
    torch.set_float32_matmul_precision(before)


def test_real_weights_become_the_nearest_integers():
    rng = np.random.default_rng(2)
    weight, bias = rng.normal(size=(8, 30)) * 3, rng.normal(size=8)
    found = Layer.of(weight, bias)
    assert found.shift == 11  # the largest weight is between 8 and 16
    x = rng.normal(size=(100, 30))
    y = Affine(found, 2**16)(to_fixed(x).astype(np.float64)) / 2**12
    assert np.abs(y - (x @ weight.T + bias)).max() < 0.03
    again = Layer.read(found.tensors("a"), "a")
    assert np.array_equal(again.weight, found.weight)
    assert np.array_equal(again.bias, found.bias)
    with pytest.raises(ValueError, match="not one of integers"):
        Layer.read(found.tensors("a") | {"a.shift": np.array([40], np.int32)}, "a")
    with pytest.raises(ValueError, match="finite and below"):
        Layer.of(np.array([[np.nan]]))


def test_tables_end_as_constants():
    table = Table([5, 6, 7], low=-1)
    assert table(np.array([-9.0, -1, 0, 1, 9])).tolist() == [5, 5, 6, 7, 7]
    assert table.bound == 7
