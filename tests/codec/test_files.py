"""Files in general: what they are told to be, bounds, outputs, limits; and .npy and .npz in particular."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

from latente.codec import (
    AlteredError,
    ArrayCodec,
    Bound,
    CodecError,
    Limits,
    NewerVersionError,
    NotOursError,
    TooLargeError,
    compress_file,
    decompress_file,
    describe_file,
    pack,
)

RNG = np.random.default_rng(0)
ARRAYS = {
    "float64": RNG.normal(size=(7, 11)).cumsum(0),
    "float32": RNG.normal(size=200).astype(np.float32),
    "float16": RNG.normal(size=(5, 6)).astype(np.float16),
    "int64": RNG.integers(-(2**62), 2**62, 50),
    "uint8": RNG.integers(0, 255, (9, 4, 3)).astype(np.uint8),
    "bool": RNG.random((6, 5)) > 0.5,
    "complex": (RNG.normal(size=(4, 5)) + 1j * RNG.normal(size=(4, 5))).astype(np.complex64),
    "big-endian": np.arange(20, dtype=">f8").reshape(4, 5),
    "fortran": np.asfortranarray(RNG.normal(size=(6, 7, 3))),
    "dates": np.array(["2020-01-01", "NaT", "1969-12-31"], "M8[D]"),
    "text": np.array(["a", "größe", ""]),
    "records": np.array([(1, 2.5), (3, 4.5)], [("a", "<i4"), ("b", "<f8")]),
    "scalar": np.float64(3.25),
    "empty": np.zeros((0, 4), np.float32),
    "zeros": np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("arrays")


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("block_bytes", [1 << 25, 1 << 16])
def test_npy_without_loss_is_the_file_bit_by_bit(name, block_bytes, tmp_path):
    np.save(tmp_path / "x.npy", ARRAYS[name])
    before = (tmp_path / "x.npy").read_bytes()
    done = compress_file(tmp_path / "x.npy", lossless=True, block_bytes=block_bytes)
    again = decompress_file(done.output, tmp_path / "again.npy")
    assert again.output.read_bytes() == before == (tmp_path / "x.npy").read_bytes()
    assert again.exact
    assert done.original_bytes == len(before)
    assert done.compressed_bytes == done.output.stat().st_size


@pytest.mark.parametrize("name", ["float64", "float32", "float16", "uint8", "complex", "big-endian", "fortran"])
@pytest.mark.parametrize(("how", "share"), [({"max_error": 0.01}, 0.01), ({"quality": 0.25}, 0.01)])
def test_npy_within_a_share_of_the_range(name, how, share, tmp_path):
    values = ARRAYS[name]
    np.save(tmp_path / "x.npy", values)
    done = compress_file(tmp_path / "x.npy", **how)
    again = np.load(decompress_file(done.output, tmp_path / "again.npy").output)
    assert (again.dtype, again.shape, again.flags.f_contiguous) == (
        values.dtype, values.shape, values.flags.f_contiguous,
    )  # fmt: skip
    parts = [values.real, values.imag] if name == "complex" else [values]
    found = [again.real, again.imag] if name == "complex" else [again]
    span = np.max([p.max() for p in parts]).astype(float) - np.min([p.min() for p in parts]).astype(float)
    largest = max(np.abs(a.astype(float) - b.astype(float)).max() for a, b in zip(parts, found, strict=True))
    assert largest <= share * span
    assert done.largest_error == pytest.approx(largest)


def test_bounds_hold_and_nothing_special_is_lost(field, tmp_path):
    np.save(tmp_path / "x.npy", field)
    finite = np.isfinite(field)
    span = float(np.ptp(field[finite].astype(float)))
    for how, limit in (
        ({"max_error": 1e-3}, 1e-3 * span), ({"max_error": 0.25, "relative": False}, 0.25), ({"max_error": 0}, 0),
    ):  # fmt: skip
        done = compress_file(tmp_path / "x.npy", overwrite=True, **how)
        again = np.load(decompress_file(done.output, tmp_path / "y.npy", overwrite=True).output)
        assert np.abs(again[finite].astype(float) - field[finite].astype(float)).max() <= limit
        np.testing.assert_array_equal(again[~finite].view(np.uint32), field[~finite].view(np.uint32))


@pytest.mark.parametrize("block_bytes", [1 << 25, 1 << 16])
def test_mean_squared_errors_hold(block_bytes, tmp_path):
    values = np.cumsum(RNG.normal(size=(300, 200)), axis=0)
    np.save(tmp_path / "x.npy", values)
    for how, top in (({"psnr": 55}, np.ptp(values) ** 2), ({"snr": 40}, np.square(values).mean())):
        done = compress_file(tmp_path / "x.npy", overwrite=True, block_bytes=block_bytes, **how)
        again = np.load(decompress_file(done.output, tmp_path / "y.npy", overwrite=True).output)
        mse = np.square(again - values).mean()
        assert 10 * np.log10(top / mse) >= next(iter(how.values()))
        assert mse > 0
        assert done.ratio > 4


def test_blocks_are_coded_alike_and_in_any_shape(tmp_path):
    for shape in ((1000, 30), (3, 40_000), (2, 3, 5000), (100_000,), (2, 2, 70_000)):
        values = np.cumsum(RNG.normal(size=shape), axis=-1).astype(np.float32)
        np.save(tmp_path / "x.npy", values)
        done = compress_file(tmp_path / "x.npy", max_error=1e-3, overwrite=True, block_bytes=1 << 16)
        again = np.load(decompress_file(done.output, tmp_path / "y.npy", overwrite=True).output)
        assert np.abs(again - values).max() <= 1e-3 * np.ptp(values.astype(float))
        part = describe_file(done.output).parts[0]
        assert "blocks)" in part.method
        assert part.original_bytes == values.nbytes


def test_npz_keeps_members_names_and_order(tmp_path):
    np.savez(tmp_path / "x.npz", **ARRAYS, objects=np.array([1, "a", None], object))
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.writestr("notes.txt", "kept, too")
    done = compress_file(tmp_path / "x.npz")
    again = decompress_file(done.output, tmp_path / "y.npz").output
    with zipfile.ZipFile(tmp_path / "x.npz") as a, zipfile.ZipFile(again) as b:
        assert a.namelist() == b.namelist()
        assert all(a.read(name) == b.read(name) for name in a.namelist())
        assert [i.date_time for i in a.infolist()] == [i.date_time for i in b.infolist()]
    assert any("objects.npy is kept byte by byte" in note for note in done.notes)
    loose = compress_file(tmp_path / "x.npz", tmp_path / "z.lat", max_error=0.1, columns={"float64": 0})
    with np.load(decompress_file(loose.output, tmp_path / "z.npz").output) as found:
        np.testing.assert_array_equal(found["float64"], ARRAYS["float64"])
        assert 0 < np.abs(found["float32"] - ARRAYS["float32"]).max() <= 0.1 * np.ptp(ARRAYS["float32"])
        np.testing.assert_array_equal(found["dates"], ARRAYS["dates"])


def test_compressed_npz_with_a_bound(tmp_path, field):
    np.savez_compressed(tmp_path / "x.npz", a=field, b=field[0])
    done = compress_file(tmp_path / "x.npz", max_error=1e-2)
    with np.load(decompress_file(done.output, tmp_path / "y.npz").output) as found:
        assert list(found) == ["a", "b"]
        finite = np.isfinite(field)
        assert np.abs(found["a"][finite] - field[finite]).max() <= 1e-2 * np.ptp(field[finite].astype(float))
    assert done.kind == "npz"


@pytest.mark.parametrize("content", [b"", b"x", b"again " * 5000, bytes(range(256)) * 50, os.urandom(4096)])
def test_anything_else_is_kept_byte_by_byte(content, tmp_path):
    (tmp_path / "thing.bin").write_bytes(content)
    done = compress_file(tmp_path / "thing.bin", max_error=0.5, block_bytes=1 << 16)
    assert done.kind == "bytes"
    assert decompress_file(done.output, tmp_path / "again").output.read_bytes() == content
    assert done.parts[0].bound == "exact"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', ", "header cannot be read"),
        ("short.npy", None, "where its header says"),
        ("wrong.npz", b"PK\x03\x04nothing of the kind", "list of members cannot be read"),
        ("ragged.csv", b"a,b\n1\n2,3,4\n", "different numbers of cells"),
        ("wrong.parquet", b"PAR1 nothing of the kind", "pyarrow cannot read it"),
        ("wrong.wav", b"RIFF\x10\0\0\0WAVEfmt \0\0\0\0", "no samples"),
        ("wrong.nc", b"CDF\x01 nothing of the kind", "NetCDF library cannot read it"),
    ],
)
def test_damaged_files_are_kept_byte_by_byte_and_why(name, content, reason, tmp_path):
    if content is None:
        file = io.BytesIO()
        np.save(file, np.arange(100))
        content = file.getvalue()[:-1]
    (tmp_path / name).write_bytes(content)
    done = compress_file(tmp_path / name, max_error=0.1)
    assert done.kind == "bytes"
    assert reason in done.notes[0]
    assert decompress_file(done.output, tmp_path / "again").output.read_bytes() == content


def test_an_array_stream_in_a_file_becomes_npy(tmp_path):
    values = np.arange(60.0).reshape(5, 12)
    (tmp_path / "x.npy.lat").write_bytes(ArrayCodec(max_error=0).encode(values))
    again = decompress_file(tmp_path / "x.npy.lat")
    np.testing.assert_array_equal(np.load(again.output), values)
    assert again.exact
    assert describe_file(tmp_path / "x.npy.lat").original_bytes == values.nbytes


def test_outputs(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(100.0))
    done = compress_file(tmp_path / "x.npy")
    assert done.output == tmp_path / "x.npy.lat"
    with pytest.raises(FileExistsError, match="exists; ask for overwrite"):
        compress_file(tmp_path / "x.npy")
    with pytest.raises(FileExistsError, match="exists; ask for overwrite"):
        decompress_file(done.output)
    with pytest.raises(ValueError, match="is the source itself"):
        compress_file(tmp_path / "x.npy", tmp_path / "x.npy", overwrite=True)
    with pytest.raises(FileNotFoundError, match="no such file"):
        compress_file(tmp_path / "y.npy")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        compress_file(tmp_path / "x.npy", tmp_path / "no" / "x.lat")
    with pytest.raises(ValueError, match="does not end in .lat; say where"):
        decompress_file(tmp_path / "x.npy")
    with pytest.raises(ValueError, match="is a folder; compress takes files"):
        compress_file(tmp_path, tmp_path.parent / "folder.lat")
    with pytest.raises(FileNotFoundError):
        describe_file(tmp_path / "y.lat")


def test_a_damaged_file_leaves_what_was_there(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(100.0))
    done = compress_file(tmp_path / "x.npy")
    done.output.write_bytes(done.output.read_bytes()[:-20])
    before = (tmp_path / "x.npy").read_bytes()
    with pytest.raises(CodecError):
        decompress_file(done.output, overwrite=True)
    assert (tmp_path / "x.npy").read_bytes() == before
    with pytest.raises(CodecError):
        decompress_file(done.output, tmp_path / "y.npy")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.npy", "x.npy.lat"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"max_error": 0.1, "psnr": 40}, "one bound only; got max_error and psnr"),
        ({"lossless": True, "quality": 0.5}, "one bound only"),
        ({"max_error": -1}, "at least 0; got -1"),
        ({"max_error": float("nan")}, "finite number"),
        ({"quality": 1.5}, "at most 1; got 1.5"),
        ({"psnr": "high"}, "finite number"),
        ({"columns": {"x": 0.1}}, "a bound is stated for 'x', but the file has no columns"),
        ({"block_bytes": 10}, "block_bytes must be an integer from 65,536"),
    ],
)
def test_bounds_that_make_no_sense(how, message, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(100.0))
    with pytest.raises(ValueError, match=message):
        compress_file(tmp_path / "x.npy", **how)
    assert not (tmp_path / "x.npy.lat").exists()


def test_names_in_bounds_are_checked(tmp_path):
    np.savez(tmp_path / "x.npz", height=np.arange(9.0))
    with pytest.raises(ValueError, match="its members are 'height'. Did you mean 'height'"):
        compress_file(tmp_path / "x.npz", columns={"heigth": 0.1})


def test_limits_are_checked_before_anything_is_allocated(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1000, 1000)))
    done = compress_file(tmp_path / "x.npy")
    assert done.compressed_bytes < 1000
    tracemalloc.start()
    for limits, message in (
        (Limits(output_bytes=7_999_999), "output_bytes"),
        (Limits(decoded_bytes=10**6), "decoded_"),
    ):
        with pytest.raises(TooLargeError, match=message):
            decompress_file(done.output, tmp_path / "y.npy", limits=limits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    decompress_file(done.output, tmp_path / "y.npy", limits=Limits(output_bytes=8_000_128))


def test_memory_stays_within_a_few_blocks(tmp_path):
    """Of opaque values, since numbers are coded in as much memory and more slowly."""
    values = np.frombuffer(RNG.bytes(8 << 20), "S16")
    np.save(tmp_path / "x.npy", values)
    tracemalloc.start()
    done = compress_file(tmp_path / "x.npy", max_error=1e-2, block_bytes=1 << 18)
    _, packing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    decompress_file(done.output, tmp_path / "y.npy")
    _, unpacking = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(packing, unpacking) < 8 * (1 << 18)
    assert (tmp_path / "y.npy").read_bytes() == (tmp_path / "x.npy").read_bytes()


def test_headers_that_make_no_sense(tmp_path):
    sound = {"size": 80, "block": 1 << 20, "array": {"dtype": "<f8", "shape": [10]}}
    for change in (
        {"array": {}}, {"array": {"dtype": "O", "shape": [1]}}, {"array": {"dtype": "<f8", "shape": [-1]}},
        {"array": {"dtype": "<f8", "shape": [1 << 40, 1 << 40]}}, {"array": {"dtype": "<f8", "shape": [True]}},
        {"block": 0}, {"block": "x"}, {"bound": 7}, {"bound": ["relative", -1]}, {"bound": ["x", 1]}, {"start": -1},
    ):  # fmt: skip
        (tmp_path / "x.lat").write_bytes(pack("npy", sound | change, {"start": b"\0", "0/0": b"\0" + bytes(80)}))
        with pytest.raises(AlteredError):
            decompress_file(tmp_path / "x.lat", tmp_path / "y")
    (tmp_path / "x.lat").write_bytes(pack("hologram", {}, {}))
    with pytest.raises(NewerVersionError, match="kind 'hologram'"):
        decompress_file(tmp_path / "x.lat", tmp_path / "y")
    (tmp_path / "x.lat").write_bytes(pack("array-codec", {}, {}))
    with pytest.raises(NotOursError, match="what fit learned"):
        decompress_file(tmp_path / "x.lat", tmp_path / "y")
    (tmp_path / "x.lat").write_bytes(pack("npy", sound, {"0/0": b"\0" + bytes(80)}))
    assert np.load(decompress_file(tmp_path / "x.lat", tmp_path / "y").output).tolist() == [0.0] * 10


def test_another_process_reads_the_same(field, tmp_path):
    np.save(tmp_path / "x.npy", field)
    done = compress_file(tmp_path / "x.npy", max_error=1e-3)
    decompress_file(done.output, tmp_path / "y.npy")
    code = (
        f"from latente.codec import decompress_file; decompress_file({str(done.output)!r}, {str(tmp_path / 'z.npy')!r})"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    assert (tmp_path / "y.npy").read_bytes() == (tmp_path / "z.npy").read_bytes()


def test_bounds_as_values():
    assert Bound.of() == Bound("lossless", 0.0)
    assert Bound.of(max_error=0.5, relative=False).mode == "absolute"
    assert Bound("relative", 0.1).target(0, 0, 0).exact  # no range
    assert Bound("psnr", 20).target(0, 10, 1).mse == pytest.approx(1)
    assert Bound("snr", 20).target(0, 10, 4).mse == pytest.approx(0.04)
    assert str(Bound("quality", 0.5)) == "quality 0.5 (error of at most 0.001 of the range)"
    with pytest.raises(ValueError, match="mode must be one of"):
        Bound("loose", 1)


def test_the_four_real_arrays(latente_data, tmp_path):
    for path in sorted((latente_data / "arrays").glob("*.npy")):
        exact = compress_file(path, tmp_path / "a.lat", overwrite=True)
        assert (
            decompress_file(exact.output, tmp_path / "a.npy", overwrite=True).output.read_bytes() == path.read_bytes()
        )
        values = np.load(path)
        finite = np.isfinite(values)
        span = float(np.ptp(values[finite].astype(float)))
        done = compress_file(path, tmp_path / "b.lat", max_error=1e-3, overwrite=True)
        again = np.load(decompress_file(done.output, tmp_path / "b.npy", overwrite=True).output)
        assert np.abs(again[finite].astype(float) - values[finite]).max() <= 1e-3 * span
        np.testing.assert_array_equal(np.isnan(again), np.isnan(values))
        assert done.ratio > 2 * exact.ratio > 2 or exact.ratio > 5


@pytest.mark.parametrize("what", ["link", "pipe"])
def test_links_and_devices_are_never_replaced(tmp_path, what):
    source, out = tmp_path / "a.txt", tmp_path / "out.lat"
    source.write_text("text")
    out.symlink_to(tmp_path / "elsewhere") if what == "link" else os.mkfifo(out)
    with pytest.raises(FileExistsError, match="no regular file"):
        compress_file(source, out, overwrite=True)
    assert out.is_symlink() or out.is_fifo()
