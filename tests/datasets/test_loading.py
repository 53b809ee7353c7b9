"""Every data set: what it holds, held against published figures and against its source."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from latente import datasets

pytestmark = pytest.mark.usefixtures("untouched_generators")

# name: x_train.shape, x_test.shape, dtype, largest value
EXPECTED = {
    "digits": ((1438, 8, 8), (359, 8, 8), np.float32, 16),
    "fashion-mnist-10k": ((8000, 28, 28), (2000, 28, 28), np.uint8, 255),
    "mnist": ((60000, 28, 28), (10000, 28, 28), np.uint8, 255),
    "fashion-mnist": ((60000, 28, 28), (10000, 28, 28), np.uint8, 255),
}
# The mean and standard deviation of the training pixels in [0, 1] that the field normalises with.
PUBLISHED_MOMENTS = {"mnist": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}
MNIST_TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(params=EXPECTED)
def dataset(request):
    if request.param in PUBLISHED_MOMENTS:
        request.getfixturevalue("latente_data")
    return datasets.load(request.param)


def digest(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def test_names_are_those_tested_here():
    assert datasets.names() == tuple(EXPECTED)


def test_shapes_dtypes_and_range(dataset):
    train, test, dtype, largest = EXPECTED[dataset.name]
    assert dataset.x_train.shape == train
    assert dataset.x_test.shape == test
    assert dataset.x_train.dtype == dataset.x_test.dtype == dtype
    assert (dataset.x_train.min(), dataset.x_train.max()) == (0, largest)
    assert dataset.y_train.shape == train[:1]
    assert dataset.y_test.shape == test[:1]
    assert dataset.y_train.dtype == dataset.y_test.dtype == np.int64


def test_arrays_are_writable_and_contiguous(dataset):
    for array in (dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test):
        assert array.flags.writeable
        assert array.flags.c_contiguous


def test_every_label_has_a_name_and_samples(dataset):
    assert len(dataset.label_names) == len(set(dataset.label_names)) == 10
    for y in (dataset.y_train, dataset.y_test):
        assert np.array_equal(np.unique(y), np.arange(10))


def test_provenance_is_stated(dataset):
    assert min(map(len, (dataset.description, dataset.source, dataset.licence))) > 5


def test_repr_is_one_short_line(dataset):
    assert repr(dataset).startswith(f"Dataset(name='{dataset.name}', x_train=({len(dataset.x_train)}, ")
    assert len(repr(dataset)) < 120


@pytest.mark.parametrize("name", PUBLISHED_MOMENTS)
def test_training_pixels_have_the_published_moments(name, latente_data):
    x = datasets.load(name).x_train
    moments = x.mean() / 255, x.std() / 255
    assert moments == pytest.approx(PUBLISHED_MOMENTS[name], abs=5e-5)


def test_mnist_has_the_published_label_counts(latente_data):
    mnist = datasets.load("mnist")
    assert np.bincount(mnist.y_train).tolist() == MNIST_TRAIN_COUNTS
    assert np.bincount(mnist.y_test).tolist() == MNIST_TEST_COUNTS


def test_fashion_mnist_is_balanced(latente_data):
    clothes = datasets.load("fashion-mnist")
    assert np.bincount(clothes.y_train).tolist() == [6000] * 10
    assert np.bincount(clothes.y_test).tolist() == [1000] * 10


def test_embedded_images_are_the_test_split_of_fashion_mnist(latente_data):
    embedded, whole = datasets.load("fashion-mnist-10k"), datasets.load("fashion-mnist")
    both = np.concatenate([embedded.x_train, embedded.x_test]).reshape(10000, -1)
    assert sorted(row.tobytes() for row in both) == sorted(row.tobytes() for row in whole.x_test)
    assert np.bincount(embedded.y_train).tolist() == [800] * 10
    assert np.bincount(embedded.y_test).tolist() == [200] * 10


def test_digits_are_scikit_learns_split_by_label():
    digits, (x, y) = datasets.load("digits"), load_digits(return_X_y=True)
    rows = (
        np.concatenate([digits.x_train, digits.x_test]).reshape(-1, 64),
        np.concatenate([digits.y_train, digits.y_test]),
    )
    ours = sorted(map(tuple, np.column_stack(rows).tolist()))
    assert ours == sorted(map(tuple, np.column_stack([x, y]).tolist()))
    assert np.array_equal(np.bincount(digits.y_test), np.round(0.2 * np.bincount(y)))


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("digits", "b825f037feb9a004", "1ea458a5b10d000e"),
        ("fashion-mnist-10k", "bc37f52aa004533c", "6195d21313d2a76a"),
    ],
)
def test_our_own_splits_never_change(name, train, test):
    dataset = datasets.load(name)
    assert digest(dataset.x_train, dataset.y_train) == train
    assert digest(dataset.x_test, dataset.y_test) == test


def test_every_call_gives_fresh_arrays():
    first, second = datasets.load("digits"), datasets.load("digits")
    first.x_train[:] = -1
    assert second.x_train.min() == 0


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("minst", "did you mean 'mnist'?"),
        ("Fashion_MNIST", "did you mean 'fashion-mnist'?"),
        ("fashion-mnist-10", "did you mean 'fashion-mnist-10k'?"),
        ("digit", "did you mean 'digits'?"),
        ("zebra", "known: digits, fashion-mnist-10k, mnist, fashion-mnist"),
        ("", "known: digits"),
    ],
)
def test_unknown_name_lists_what_there_is(name, hint):
    with pytest.raises(ValueError, match=re.escape(f"no data set is called {name!r};")) as raised:
        datasets.load(name)
    assert hint in str(raised.value)
    assert all(known in str(raised.value) for known in datasets.names())


@pytest.mark.parametrize("name", [None, 3, b"digits", ["digits"]])
def test_name_of_another_type(name):
    with pytest.raises(TypeError, match=f"is a string, got {type(name).__name__}"):
        datasets.load(name)
