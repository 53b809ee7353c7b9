"""Every kind of storage through the same properties: what is read in pieces is what was stored."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from latente.data import ArrayRows, StoredRowsChanged, StreamSource, as_rows, decide, open_rows
from latente.data.blocks import LargeBlockWarning
from latente.data.npy import MemmapRows, NpyRows

N = 83
TABLE = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
TABLE[:, 0] = np.arange(N)
PICTURES = np.random.default_rng(1).integers(0, 256, (N, 6, 7), dtype=np.uint8)
PICTURES[:, 0, 0] = np.arange(N)
NAMES = [f"column {i}" for i in range(5)]


class Items(torch.utils.data.Dataset):
    """Items as tensors, with a label."""

    def __init__(self, array):
        self.array = array

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        return torch.from_numpy(self.array[index].copy()), 3


class ManyItems(Items):
    """Asked for several at once."""

    def __getitems__(self, index):
        return list(self.array[index])


def npy(folder):
    np.save(folder / "x.npy", TABLE)
    return folder / "x.npy"


def memmap(folder):
    return np.load(npy(folder), mmap_mode="r")


def sliced_memmap(folder):
    np.save(folder / "long.npy", np.concatenate([PICTURES[:11], PICTURES, PICTURES[:2]]))
    return np.load(folder / "long.npy", mmap_mode="r")[11:-2]


def strided_memmap(folder):
    wide = np.zeros((2 * N, 9), np.float32)
    wide[::2, 2:7] = TABLE
    np.save(folder / "wide.npy", wide)
    return np.load(folder / "wide.npy", mmap_mode="r")[::2, 2:7]


def fortran(folder):
    np.save(folder / "f.npy", np.asfortranarray(TABLE))
    return folder / "f.npy"


def changed_memmap(folder):
    other = np.load(npy(folder), mmap_mode="c")
    np.save(folder / "zero.npy", np.zeros_like(TABLE))
    own = np.load(folder / "zero.npy", mmap_mode="c")
    own[:] = other  # in memory only
    return own


def raw_memmap(folder):
    """A map without a header, at an offset that is no multiple of a page."""
    (folder / "raw.bin").write_bytes(b"x" * 5003 + TABLE.tobytes())
    return np.memmap(folder / "raw.bin", np.float32, "r", 5003, TABLE.shape)


def parquet(folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(list(TABLE.T), names=NAMES), folder / "x.parquet", row_group_size=9)
    return folder / "x.parquet"


def parquet_folder(folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (folder / "parts").mkdir()
    for i, part in enumerate(np.array_split(TABLE, 3)):
        pq.write_table(pa.table(list(part.T), names=NAMES), folder / "parts" / f"{i}.parquet", row_group_size=10)
    return folder / "parts"


def arrow(folder):
    pa = pytest.importorskip("pyarrow")
    feather = pytest.importorskip("pyarrow.feather")
    feather.write_feather(pa.table(list(TABLE.T), names=NAMES), str(folder / "x.feather"), chunksize=7)
    return folder / "x.feather"


def zarr(folder):
    module = pytest.importorskip("zarr")
    module.create_array(str(folder / "x.zarr"), data=PICTURES, chunks=(8, 3, 7))
    return folder / "x.zarr"


def zarr_object(folder):
    module = pytest.importorskip("zarr")
    return module.create_array({}, data=TABLE, chunks=(10, 5))


class Hdf5:
    """What an HDF5 data set looks like: sliced, in chunks or in none."""

    def __init__(self, array, chunks):
        self.array, self.chunks = array, chunks
        self.shape, self.dtype, self.name = array.shape, array.dtype, "/x"

    def __getitem__(self, index):
        assert isinstance(index, slice)
        return self.array[index]


Hdf5.__module__ = "h5py._hl.dataset"


def sliced(folder):
    return Hdf5(TABLE, None)


def images(folder):
    for i, picture in enumerate(PICTURES):
        Image.fromarray(picture).save(folder / f"{i:03d}.png")
    return folder


def dataset(folder):
    return Items(TABLE)


def dataset_of_many(folder):
    return ManyItems(PICTURES)


KINDS = [npy, memmap, sliced_memmap, strided_memmap, fortran, changed_memmap, raw_memmap, parquet, parquet_folder,
         arrow, zarr, zarr_object, sliced, images, dataset, dataset_of_many]  # fmt: skip


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def stored(request, tmp_path):
    """Rows of each kind, and the array that they hold."""
    rows = open_rows(request.param(tmp_path))
    return rows, (TABLE if rows.ndim == 2 else PICTURES)


@pytest.fixture
def source(stored):
    """A stream of them with small buffers, and the scaled samples in memory."""
    rows, array = stored
    schema = decide(rows)
    source = StreamSource(rows, schema, buffer_bytes=20 * rows.row_bytes)
    return source, schema.prepare(schema.ingest(array)).numpy()


def drawn(source, *args):
    batches = list(source.batches(*args))
    return [batch.x.numpy() for batch in batches]


def which(samples, wanted):
    """The indices of samples in the whole; each is there exactly once."""
    keys = {row.tobytes(): i for i, row in enumerate(wanted)}
    return [keys[row.tobytes()] for row in np.ascontiguousarray(samples)]


def test_what_is_read_is_what_was_stored(stored):
    rows, array = stored
    assert (rows.shape, rows.dtype, len(rows), rows.ndim) == (array.shape, array.dtype, N, array.ndim)
    assert rows.columns in (None, tuple(NAMES))
    for start, stop in [(0, N), (0, 1), (N - 1, N), (5, 40), (17, 18), (8, 16)]:
        np.testing.assert_array_equal(rows.read(start, stop), array[start:stop])
    ranges = np.array([[40, 50], [0, 3], [3, 4], [80, N]])
    np.testing.assert_array_equal(rows.gather(ranges), np.concatenate([array[a:b] for a, b in ranges]))
    np.testing.assert_array_equal(rows.take(np.array([5, 2, 82])), array[[5, 2, 82]])
    edges = rows.edges()
    assert (edges[0], edges[-1]) == (0, N)
    assert (np.diff(edges) > 0).all()
    pieces = list(rows.chunks())
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), array)
    assert type(rows).__name__ in repr(rows)


def test_a_random_sample_is_without_repetition(stored):
    rows, array = stored
    np.testing.assert_array_equal(rows.sample(N), array)
    some = which(rows.sample(30, seed=1), array)
    assert len(set(some)) == 30
    assert some == sorted(some)
    assert some != which(rows.sample(30, seed=2), array)


def test_rows_survive_pickling(stored):
    rows, array = stored
    if isinstance(rows, MemmapRows) or rows.name == "/x":
        pytest.skip("a map that cannot be read from its file is copied whole")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rows)).read(3, 20), array[3:20])


def test_an_epoch_has_every_sample_once_in_the_order_of_its_seed(source):
    source, wanted = source
    np.testing.assert_array_equal(np.concatenate(drawn(source, 10)), wanted)  # in order without a seed
    orders = []
    for shuffle in (3, 3, 4):
        batches = drawn(source, 10, shuffle)
        assert {len(batch) for batch in batches} <= {9, 10}
        orders.append(which(np.concatenate(batches), wanted))
        assert sorted(orders[-1]) == list(range(N))
    assert orders[0] == orders[1]
    assert orders[1] != orders[2]
    moved = np.abs(np.array(orders[0]) - np.arange(N))
    assert moved.mean() > 10  # 28 in a uniformly random order


@pytest.mark.parametrize("start", [0, 1, 4, 8, 9, 20])
def test_a_pass_is_taken_up_where_it_stopped(source, start):
    source, _ = source
    for shuffle in (None, 7):
        whole, rest = drawn(source, 10, shuffle), drawn(source, 10, shuffle, start)
        assert len(rest) == max(0, len(whole) - start)
        for a, b in zip(whole[start:], rest, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_shards_share_every_sample_and_take_as_many_steps(source, world_size):
    source, wanted = source
    shards = [source.shard(rank, world_size) for rank in range(world_size)]
    for args in [(4, None), (4, 5), (1000, 5)]:
        batches = [drawn(shard, *args) for shard in shards]
        assert len({len(steps) for steps in batches}) == 1
        assert min(len(batch) for steps in batches for batch in steps) > 0
        seen = which(np.concatenate([batch for steps in batches for batch in steps]), wanted)
        assert sorted(seen) == list(range(N))
        assert all(len(shard) == N for shard in shards)
        again = drawn(shards[-1], *args, 1)
        assert which(np.concatenate([wanted[:0], *again]), wanted) == which(
            np.concatenate([wanted[:0], *batches[-1][1:]]), wanted
        )
    with pytest.raises(ValueError, match="84 processes cannot share 83 samples"):
        source.shard(0, 84)


@pytest.mark.parametrize("fraction", [0.001, 0.3, 0.999])
def test_a_split_is_a_partition(source, fraction):
    source, wanted = source
    kept, held = source.split(fraction, 0)
    assert len(held) == min(N - 1, max(1, round(fraction * N)))
    parts = [which(np.concatenate(drawn(part, 6, 1)), wanted) for part in (kept, held)]
    assert sorted(parts[0] + parts[1]) == list(range(N))
    again = source.split(fraction, 0)[1], source.split(fraction, 1)[1]
    seen = [which(np.concatenate(drawn(part, 6)), wanted) for part in again]
    assert seen[0] == sorted(parts[1])
    assert seen[1] != seen[0]
    assert sorted(which(np.concatenate(drawn(kept.shard(0, 1), 6)), wanted)) == sorted(parts[0])


def test_stopping_early_leaves_no_thread(source):
    source, _ = source
    before = threading.active_count()
    for start in (0, 3):
        for batch in source.batches(4, 1, start):
            assert len(batch.x)
            break
    unstarted = source.batches(4)
    next(itertools.islice(source.batches(4), 5, None))
    del unstarted
    assert threading.active_count() == before


def test_a_target_stays_with_its_sample(stored):
    rows, array = stored
    schema = decide(rows)
    source = StreamSource(rows, schema, ArrayRows(np.arange(N)), buffer_bytes=20 * rows.row_bytes)
    for part in (*source.split(0.4, 0), source.shard(1, 2)):
        for batch in part.batches(7, 2):
            wanted = schema.prepare(schema.ingest(array[batch.target.numpy()]))
            assert torch.equal(batch.x, wanted)
    clean = StreamSource(rows, schema, ArrayRows(array[::-1].copy()), buffer_bytes=20 * rows.row_bytes)
    both = next(clean.batches(N, 3))
    place = which(both.x.numpy(), schema.prepare(schema.ingest(array)).numpy())
    assert torch.equal(both.target, schema.prepare(schema.ingest(array[::-1].copy()))[place])


def test_the_buffer_mixes_many_blocks(tmp_path):
    """Neighbours in a file twenty buffers long end up far apart."""
    np.save(tmp_path / "x.npy", np.arange(20_000.0)[:, None] * [1, 1, 1, 1])
    rows = open_rows(tmp_path / "x.npy")
    source = StreamSource(rows, decide(rows), buffer_bytes=32_000)
    first = np.concatenate(drawn(source, 100, 0)[:10])[:, 0]
    low, high = np.arange(20_000.0)[[0, -1]] / np.arange(20_000.0).std() - np.sqrt(3)
    counts, _ = np.histogram(first, 10, (low - 1e-3, high + 1e-3))
    assert counts.min() > 20  # of 1000, all tenths of the file are in the first buffer: 100 each on average


def test_memory_maps_are_read_from_their_file_where_possible(tmp_path):
    kinds = {make: type(open_rows(make(tmp_path))) for make in KINDS[:7]}
    assert [kinds[make] for make in (npy, memmap, sliced_memmap, raw_memmap)] == [NpyRows] * 4
    assert [kinds[make] for make in (strided_memmap, fortran, changed_memmap)] == [MemmapRows] * 3


def test_worker_processes_fetch_the_same_items():
    rows = open_rows(Items(TABLE), workers=2)
    for ranges in ([[0, N]], [[60, 80], [0, 40]]):  # the same processes twice
        np.testing.assert_array_equal(rows.gather(np.array(ranges)), np.concatenate([TABLE[a:b] for a, b in ranges]))


# What is broken says so


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
    with pytest.raises(TypeError, match=r"columns that are not numbers: 'town' \(string\)\. Drop them"):
        open_rows(tmp_path / "x.parquet")


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
