"""Makes the files of this folder that are not there yet, and notes what they decode to in expected.json.

    python tests/codec/frozen/make.py

A decoder that was once released is never dropped: files here are never made again nor removed, whatever latente writes
today. A change of the format adds files under other names.
"""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"
T, Y, X = np.ogrid[0:4, 0:24, 0:30]
WAVES = 20 * np.sin(X / 5 + T / 2) + 10 * np.cos(Y / 4) + (7 * X + 11 * Y + 5 * T) % 13 / 40


def holes(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[1, 4:9, 5], x[2, 0, 0], x[2, 0, 1] = np.nan, np.inf, -np.inf
    return x


def arrays() -> Iterator[tuple[str, np.ndarray, dict]]:
    yield "f4-lossless", holes(WAVES.astype("f4")), {}
    yield "f4-relative", holes(WAVES.astype("f4")), {"max_error": 1e-3}
    yield "f4-loose", WAVES.astype("f4"), {"max_error": 0.05}
    yield "f4-psnr", WAVES.astype("f4"), {"psnr": 45}
    yield "f8-absolute", WAVES, {"max_error": 0.01, "relative": False}
    yield "f8-big-endian-lossless", WAVES[0].astype(">f8"), {}
    yield "f8-fortran-quality", np.asfortranarray(WAVES[0]), {"quality": 0.6}
    yield "i2-lossless", np.rint(50 * WAVES).astype("i2"), {}
    yield "i8-bound", np.rint(5000 * WAVES[0]).astype("i8"), {"max_error": 3, "relative": False}
    yield "u1-even-bound", np.rint(WAVES[1] + 60).astype("u1"), {"max_error": 1.5, "relative": False}
    yield "complex", (WAVES[0] + 1j * WAVES[1]).astype("c8"), {"max_error": 1e-2}
    yield "steps", np.rint(10 * WAVES[0]) / 10, {}
    yield "dates", np.arange("2020-01", "2040-02", dtype="M8[M]"), {}


def originals(folder: Path) -> Iterator[tuple[Path, dict]]:
    """Small files of every format, and how each is compressed."""
    for name, values, how in arrays():
        np.save(folder / f"{name}.npy", values)
        yield folder / f"{name}.npy", how
    np.savez(folder / "several.npz", waves=WAVES, dates=np.array(["2020-01-01", "NaT"], "M8[D]"), n=np.arange(9))
    yield folder / "several.npz", {"max_error": 1e-3, "columns": {"n": 0}}
    rows = [f'{i},{v:.2f},{i % 7 / 2},"n{i % 3}",{v:.3e}' for i, v in enumerate(WAVES[0].ravel())]
    for name, how in (("lossless", {}), ("bound", {"max_error": 1e-3, "columns": {"id": 2}})):
        how |= {"relative": False} if name == "bound" else {}
        (folder / f"table-{name}.csv").write_bytes(("id,v,half,name,e\r\n" + "\r\n".join(rows)).encode())
        yield folder / f"table-{name}.csv", how
    (folder / "notes.txt").write_text("again and again " * 40)
    yield folder / "notes.txt", {}
    yield from sounds(folder)
    yield from with_libraries(folder)


def sounds(folder: Path) -> Iterator[tuple[Path, dict]]:
    t = np.arange(1500)[:, None] / 8000
    tone = 3000 * np.sin(2 * np.pi * 220 * t + [0, 0.4]) + (np.arange(1500)[:, None] * [7, 13]) % 29
    for name, raw, bits, how in (
        ("i2-lossless", np.rint(tone).astype("<i2").tobytes(), 16, {}),
        ("i2-snr", np.rint(tone).astype("<i2").tobytes(), 16, {"snr": 30}),
        ("i3-lossless", np.rint(tone * 200).astype("<i4")[..., None].view("u1")[..., :3].tobytes(), 24, {}),
    ):
        width = 2 * bits // 8
        fields = (b"WAVE", b"fmt ", 16, 1, 2, 8000, 8000 * width, width, bits, b"data", len(raw))
        head = struct.pack("<4sI", b"RIFF", 36 + len(raw)) + struct.pack("<4s4sIHHIIHH4sI", *fields)
        (folder / f"sound-{name}.wav").write_bytes(head + raw)
        yield folder / f"sound-{name}.wav", how


def with_libraries(folder: Path) -> Iterator[tuple[Path, dict]]:
    import netCDF4
    import pyarrow
    import pyarrow.parquet
    import zarr

    values = WAVES[0].ravel()
    table = {"v": values, "id": np.arange(values.size), "name": [f"n{i % 3}" if i % 5 else None for i in range(720)]}
    pyarrow.parquet.write_table(pyarrow.table(table), folder / "table.parquet")
    yield folder / "table.parquet", {"max_error": 1e-3}
    with netCDF4.Dataset(folder / "field.nc", "w") as data:
        data.title = "a field"
        for name, size in zip("tyx", WAVES.shape, strict=True):
            data.createDimension(name, size)
        data.createVariable("v", "f4", tuple("tyx"), fill_value=np.float32(-999))[:] = WAVES
        data["v"][0, 0, :3] = -999
        data.createVariable("x", "f8", ("x",))[:] = X.ravel() / 2
        data.createVariable("label", str, ("t",))[:] = np.array(["a", "b", "größe", ""], object)
    yield folder / "field.nc", {"max_error": 1e-3}
    zarr.create_array(folder / "field.zarr", shape=WAVES.shape, chunks=(2, 12, 16), dtype="f8")[:] = WAVES
    yield folder / "field.zarr", {"max_error": 1e-3}


def digest(path: Path) -> str:
    """The SHA-256 of a file's content; of formats that libraries write, of the values in it."""
    total = hashlib.sha256()
    for piece in contents(path):
        total.update(piece)
    return total.hexdigest()


def contents(path: Path) -> Iterator[bytes]:
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            yield from (name.encode() + archive.read(name) for name in archive.namelist())
    elif path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        for name in table.column_names:
            values = [v.hex() if isinstance(v, float) else v for v in table[name].to_pylist()]
            yield json.dumps([name, str(table[name].type), values]).encode()
    elif path.suffix == ".nc":
        import netCDF4

        with netCDF4.Dataset(path) as data:
            data.set_auto_maskandscale(False)
            yield json.dumps([data.title, {name: len(dim) for name, dim in data.dimensions.items()}]).encode()
            for name, variable in data.variables.items():
                values = variable[:]
                plain = json.dumps(values.tolist()).encode() if values.dtype == object else values.tobytes()
                yield f"{name} {values.dtype} {values.shape}".encode() + plain
    elif path.suffix == ".zarr":
        import zarr

        yield zarr.open_array(path, mode="r")[:].tobytes()
    else:
        yield path.read_bytes()


def archive() -> None:
    """A stream of an autoencoder, its codec, and what it was made from: it decodes within its bound, not to the bit."""
    from latente import Autoencoder, DataSpec, Trainer
    from latente.codec import ArrayCodec
    from latente.networks import MLP, LinearPath

    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(3, 8, 9)).cumsum(2)
    rows = (np.tensordot(rng.normal(size=(340, 3)), patterns, 1) + 0.01 * rng.normal(size=(340, 8, 9))).astype("f4")
    small = Autoencoder(
        3, network=LinearPath(MLP((8,))), data=DataSpec(kind="table", scale="none"),
        trainer=Trainer(epochs=40, verbose=False), random_state=0,
    )  # fmt: skip
    codec = ArrayCodec(1e-2, autoencoder=small, random_state=0).fit(rows[:300])
    stream = codec.encode(rows[300:])
    assert codec.info(stream).plans == {"autoencoder": 1}, codec.info(stream)
    codec.save(HERE / "archive.latmodel")
    (HERE / "archive.lat").write_bytes(stream)
    np.save(HERE / "archive-original.npy", rows[300:])


def main() -> None:
    from latente.codec import compress_file, decompress_file

    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for path, how in originals(Path(folder)):
            out = HERE / f"{path.name}.lat"
            if out.exists():
                continue
            done = compress_file(path, out, **how)
            again = decompress_file(out, path.with_name(f"again-{path.name}")).output
            expected[out.name] = {"kind": done.kind, "sha256": digest(again)}
    EXPECTED.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    if not (HERE / "archive.lat").exists():
        archive()


if __name__ == "__main__":
    main()
