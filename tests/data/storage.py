"""The same samples in every kind of storage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

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


def drawn(source, *args):
    batches = list(source.batches(*args))
    return [batch.x.numpy() for batch in batches]
