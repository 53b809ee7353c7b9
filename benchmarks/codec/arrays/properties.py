"""Random arrays within random bounds, and damaged streams: how often what is promised is broken.

OMP_NUM_THREADS=1 python benchmarks/codec/arrays/properties.py [cases] [damaged streams]
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
from protocol import write

from latente.codec import ArrayCodec, CodecError

TYPES = ("f2", "f4", "f8", ">f4", ">f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
SIDES = {0: 1, 1: 60, 2: 60, 3: 25, 4: 12, 5: 7}
LIMIT = 5.0  # seconds that no damaged stream may take


def values(kind: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    n = int(np.prod(shape))
    if kind == 0:
        return rng.normal(size=shape)
    if kind == 1:
        return np.cumsum(rng.normal(size=n)).reshape(shape) * 10.0 ** rng.integers(-45, 40)
    if kind == 2:
        return np.full(shape, rng.choice([0.0, -0.0, 1e-45, 5, np.nan, np.inf, -1e30]))
    if kind == 3:
        return rng.choice([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 1e-40], size=shape)
    if kind == 4:
        return np.exp(rng.normal(0, 60, size=shape)) * rng.choice([-1, 1], size=shape)
    if kind == 5:
        return rng.integers(-5, 5, size=shape) * 0.1
    if kind == 6:
        return np.linspace(-1, 1, n).reshape(shape) ** 3 * 10.0 ** rng.integers(-300, 300)
    if kind == 7:
        return rng.integers(-(2**62), 2**62, size=shape)
    if kind == 8:
        return 1e8 + rng.normal(size=shape) * 1e-3
    if kind == 9:
        return rng.integers(0, 2**16, size=shape)
    if kind == 12:  # integers far from 0, which float64 does not tell apart
        return rng.integers(2**53, 2**62) * rng.choice([-1, 1]) + rng.integers(0, 10 ** rng.integers(1, 7), size=shape)
    return np.sin(np.arange(n) / 7).reshape(shape) * rng.choice([1, 1e-42, 1e38])


def array(rng: np.random.Generator) -> np.ndarray:
    axes = int(rng.integers(0, 6))
    low = 0 if rng.random() < 0.05 else 1
    shape = tuple(int(n) for n in rng.integers(low, SIDES[axes] + 1, axes))
    dtype = np.dtype(rng.choice(TYPES))
    kind = int(rng.integers(0, 13))
    if kind == 11:  # any bits
        x = np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), np.uint8)
        x = (x & 1 if dtype.kind == "b" else x).copy().view(dtype).reshape(shape)
    else:
        x = np.asarray(values(kind, shape, rng))
        if dtype.kind in "iu" and x.dtype.kind == "f":
            x = np.nan_to_num(x, posinf=0, neginf=0).clip(-100, 100)
        x = x.astype(dtype)
    if dtype.kind == "f" and rng.random() < 0.25:
        x = np.where(rng.random(shape) < rng.random(), dtype.type(np.nan), x).astype(dtype)
    return np.ma.MaskedArray(x, rng.random(shape) < 0.3) if rng.random() < 0.1 else x


def codec(rng: np.random.Generator) -> ArrayCodec:
    thorough = bool(rng.random() < 0.1)
    mode = rng.integers(0, 4)
    if mode == 0:
        return ArrayCodec(0, thorough=thorough)
    if mode == 1:
        return ArrayCodec(float(10.0 ** rng.uniform(-7, 0)), thorough=thorough)
    if mode == 2:
        return ArrayCodec(float(10.0 ** rng.uniform(-40, 30)), relative=False, thorough=thorough)
    return ArrayCodec(psnr=float(rng.uniform(10, 150)), thorough=thorough)


def broken(x: np.ndarray, y: np.ndarray, made: ArrayCodec) -> str:
    """What of the promise is broken; empty when nothing is."""
    if (y.dtype, y.shape) != (x.dtype, x.shape):
        return "type or shape"
    if (np.ma.getmaskarray(x) != np.ma.getmaskarray(y)).any():
        return "mask"
    counted = ~np.ma.getmaskarray(x).ravel()
    x, y = (np.ascontiguousarray(np.ma.getdata(a)).ravel() for a in (x, y))
    if x.dtype.kind == "f":
        counted &= np.isfinite(x)
    bits = (x.view(f"u{x.dtype.itemsize}"), y.view(f"u{x.dtype.itemsize}"))
    if (bits[0][~counted] != bits[1][~counted]).any():
        return "special values"
    if x.dtype.kind == "b" or (made.psnr is None and made.max_error == 0):
        return "bits" if (bits[0] != bits[1]).any() else ""
    if not counted.any():
        return ""
    wide = object if x.dtype.kind in "iu" else np.longdouble
    error = np.abs(x[counted].astype(wide) - y[counted].astype(wide))
    span = x[counted].max().astype(wide) - x[counted].min().astype(wide)
    if made.psnr is None:
        allowed = np.longdouble(made.max_error) * (np.longdouble(span) if made.relative else 1)
        return "bound" if error.max() > allowed * (1 + np.longdouble(1e-15)) else ""
    rmse = np.sqrt(np.mean(error.astype(np.longdouble) ** 2))
    return "psnr" if rmse > np.longdouble(span) * 10 ** np.longdouble(-made.psnr / 20) * (1 + 1e-9) else ""


def random_cases(count: int) -> dict:
    found, start = [], time.process_time()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            x, made = array(rng), codec(rng)
        try:
            what = broken(x, made.decode(made.encode(x)), made)
        except Exception as error:  # any error is a failure of its own
            what = f"{type(error).__name__}: {error}"
        if what:
            found.append(f"{seed}: {what}")
            print(seed, x.dtype, x.shape, made, what, flush=True)
    note = f"{count} arrays, seeds 0 to {count - 1}, {time.process_time() - start:.0f} CPU s; " + "; ".join(found[:5])
    return {"study": "properties", "method": "latente", "bytes": len(found), "note": note}


def damaged(count: int) -> dict:
    """Streams with changed, missing or added bytes: an error or the very same array, soon."""
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(30, 40)), axis=0).astype(np.float32)
    x[3, 3] = np.nan
    streams = [(made, made.encode(x)) for made in (ArrayCodec(1e-1), ArrayCodec(1e-2), ArrayCodec(1e-3), ArrayCodec(0))]
    right = [made.decode(stream).tobytes() for made, stream in streams]
    wrong, slowest = 0, 0.0
    for i in range(count):
        made, stream = streams[i % 4]
        changed = bytearray(stream)
        for at in rng.integers(0, len(stream), rng.integers(1, 5)):
            changed[at] = rng.integers(0, 256)
        if rng.random() < 0.3:
            del changed[int(rng.integers(0, len(stream))) :]
        start = time.perf_counter()
        try:
            wrong += made.decode(bytes(changed)).tobytes() != right[i % 4]
        except CodecError:
            pass
        except Exception as error:  # anything else is a crash
            wrong += 1
            print(i, type(error).__name__, error, flush=True)
        slowest = max(slowest, time.perf_counter() - start)
    note = f"{count} streams; slowest {slowest:.2f} s (at most {LIMIT:g} allowed)"
    return {"study": "damaged", "method": "latente", "bytes": wrong, "note": note}


def main() -> None:
    cases, streams = (
        ([int(a) for a in sys.argv[1:]] + [10_000, 100_000])[:2] if len(sys.argv) < 3 else map(int, sys.argv[1:3])
    )
    rows = [random_cases(cases), damaged(streams)]
    for found in rows:
        print(found["study"], found["bytes"], found["note"])
    write(rows, lambda r: r["study"] in ("properties", "damaged"))


if __name__ == "__main__":
    main()
