"""One pass over pieces against numpy in extended precision."""

from __future__ import annotations

import os

import numpy as np
import pytest

from latente.data import ArrayRows, NpyWriter, decide, open_rows, rows
from latente.data.statistics import measure


@pytest.fixture(params=[1, 37, 10**6], ids=lambda chunk: f"pieces of {chunk} values")
def chunk(request, monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", request.param)


def exact(X):
    """Mean and standard deviation of each column, in long double."""
    X = X.astype(np.longdouble)
    near = X - X[0]  # without rounding
    return (X[0] + near.mean(0)).astype(float), np.sqrt(np.square(near - near.mean(0)).mean(0)).astype(float)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8", "bool"])
@pytest.mark.parametrize("order", ["random", "sorted", "reversed"])
def test_mean_and_deviation_of_every_dtype_and_order(chunk, dtype, order):
    X = np.random.default_rng(0).normal(50, 20, size=(301, 4))
    X = (X > 50 if dtype == "bool" else X).astype(dtype)
    X = {"random": X, "sorted": np.sort(X, 0), "reversed": np.sort(X, 0)[::-1]}[order]
    found = measure(ArrayRows(X), np.asarray, moments=True)
    mean, std = exact(X)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(found.std, std, rtol=1e-12)
    np.testing.assert_array_equal([found.low, found.high], [X.min(0), X.max(0)])


@pytest.mark.parametrize("offset", [1e6, 1e12, -3e15])
@pytest.mark.parametrize("spread", [1.0, 1e3])
def test_small_changes_on_a_huge_offset(chunk, offset, spread):
    X = offset + spread * np.random.default_rng(0).normal(size=(500, 3))
    found = measure(ArrayRows(X), np.asarray, moments=True)
    mean, std = exact(X)
    np.testing.assert_allclose(found.mean, mean, rtol=4e-16, atol=0)
    np.testing.assert_allclose(found.std, std, rtol=1e-11)


@pytest.mark.parametrize("unit", [1e-200, 1e150])
def test_no_square_overflows(chunk, unit):
    X = np.random.default_rng(0).normal(size=(200, 2))
    found = measure(ArrayRows(X * unit), np.asarray, moments=True)
    np.testing.assert_allclose(found.std / unit, exact(X)[1], rtol=1e-12)


def test_channels_are_gathered_over_time(chunk):
    X = np.random.default_rng(0).normal(size=(50, 9, 3))  # (n, time, channels)
    found = measure(ArrayRows(X), lambda piece: piece.transpose(0, 2, 1), moments=True)
    np.testing.assert_allclose(found.std, X.std((0, 1)))
    np.testing.assert_allclose(found.mean, X.mean((0, 1)), atol=1e-15)


@pytest.mark.parametrize("kind", ["table", "image", "signal"])
@pytest.mark.parametrize("scale", ["auto", "none", "minmax", "standard"])
def test_a_stream_is_decided_on_like_an_array(chunk, tmp_path, kind, scale):
    X = np.random.default_rng(0).normal(size=(60, 8, 6)[: 2 if kind == "table" else 3])
    np.save(tmp_path / "x.npy", X)
    from latente.data import DataSpec

    one, other = (decide(x, DataSpec(kind=kind, scale=scale)) for x in (X, open_rows(tmp_path / "x.npy")))
    assert one.to_dict() == other.to_dict()
    np.testing.assert_array_equal(one.shift, other.shift)
    np.testing.assert_array_equal(one.factor, other.factor)


@pytest.mark.parametrize("top", [100, 200])
def test_rows_of_bytes_are_pictures_when_they_reach_high(chunk, tmp_path, top):
    X = np.random.default_rng(0).integers(0, 100, (60, 64), dtype=np.uint8)
    X[-1, -1] = top
    np.save(tmp_path / "x.npy", X)
    assert decide(open_rows(tmp_path / "x.npy")).kind == decide(X).kind == ("image" if top > 128 else "table")


def test_what_is_not_finite_is_found_in_the_middle_of_a_large_file(tmp_path):
    X = np.random.default_rng(0).normal(size=(400_000, 6)).astype(np.float32)
    X[250_000, 4], X[250_001, 0], X[390_000, 1] = np.nan, np.inf, -np.inf
    np.save(tmp_path / "x.npy", X)
    stream = open_rows(tmp_path / "x.npy")
    stream.columns = tuple("abcdef")
    with pytest.raises(ValueError, match="1 NaN and 2 infinite values, the first at row 250000, column 'e'"):
        decide(stream)
    stream.columns = None
    with pytest.raises(ValueError, match=r"1 NaN and 2 infinite values, the first at index \(250000, 4\)"):
        decide(stream)


def test_a_written_file_is_complete_or_not_there(tmp_path):
    path = tmp_path / "x.npy"
    pieces = [np.full((3, 2), i, np.int16) for i in range(4)]
    with NpyWriter(path, 12) as writer:
        writer.write_all(pieces)
        assert not path.exists()
    np.testing.assert_array_equal(np.load(path), np.concatenate(pieces))
    with pytest.raises(ZeroDivisionError), NpyWriter(path, 12) as writer:
        writer.write_all(np.full((3, 2), 1 // (3 - i)) for i in range(4))
    np.testing.assert_array_equal(np.load(path), np.concatenate(pieces))
    with pytest.raises(ValueError, match="12 samples were promised; 9 came"), NpyWriter(path, 12) as writer:
        writer.write_all(pieces[:3])
    assert [file.name for file in tmp_path.iterdir()] == ["x.npy"]
    with pytest.raises(ValueError, match=r"out must name a \.npy file; got .*x\.csv"):
        NpyWriter(tmp_path / "x.csv", 3)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "x.npy"
    before = np.arange(6.0).reshape(3, 2)
    np.save(path, before)

    def full(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"), NpyWriter(path, 1) as writer:
        writer.write_all([np.zeros((1, 2))])
    np.testing.assert_array_equal(np.load(path), before)
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.npy: it is a folder"), NpyWriter(tmp_path / "folder.npy", 1):
        pass
    with pytest.raises(FileNotFoundError, match="there is no folder .*none; make it first"):
        NpyWriter(tmp_path / "none" / "x.npy", 1).__enter__()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder.npy", "x.npy"]
