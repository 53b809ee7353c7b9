"""Reading samples, scaling, patches, tiles, and what the objectives hide."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente.denoising.restoration import from_neighbours, neighbour_mean
from latente.denoising.samples import Scale, alike, patches, read_samples
from latente.denoising.spread import Spread
from latente.denoising.tiles import tiled
from latente.nn import UNet
from latente.nn.unet import fold, unfold

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "kind", "items", "item"),
    [
        ((20, 30), "image", 1, (1, 20, 30)),
        ((20, 30, 3), "auto", 1, (3, 20, 30)),
        ((5, 20, 30), "auto", 5, (1, 20, 30)),
        ((5, 20, 30, 3), "auto", 5, (3, 20, 30)),
        ((100,), "auto", 1, (1, 100)),
        ((4, 100), "signal", 4, (1, 100)),
        ((4, 100, 2), "signal", 4, (2, 100)),
    ],
)
def test_samples_come_back_as_they_came(shape, kind, items, item):
    X = RNG.normal(size=shape)
    samples = read_samples(X, kind)
    assert (len(samples.items), samples.items[0].shape) == (items, item)
    assert (samples.returned(samples.items) == X).all()


def test_lists_of_several_sizes_come_back_as_lists():
    X = [RNG.normal(size=(10, 12)), RNG.normal(size=(9, 30))]
    samples = read_samples(X)
    back = samples.returned(samples.items)
    assert all((a == b).all() for a, b in zip(back, X, strict=True))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 3, 3)), "empty"),
        (RNG.normal(size=(5, 5)), "say kind="),
        (np.array(["a"]), r"samples must be numbers: an array, a list of arrays or a path; got values such as .*'a'"),
        (np.array([1, "a"], dtype=object), "got values such as 'a'"),
        (np.array([1j]), "got an array of complex128"),
        (None, "got None$"),
        ({"a": 1}, "got an object of type dict"),
        (np.array([1.0, np.nan]), "not finite"),
        ([np.zeros((4, 4)), np.zeros((4, 4, 3))], "one number of axes"),
        (np.zeros((2, 2, 2, 2, 2)), "an image must be"),
    ],
)
def test_what_cannot_be_read_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        read_samples(X)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_scaling_and_back(dtype):
    X = (RNG.random((3, 8, 8)) * 200).astype(dtype)
    scale = Scale.of([X])
    scaled = scale.apply(torch.from_numpy(X.astype(np.float64)))
    back = scale.undo(scaled.numpy(), X.dtype)
    assert back.dtype == X.dtype
    np.testing.assert_allclose(back, X, rtol=1e-5, atol=1e-4)  # of values up to 200, in float32
    if dtype in (np.float32, np.float64):
        assert float(scaled.std(correction=0)) == pytest.approx(1, abs=1e-5)
    else:
        assert scale.bounds == (0.0, 1.0)


def test_channels_of_signals_are_standardised_one_by_one():
    X = RNG.normal(size=(3, 200)) * np.array([[1.0], [50.0], [0.0]]) + np.array([[0.0], [9.0], [4.0]])
    scale = Scale.of([X], each=True)
    scaled = scale.apply(torch.from_numpy(X)[None]).numpy()
    np.testing.assert_allclose(scaled[0].mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[0].std(1), [1, 1, 0], atol=1e-5)
    np.testing.assert_allclose(scale.undo(scaled, X.dtype)[0], X, atol=1e-4)


@pytest.mark.parametrize(("trained", "later"), [(np.uint8, np.float64), (np.float32, np.uint8), (np.uint8, np.uint16)])
def test_bytes_and_floats_of_one_picture_are_scaled_alike(trained, later):
    def picture(dtype):
        x = np.linspace(0, 1, 64).reshape(1, 8, 8)
        return x.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(x * np.iinfo(dtype).max).astype(dtype)

    scale = Scale.of([picture(trained)])
    values = torch.from_numpy(picture(later).astype(np.float64))
    scaled = scale.suited([picture(later)]).apply(values).numpy()
    np.testing.assert_allclose(scaled, picture(np.float64), atol=1 / 255)
    with pytest.raises(ValueError, match=r"trained on data in \[0, 1\].*float64 up to 255"):
        scale.suited([picture(np.float64) * 255])


@pytest.mark.parametrize(("trained", "later"), [(np.uint8, np.float64), (np.float32, np.uint8), (np.uint8, np.uint16)])
def test_data_with_bounds_may_be_standardised_and_keeps_them(trained, later):
    def picture(dtype):
        x = np.linspace(0, 1, 64).reshape(1, 8, 8) ** 2
        return x.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(x * np.iinfo(dtype).max).astype(dtype)

    scale = Scale.of([picture(trained)], standard=True)
    for dtype in (trained, later):
        own, values = scale.suited([picture(dtype)]), torch.from_numpy(picture(dtype).astype(np.float64))
        scaled = own.apply(values).numpy()
        assert [scaled.mean(), scaled.std()] == pytest.approx([0, 1], abs=0.01)
        np.testing.assert_allclose(own.undo(scaled, np.dtype(dtype)), picture(dtype), rtol=1e-4, atol=1e-6)
        far = own.undo(np.full((1, 8, 8), 50, np.float32), np.dtype(dtype))
        assert far == pytest.approx(1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max)
    assert Scale.of([np.zeros((1, 4, 4), np.uint8)], standard=True).bounds == (0.0, 1.0)  # nothing to go by


@pytest.mark.parametrize("lengths", [[90], [30] * 40], ids=["one", "many"])
def test_what_is_held_out_is_not_trained_on(lengths):
    values = np.split(np.arange(float(sum(lengths))), np.cumsum(lengths)[:-1])
    kept, held = read_samples(values, "signal").divided(0.1, np.random.default_rng(0))
    parts = [np.concatenate([item.ravel() for item in part.items]) for part in (kept, held)]
    assert sorted(np.concatenate(parts)) == list(range(sum(lengths)))
    assert len(parts[1]) == pytest.approx(0.1 * sum(lengths))
    with pytest.raises(ValueError, match="too few, or too small"):
        read_samples([np.zeros(3)], "signal").divided(0.1, np.random.default_rng(0))


def test_small_samples_go_together_and_in_order():
    items = [np.full((1, 8, 8), i) for i in range(5)] + [np.full((1, 300, 9), 5), np.full((1, 8, 8), 6)]
    groups = [[int(item.flat[0]) for item in group] for group in alike(items, 64)]
    assert groups == [[0, 1, 2, 3, 4], [5], [6]]


def test_patches_are_pieces_of_the_samples():
    image = np.arange(100 * 130).reshape(100, 130).astype(np.float32)
    cut = patches(read_samples([image, image[:90]]), 32, np.random.default_rng(0)).numpy()
    assert cut.shape[1:] == (1, 32, 32)
    assert len(cut) >= 2000  # few samples give overlapping ones
    first = cut[:, 0, 0, 0].astype(int)
    rows, columns = first // 130, first % 130
    expected = np.stack([image[r : r + 32, c : c + 32] for r, c in zip(rows, columns, strict=True)])
    assert (cut[:, 0] == expected).all()


@pytest.mark.parametrize("size", [(40,), (97,), (70, 41), (64, 64)])
def test_tiles_of_a_local_function_give_its_result(size):
    x = torch.randn(2, *size)
    assert torch.allclose(tiled(lambda part: 2 * part - 1, x, 32, 8), 2 * x - 1, atol=1e-6)


def test_tiles_are_no_larger_than_asked_and_memory_is_theirs():
    seen = []

    def function(part):
        seen.append(part.shape[2:])
        return part

    tiled(function, torch.zeros(1, 300, 50), 64, 16)
    assert max(max(shape) for shape in seen) == 64
    with pytest.raises(ValueError, match="below the tile"):
        tiled(function, torch.zeros(1, 300), 64, 64)


@pytest.mark.parametrize("x", [torch.randn(2, 3, 12), torch.randn(2, 3, 12, 8)], ids=["1-D", "2-D"])
def test_fold_is_a_permutation(x):
    folded = fold(x, 2)
    assert folded.shape[1] == x.shape[1] * 2 ** (x.ndim - 2)
    assert torch.equal(unfold(folded, 2), x)


@pytest.mark.parametrize("size", [(28, 28), (17, 30), (1, 5), (9,), (64,)])
def test_a_unet_begins_as_the_identity_at_any_size(size):
    x = torch.randn(2, 3, *size)
    assert torch.equal(UNet(3, len(size), width=8)(x), x)
    assert torch.equal(UNet(3, len(size), width=8, identity=False)(x), torch.zeros_like(x))


def test_a_unet_of_fewer_outputs():
    x = torch.randn(2, 3, 9, 14)
    assert torch.equal(UNet(3, width=8, identity=False, outputs=1)(x), torch.zeros(2, 1, 9, 14))
    with pytest.raises(ValueError, match="x of 3 channels cannot be added to 1; pass identity=False"):
        UNet(3, outputs=1)


def test_a_unet_sees_no_further_than_its_reach():
    torch.manual_seed(0)
    network = UNet(1, 1, width=4, levels=2)
    torch.nn.init.normal_(network.leave.weight)
    x = torch.randn(1, 1, 512)
    changed = x.clone()
    changed[..., 256] += 10
    with torch.no_grad():
        moved = (network(changed) - network(x)).abs().flatten().nonzero().flatten() - 256
    assert 4 < moved.abs().max() <= network.reach


def test_the_mean_of_neighbours_leaves_the_middle_out():
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    mean = neighbour_mean(x)
    assert mean[0, 0, 1, 1] == pytest.approx((1 + 4 + 6 + 9 + 0.5 * (0 + 2 + 8 + 10)) / 6)
    assert mean[0, 0, 0, 0] == pytest.approx((1 + 4 + 0.5 * 5) / 2.5)  # in a corner three
    assert neighbour_mean(torch.tensor([[[1.0, 5.0, 9.0]]]))[0, 0].tolist() == [5, 5, 5]
    assert neighbour_mean(torch.full((1, 1, 1), 7.0)).tolist() == [[[0]]]  # alone


@pytest.mark.parametrize("at", [(5, 6), (0, 0), (0, 7), (11, 3), (11, 11)])
def test_from_neighbours_does_not_see_the_position_itself(at):
    torch.manual_seed(0)
    network = UNet(1, 2, width=4, levels=2, identity=False)
    torch.nn.init.normal_(network.leave.weight)
    x = torch.randn(1, 1, 12, 12)
    changed = x.clone()
    changed[0, 0, *at] += 100
    with torch.no_grad():
        before, after = from_neighbours(network, x), from_neighbours(network, changed)
    assert before[0, 0, *at] == after[0, 0, *at]
    assert (before != after).any()


def test_a_spread_tells_what_predictions_miss_from_noise():
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(400_000, generator=generator)
    missed = torch.where(clean < 0.5, 0.0, 0.3)  # deviation of the predictions' error, by the clean value
    predicted = clean + missed * torch.randn(clean.shape, generator=generator)
    noisy = clean + 0.4 * torch.randn(clean.shape, generator=generator)
    combined = Spread.of(predicted, noisy).combined(predicted, noisy, 0.16)
    far = clean > 0.5
    error = (combined - clean).square()
    assert error[~far].mean() < 0.03  # some of these look like bad ones
    assert error[far].mean() < 0.075  # 0.09 of the predictions, 0.16 of the noisy ones; 0.0576 were v known
    assert error.mean() < 0.9 * (predicted - clean).square().mean()


def test_a_spread_of_few_values_is_no_noise_of_its_bins():
    generator = torch.Generator().manual_seed(0)
    rough = []
    for _ in range(20):
        f = torch.rand(800, generator=generator, dtype=torch.float64)
        x = f + torch.randn(800, generator=generator, dtype=torch.float64)
        flat, often = Spread.of(f, x), Spread.of(f.repeat(50), x.repeat(50), repeats=50)
        assert often.squares == pytest.approx(flat.squares)
        rough.append(np.std(flat.squares) / np.mean(flat.squares))
    assert np.mean(rough) < 0.1  # bins of 12 values by themselves have 0.4


def test_a_spread_of_few_values_differs_where_they_do():
    generator = torch.Generator().manual_seed(0)
    f = torch.rand(800, generator=generator, dtype=torch.float64)
    x = f + torch.where(f > 0.5, 3.0, 1.0) * torch.randn(800, generator=generator, dtype=torch.float64)
    squares = np.array(Spread.of(f, x).squares)
    assert squares[36:62].mean() > 1.5 * squares[2:28].mean()  # 9 and 1 in truth; a bin of 12 has 32 of the whole's 5
    assert Spread.of(f, f).squares == pytest.approx([0.0] * 64)


def test_a_spread_of_equal_predictions_and_broken_ones():
    spread = Spread.of(torch.zeros(100), torch.ones(100))
    assert spread.combined(torch.zeros(2), torch.ones(2), 0.25).tolist() == [0.75, 0.75]
    assert spread.combined(torch.zeros(2), torch.ones(2), 4.0).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="rising edges"):
        Spread((1.0, 0.0), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="of one more bin"):
        Spread((1.0,), (1.0,))
