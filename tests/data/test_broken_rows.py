"""What is broken in storage says so, where it can before any training."""

from __future__ import annotations

import multiprocessing
import os
import signal

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from storage import PICTURES, TABLE, Items, N, drawn, images, npy, parquet

from latente import Autoencoder, AutoencoderClassifier
from latente.anomaly import AnomalyDetector
from latente.data import ArrayRows, StoredRowsChanged, StreamSource, as_rows, decide, open_rows
from latente.data.blocks import LargeBlockWarning


def test_a_file_that_was_cut_off(tmp_path):
    content = npy(tmp_path).read_bytes()
    (tmp_path / "x.npy").write_bytes(content[:-10])
    with pytest.raises(ValueError, match=r"cannot read .*x\.npy"):
        open_rows(tmp_path / "x.npy")


@pytest.mark.parametrize("how", ["shorter", "longer", "gone", "newer"])
def test_a_file_that_changes_between_passes(tmp_path, how):
    path = npy(tmp_path)
    rows = open_rows(path)
    source = StreamSource(rows, decide(rows))
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"shorter": content[:-100], "longer": content + b"x", "newer": content}[how])
        os.utime(path, ns=(1, 1))
    with pytest.raises(StoredRowsChanged, match="changed since|is gone since"):
        next(source.batches(10))
    if how == "shorter":
        with pytest.raises(StoredRowsChanged, match=r"ended at row 7\d of 83: it was shortened"):
            rows.read(0, N)


def test_a_parquet_file_that_is_damaged(tmp_path):
    path = parquet(tmp_path)
    content = bytearray(path.read_bytes())
    content[300:700] = b"\xff" * 400
    path.write_bytes(content)
    rows = open_rows(path)  # its footer is as it was
    with pytest.raises(ValueError, match=r"cannot read rows \d+ to \d+ of .*x\.parquet"):
        decide(rows)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cannot read .*x\.parquet"):
        open_rows(path)


def test_files_of_different_columns(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for name in "ab":
        pq.write_table(pa.table({name: [1.0, 2.0]}), tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet has other columns or types than .*a\.parquet"):
        open_rows(tmp_path)


def test_parquet_files_in_subfolders(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for year in (2, 1):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"a": [float(year), 2.5]}), tmp_path / f"year={year}" / "part.parquet")
    np.testing.assert_array_equal(open_rows(tmp_path).read(0, 4), [[1.0], [2.5], [2.0], [2.5]])
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "year=1" / "x.png")
    assert open_rows(tmp_path).shape == (1, 4, 4)  # pictures, with a table somewhere among them


def test_columns_that_are_not_numbers_are_named(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": [1, 2], "town": ["x", "y"]}), tmp_path / "x.parquet")
    with pytest.raises(TypeError, match=r"x\.parquet: columns that are not numbers: 'town' \(string\)\. Drop them"):
        open_rows(tmp_path / "x.parquet")


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_estimators_name_the_file_with_such_columns(tmp_path, name):
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0], "town": ["x", "y", "z"]})
    (frame.write_csv if name == "x.csv" else frame.write_parquet)(tmp_path / name)
    for model in (Autoencoder(1), AnomalyDetector(), AutoencoderClassifier()):
        with pytest.raises(TypeError, match=rf"{name}: columns that are not numbers: 'town'"):
            model.fit(tmp_path / name, [0, 1, 1])


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_missing_integers_become_nan_and_are_found(tmp_path, kind):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    from pyarrow import feather

    table = pa.table({"a": [1, 2, 3], "b": [True, False, True], "c": [1, None, 3]})
    path = tmp_path / f"x.{kind}"
    pq.write_table(table, path) if kind == "parquet" else feather.write_feather(table, str(path))
    rows = open_rows(path)
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows.read(0, 3), [[1, 1, 1], [2, 0, np.nan], [3, 1, 3]])
    with pytest.raises(ValueError, match="1 NaN and 0 infinite values, the first at row 1, column 'c'"):
        decide(rows)


def test_an_image_that_is_broken_in_the_middle(tmp_path):
    folder = images(tmp_path)
    file = folder / "040.png"
    file.write_bytes(file.read_bytes()[:60])
    rows = open_rows(folder)
    with pytest.raises(ValueError, match=r"cannot read the image .*040\.png"):
        drawn(StreamSource(rows, decide(ArrayRows(PICTURES))), 10)
    Image.fromarray(PICTURES[0, :5]).save(file)
    with pytest.raises(ValueError, match=r"040\.png: it has shape \(5, 7\), not \(6, 7\) as its header said"):
        rows.read(0, N)
    file.unlink()
    with pytest.raises(StoredRowsChanged, match=r"040\.png is gone"):
        rows.read(0, N)


