"""What `compress_file` says of the parts of a file is what `describe_file` says of them later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.codec.conftest import write_wav

from latente.codec import compress_file, describe_file

WORDS = np.array(["a", "bc", "def"])[np.random.default_rng(0).integers(0, 3, 500)]


def _npy(path, field):
    np.save(path, field)


def _npz(path, field):
    np.savez(path, field=field, words=WORDS)


def _text(path, field):
    path.write_text("one two three " * 100)


def _wav(path, field):
    write_wav(path, np.random.default_rng(0).integers(-900, 900, (4000, 1)))


def _csv(path, field):
    path.write_text("v,c\n" + "".join(f"{v:.3f},{c}\n" for v, c in zip(field.ravel()[:500], WORDS, strict=True)))


def _parquet(path, field):
    pa = pytest.importorskip("pyarrow")
    values = [None if i % 7 == 0 else float(i) ** 0.5 for i in range(500)]
    table = pa.table({"v": values, "n": np.arange(500), "words": WORDS.tolist(), "b": [True, None] * 250})
    pytest.importorskip("pyarrow.parquet").write_table(table, path, row_group_size=200)


def _nc(path, field):
    with pytest.importorskip("netCDF4").Dataset(path, "w") as file:
        file.createDimension("x", 500)
        file.createVariable("words", str, ("x",))[:] = WORDS.astype(object)
        file.createVariable("v", "f4", ("x",))[:] = field.ravel()[:500]


def _zarr(path, field):
    pytest.importorskip("zarr").create_array(str(path), data=field)


@pytest.mark.parametrize("bound", [{}, {"max_error": 1e-2}])
@pytest.mark.parametrize(
    ("make", "suffix"),
    [(_npy, "npy"), (_npz, "npz"), (_text, "txt"), (_wav, "wav"), (_csv, "csv"), (_parquet, "parquet"), (_nc, "nc"),
     (_zarr, "zarr")],
)  # fmt: skip
def test_a_description_says_the_same_as_the_compression(make, suffix, bound, field, tmp_path):
    path = tmp_path / f"x.{suffix}"
    make(path, np.nan_to_num(field, posinf=0, neginf=0))
    done = compress_file(path, **bound)
    assert done.kind == ("bytes" if suffix == "txt" else "netcdf" if suffix == "nc" else suffix)
    assert describe_file(done.output).parts == tuple(replace(part, largest_error=None) for part in done.parts)
    assert sum(part.compressed_bytes for part in done.parts) < done.compressed_bytes
    assert all(part.original_bytes > 0 for part in done.parts)
