"""Integer layers against torch in integers, at their bounds, and whatever is set around them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente.codec.images.exact import EXACT, Affine, Layer, Table, to_fixed


def layer(rng, *shape: int, shift: int = 7) -> Layer:
    weight = rng.integers(-32767, 32768, shape).astype(np.int16)
    return Layer(weight, rng.integers(-(2**30), 2**30, shape[0]), shift)


def divided(sums, shift: int):
    return (sums + (1 << shift >> 1)) >> shift  # of Python's integers: floor


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
    ours = layer(rng, 96, 450)
    dense = Affine(ours, 2**15)
    x = rng.integers(-(2**15), 2**15, (3, 160, 450)).astype(np.float64)
    whole = dense(x)
    sums = x.astype(np.int64) @ ours.weight.astype(np.int64).T + ours.bias
    assert np.array_equal(whole, divided(sums, 7))
    assert np.array_equal(Affine(ours, 2**15, clip=1000, relu=True)(x), np.clip(whole, 0, 1000))
    assert np.array_equal(whole[1:2], dense(x[1:2]))
    assert np.array_equal(whole, dense(np.asfortranarray(x)))
    assert np.array_equal(whole[:, 5:9], dense(x[:, 5:9]))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    assert np.array_equal(whole, dense(x))
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
