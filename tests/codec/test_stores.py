"""NetCDF and Zarr, held against xarray, which reads both in its own way."""

from __future__ import annotations

import json

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

from latente.codec import AlteredError, CodecError, Limits, compress_file, decompress_file, describe_file, pack
from latente.codec.files.exact import pack_bytes

FORMATS = ("NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA")
RNG = np.random.default_rng(0)
T = (280 + 10 * np.sin(np.arange(12)[:, None, None] / 3) + np.cumsum(RNG.normal(size=(12, 18, 20)), axis=2)).astype(
    "f4"
)


def write_netcdf(path, model: str) -> None:
    with netCDF4.Dataset(path, "w", format=model) as data:
        data.title, data.num, data.vec, data.empty = "größe", np.int16(3), np.array([1.5, 2.5], "f4"), ""
        for name, size in (("time", None), ("lat", 18), ("lon", 20), ("unused", 5), ("nv", 2)):
            data.createDimension(name, size)
        time = data.createVariable("time", "f8", ("time",))
        time.units, time.bounds = "hours since 1970-01-01", "time_bnds"
        time[:] = np.arange(12)
        data.createVariable("time_bnds", "f8", ("time", "nv"))[:] = np.arange(24).reshape(12, 2)
        how = {"zlib": True, "chunksizes": (1, 18, 20)} if model.startswith("NETCDF4") else {}
        t = data.createVariable("t", "f4", ("time", "lat", "lon"), fill_value=np.float32(1e20), **how)
        t.set_auto_maskandscale(False)
        t.units, t.coordinates = "K", "area"
        t[:] = np.where(T > 292, np.float32(1e20), T)
        packed = data.createVariable("packed", "i2", ("time", "lat", "lon"), fill_value=np.int16(-32768))
        packed.scale_factor, packed.add_offset = 0.01, 273.15
        packed[:] = np.ma.masked_where(T < 270, T)
        data.createVariable("area", "f8", ("lat", "lon"))[:] = RNG.normal(size=(18, 20))
        data.createVariable("flag", "i1", ("lat", "lon"))[:] = RNG.random((18, 20)) > 0.5
        data.createVariable("crs", "i4", ())[...] = 7
        data.createVariable("label", "S1", ("lat", "nv"))[:] = np.array([list(f"{i:02d}") for i in range(18)], "S1")
        if model == "NETCDF4":
            names = data.createVariable("names", str, ("lat",))
            names[:] = np.array([f"n{i}é" for i in range(18)], object)
            group = data.createGroup("sub")
            group.note = "in a group"
            group.createDimension("k", 3)
            q = group.createVariable("q", ">f8", ("k", "lat"), endian="big")
            q[:] = RNG.normal(size=(3, 18))
            q.setncattr_string("s", "text")
            data.createVariable("u8", "u8", ("lat",))[:] = 2**63 + np.arange(18, dtype=np.uint64)


def opened(path, group=None) -> xr.Dataset:
    with xr.open_dataset(path, decode_cf=False, group=group) as data:
        return data.load()


@pytest.mark.parametrize("model", FORMATS)
def test_netcdf_without_loss(model, tmp_path):
    write_netcdf(tmp_path / "x.nc", model)
    done = compress_file(tmp_path / "x.nc", lossless=True)
    again = decompress_file(done.output, tmp_path / "y.nc").output
    assert (done.kind, done.notes) == ("netcdf", ())
    for group in ["/", "/sub"] if model == "NETCDF4" else ["/"]:
        a, b = opened(tmp_path / "x.nc", group), opened(again, group)
        xr.testing.assert_identical(a, b)
        assert {k: v.dtype for k, v in a.variables.items()} == {k: v.dtype for k, v in b.variables.items()}
        for name, variable in a.variables.items():
            if variable.dtype != object:
                assert variable.values.tobytes() == b[name].values.tobytes()
    with netCDF4.Dataset(tmp_path / "x.nc") as a, netCDF4.Dataset(again) as b:
        assert a.data_model == b.data_model
        assert a["t"].chunking() == b["t"].chunking()
        assert [(n, len(d), d.isunlimited()) for n, d in a.dimensions.items()] == [
            (n, len(d), d.isunlimited()) for n, d in b.dimensions.items()
        ]