def test_zarr_groups_and_missing_chunks(tmp_path):
    module = pytest.importorskip("zarr")
    group = module.open_group(str(tmp_path / "g.zarr"), mode="w")
    group.create_array("X", data=TABLE, chunks=(10, 5))
    group.create_array("other", data=TABLE)
    np.testing.assert_array_equal(open_rows(tmp_path / "g.zarr").read(7, 23), TABLE[7:23])
    both = module.open_group(str(tmp_path / "h.zarr"), mode="w")
    both.create_array("a", data=TABLE)
    both.create_array("b", data=TABLE)
    with pytest.raises(ValueError, match="holds the arrays a, b; keep one"):
        open_rows(tmp_path / "h.zarr")
    chunk = max((tmp_path / "g.zarr" / "X" / "c").rglob("*"), key=lambda p: p.is_file())
    chunk.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"cannot read rows \d+ to \d+ of .*g\.zarr"):
        decide(open_rows(tmp_path / "g.zarr"))


class Odd(Items):
    def __getitem__(self, index):
        return np.zeros(5 if index < 50 else 6, np.float32)


class Words(Items):
    def __getitem__(self, index):
        return {"image": self.array[index]} if len(self) == N else "word"


def test_data_sets_whose_items_do_not_fit():
    with pytest.raises(
        ValueError, match=r"item 50 of Odd has shape \(6,\) and dtype float32, but the first one \(5,\)"
    ):
        open_rows(Odd(TABLE)).read(0, N)
    with pytest.raises(TypeError, match="item 0 of Words is a dictionary with 'image'; wrap"):
        open_rows(Words(TABLE))
    with pytest.raises(TypeError, match="item 0 of Words is a str; needed: an array"):
        open_rows(Words(TABLE[:5]))
    with pytest.raises(ValueError, match="Items is empty"):
        open_rows(Items(TABLE[:0]))


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield torch.zeros(3)


def test_what_cannot_be_streamed(tmp_path):
    with pytest.raises(TypeError, match="Endless is an iterable data set.*NpyWriter"):
        open_rows(Endless())
    for X in (TABLE, [[1.0]], torch.zeros(3, 3)):
        with pytest.raises(TypeError, match="is in memory already; give it to fit as it is"):
            open_rows(X)
    for use in (open_rows, as_rows):
        with pytest.raises(TypeError, match=r"X is a DataLoader, which has .*give its data set, X\.dataset"):
            use(torch.utils.data.DataLoader(Items(TABLE)))
        with pytest.raises(TypeError, match="X is a generator, which can be gone through once only.*NpyWriter"):
            use(row for row in TABLE)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"cannot read .*x\.csv in pieces; known: \.npy"):
        open_rows(tmp_path / "x.csv")
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        open_rows(tmp_path / "nothing.npy")
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    with pytest.raises(TypeError, match=r"words\.npy must hold numbers; got dtype <U1"):
        open_rows(tmp_path / "words.npy")
    np.save(tmp_path / "empty.npy", np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"empty\.npy has shape \(0, 3\)"):
        open_rows(tmp_path / "empty.npy")
    np.save(tmp_path / "number.npy", np.float32(3))
    with pytest.raises(ValueError, match=r"number\.npy holds a single number"):
        open_rows(tmp_path / "number.npy")


class Signalled(Items):
    """Item 7 sends SIGINT, item 9 SIGKILL to the process that fetches it, unless that is the test's own."""

    def __getitem__(self, index):
        if index in (7, 9) and multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGINT if index == 7 else signal.SIGKILL)
        return super().__getitem__(index)


def test_workers_leave_ctrl_c_to_the_training_process_and_their_death_is_explained():
    stream = open_rows(Signalled(TABLE), workers=1)
    np.testing.assert_array_equal(stream.read(5, 9), TABLE[5:9])
    with pytest.raises(RuntimeError, match='items of Signalled ended.*if __name__ == "__main__":'):
        stream.read(8, 11)
    np.testing.assert_array_equal(stream.read(0, 8), TABLE[:8])


def test_large_blocks_are_warned_about(tmp_path, monkeypatch):
    monkeypatch.setattr("latente.data.blocks.LARGE", 100)
    with pytest.warns(LargeBlockWarning, match="blocks of up to 0 MB.*row_group_size"):
        open_rows(parquet(tmp_path))