@pytest.mark.parametrize("model", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_netcdf_within_bounds_of_what_is_measured(model, tmp_path):
    write_netcdf(tmp_path / "x.nc", model)
    done = compress_file(tmp_path / "x.nc", max_error=0.1, relative=False, columns={"packed": 0.2})
    again = decompress_file(done.output, tmp_path / "y.nc").output
    a, b = opened(tmp_path / "x.nc"), opened(again)
    kept = a["t"].values == np.float32(1e20)
    np.testing.assert_array_equal(b["t"].values == np.float32(1e20), kept)
    assert 0 < np.abs(a["t"].values - b["t"].values, dtype=float).max() <= 0.1
    missing = a["packed"].values == -32768
    np.testing.assert_array_equal(b["packed"].values == -32768, missing)
    assert 0 < np.abs(a["packed"].values.astype(int) - b["packed"].values)[~missing].max() <= 20  # of 0.01
    for name in ("time", "time_bnds", "area", "flag", "crs", "label"):  # coordinates, bounds of cells, categories
        np.testing.assert_array_equal(a[name].values, b[name].values)
    for name in a.variables:
        assert str(a[name].attrs) == str(b[name].attrs)
    assert "kept exactly: time, time_bnds" in done.notes[0]


def test_the_range_is_that_of_values_that_are_there(tmp_path):
    write_netcdf(tmp_path / "x.nc", "NETCDF4")
    done = compress_file(tmp_path / "x.nc", max_error=1e-2)
    part = next(part for part in done.parts if part.name == "t")
    there = T[T <= 292]
    assert float(part.bound.rpartition(" ")[2]) == pytest.approx(1e-2 * np.ptp(there.astype(float)), rel=1e-5)
    assert {part.name for part in describe_file(done.output).parts} >= {"t", "packed", "names", "/sub/q"}


def test_what_netcdf_does_not_show_is_kept_byte_by_byte(tmp_path):
    import h5py

    write_netcdf(tmp_path / "types.nc", "NETCDF4")
    with netCDF4.Dataset(tmp_path / "types.nc", "a") as data:
        data.createEnumType(np.uint8, "colour", {"red": 1})
    write_netcdf(tmp_path / "more.nc", "NETCDF4")
    with h5py.File(tmp_path / "more.nc", "a") as file:
        file["opaque"] = np.void(b"\0\1\2")
    for name, reason in (("types.nc", "no part of NetCDF"), ("more.nc", "no part of NetCDF")):
        done = compress_file(tmp_path / name, max_error=0.1)
        assert done.kind == "bytes"
        assert reason in done.notes[0]
        assert decompress_file(done.output, tmp_path / "y").output.read_bytes() == (tmp_path / name).read_bytes()
        (tmp_path / "y").unlink()


def test_real_temperatures_in_netcdf(latente_data, tmp_path):
    values = np.load(latente_data / "arrays" / "climate_t_240x37x49.npy")
    data = xr.Dataset({"t": (("time", "lat", "lon"), values, {"units": "K"})}, {"time": np.arange(240.0)})
    data.to_netcdf(tmp_path / "x.nc")
    done = compress_file(tmp_path / "x.nc", max_error=1e-3)
    again = opened(decompress_file(done.output, tmp_path / "y.nc").output)
    assert np.abs(again["t"].values - values).max() <= 1e-3 * np.ptp(values.astype(float))
    assert again["t"].attrs["units"] == "K"
    assert done.ratio > 10


def write_stores(folder, version: int) -> list:
    data = xr.Dataset(
        {"t": (("time", "lat", "lon"), T), "n": ("lat", np.arange(18)), "s": ("lat", [f"x{i}" for i in range(18)])},
        {"time": np.arange(12), "lat": np.linspace(0, 1, 18)}, {"title": "é"},
    )  # fmt: skip
    data.to_zarr(folder / "group.zarr", zarr_format=version)
    one = zarr.create_array(
        folder / "one.zarr", shape=(100, 50), chunks=(30, 20), dtype="f4", zarr_format=version, fill_value=np.nan
    )
    one[:60] = np.cumsum(RNG.normal(size=(60, 50)), axis=0)
    return [folder / "group.zarr", folder / "one.zarr"]


def names_in(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("how", [{}, {"max_error": 1e-3}])
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning", "ignore::zarr.errors.ZarrUserWarning")
def test_zarr(version, how, tmp_path):
    for path in write_stores(tmp_path, version):
        done = compress_file(path, block_bytes=1 << 16, **how)
        again = decompress_file(done.output, tmp_path / f"again-{path.name}").output
        assert names_in(again) == names_in(path)
        metadata = [name for name in names_in(path) if name.rpartition("/")[2].startswith((".z", "zarr.json"))]
        assert all((path / name).read_bytes() == (again / name).read_bytes() for name in metadata)
        if path.name == "group.zarr":
            a, b = (xr.open_zarr(place, chunks=None).load() for place in (path, again))
            xr.testing.assert_identical(a.drop_vars("t"), b.drop_vars("t"))
            a, b = a["t"].values, b["t"].values
        else:
            a, b = (zarr.open_array(place, mode="r")[:] for place in (path, again))
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        if how:
            assert 0 < np.nanmax(np.abs(a - b)) <= 1e-3 * (np.nanmax(a).astype(float) - np.nanmin(a))
        else:
            assert a.tobytes() == b.tobytes()
        assert done.original_bytes == sum((path / name).stat().st_size for name in names_in(path))


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
def test_zarr_with_codecs_that_may_lose_keeps_its_chunks(tmp_path):
    from numcodecs import FixedScaleOffset

    how = {"filters": [FixedScaleOffset(offset=0, scale=10, dtype="f8", astype="i4")], "zarr_format": 2}
    zarr.create_array(tmp_path / "x.zarr", shape=(40,), chunks=(10,), dtype="f8", **how)[:] = RNG.normal(size=40)
    done = compress_file(tmp_path / "x.zarr", max_error=0.5)
    again = decompress_file(done.output, tmp_path / "y.zarr").output
    assert all((tmp_path / "x.zarr" / name).read_bytes() == (again / name).read_bytes() for name in names_in(again))
    assert [part.name for part in done.parts] == ["other files"]
    with pytest.raises(FileExistsError, match="is a folder"):
        decompress_file(done.output, tmp_path / "y.zarr", overwrite=True)


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "c:/out", "a\\out", "", ".", "a\0b"])
def test_a_store_cannot_write_outside_itself(name, tmp_path):
    raw = json.dumps({"files": [[name, 3]], "arrays": []}).encode()
    header = {"size": 3, "block": 1 << 20, "structure": len(raw), "arrays": []}
    stream = pack("zarr", header, {"structure": pack_bytes(raw), "files/0": pack_bytes(b"abc")})
    (tmp_path / "x.lat").write_bytes(stream)
    with pytest.raises(AlteredError):
        decompress_file(tmp_path / "x.lat", tmp_path / "y.zarr")
    assert [item.name for item in tmp_path.iterdir()] == ["x.lat"]


def test_stores_larger_than_the_limit_are_refused_first(tmp_path):
    write_netcdf(tmp_path / "x.nc", "NETCDF4")
    done = compress_file(tmp_path / "x.nc")
    with pytest.raises(CodecError, match="output_bytes"):
        decompress_file(done.output, tmp_path / "y.nc", limits=Limits(output_bytes=10_000))
    assert not (tmp_path / "y.nc").exists()


def test_text_in_netcdf_is_compared_too(tmp_path, monkeypatch):
    """A decoder that spoils text is found out, and the file is kept byte by byte."""
    from latente.codec.files.netcdf import format as module

    path = tmp_path / "x.nc"
    write_netcdf(path, "NETCDF4")
    fill = module._fill

    def spoiled(dataset, variable, spec, *more):
        fill(dataset, variable, spec, *more)
        if spec is None:
            module._place(dataset, variable)[0] = "spoiled"

    monkeypatch.setattr(module, "_fill", spoiled)
    assert compress_file(path).kind == "bytes"
