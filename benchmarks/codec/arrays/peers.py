"""SZ3, ZFP, SPERR and lossless coders, each with its best setting that we know; an environment of their own.

pip install numpy imagecodecs pysz pcodec fpzip
LATENTE_DATA=... python benchmarks/codec/arrays/peers.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import imagecodecs
import numpy as np
from protocol import BOUNDS, FILES, absolute, largest_error, load, parts, row, timed, write
from pysz import sz, szAlgorithm, szConfig, szErrorBoundMode

ALGORITHMS = ("INTERP_LORENZO", "INTERP", "LORENZO_REG")
METHODS = {"SZ3", "SPERR", "ZFP", "fpzip", "pcodec", "blosc2", "zstd"}


def fillings(x: np.ndarray) -> list[np.ndarray]:
    """Missing values by the mean, and by the last value before them (the first after, where there is none)."""
    missing = np.isnan(x)
    if not missing.any():
        return [x]
    mean = np.where(missing, np.nanmean(x), x).astype(x.dtype)
    flat = x.reshape(-1, x.shape[-1])
    place = np.where(np.isnan(flat), -1, np.arange(flat.shape[1]))
    before = np.maximum.accumulate(place, axis=1)
    first = np.where((place >= 0).any(axis=1), (place >= 0).argmax(axis=1), -1)
    source = np.where(before >= 0, before, first[:, None])
    held = np.where(source >= 0, np.take_along_axis(flat, np.maximum(source, 0), 1), np.nanmean(x))
    return [mean, held.reshape(x.shape).astype(x.dtype)]


def mask_bytes(x: np.ndarray) -> int:
    """What the mask of missing values takes: packed bits, changes along the first axis, zstd."""
    missing = np.isnan(x)
    if not missing.any():
        return 0
    change = missing.copy()
    change[1:] ^= missing[:-1]
    return len(imagecodecs.zstd_encode(np.packbits(change).tobytes(), level=19))


def sz3(x: np.ndarray, bound: float) -> Iterator[tuple[str, Callable, Callable]]:
    for name in ALGORITHMS:
        config = szConfig()
        config.errorBoundMode, config.absErrorBound = szErrorBoundMode.ABS, bound
        config.cmprAlgo = getattr(szAlgorithm, name)
        yield (
            name,
            lambda config=config: sz.compress(x, config)[0],
            lambda data: sz.decompress(data, x.dtype, x.shape)[0],
        )


def sperr(x: np.ndarray, bound: float) -> Iterator[tuple[str, Callable, Callable]]:
    shape = x.shape if x.ndim < 4 else (-1, *x.shape[-2:])
    y = x.reshape(shape)
    yield (
        "",
        lambda: imagecodecs.sperr_encode(y, bound, mode="pwe"),
        lambda d: imagecodecs.sperr_decode(d).reshape(x.shape),
    )


def zfp(x: np.ndarray, bound: float) -> Iterator[tuple[str, Callable, Callable]]:
    yield "", lambda: imagecodecs.zfp_encode(x, mode="a", level=bound), lambda d: imagecodecs.zfp_decode(d)


def lossless(x: np.ndarray) -> Iterator[tuple[str, Callable]]:
    import fpzip
    from pcodec import ChunkConfig, standalone

    yield "fpzip", lambda: fpzip.compress(x, precision=0, order="C")
    yield "pcodec", lambda: standalone.simple_compress(x.ravel(), ChunkConfig(compression_level=12))
    yield "blosc2", lambda: imagecodecs.blosc2_encode(x, level=9, shuffle="bitshuffle", compressor="zstd")
    shuffled = np.ascontiguousarray(x.reshape(-1, 1).view(np.uint8).T).tobytes()
    yield "zstd", lambda: imagecodecs.zstd_encode(shuffled, level=19)


def best_of(study: str, data: str, bound: float, method: str, make: Callable, x: np.ndarray, speed: bool) -> dict:
    """The smallest result over settings and fillings; the mask of missing values counts."""
    eb, found, mask = absolute(x, bound), None, mask_bytes(x)
    for y in fillings(x):
        for note, encode, decode in make(y, eb):
            content = encode()
            if found is None or len(content) + mask < found[0]:
                found = len(content) + mask, note, encode, decode
    size, note, encode, decode = found
    content, encoding = timed(encode) if speed else (encode(), None)
    y, decoding = timed(lambda: decode(content)) if speed else (decode(content), None)
    error = largest_error(x, np.asarray(y))
    return row(study, data, bound, method, x, size, error=error, encode=encoding, decode=decoding, note=note)


def main() -> None:
    rows = []
    for data in FILES:
        x = load(data)
        for bound in BOUNDS[:-1]:
            for method, make in (("SZ3", sz3), ("SPERR", sperr), ("ZFP", zfp)):
                rows.append(best_of("arrays", data, bound, method, make, x, speed=True))
                print(*rows[-1].values(), flush=True)
        for method, encode in lossless(x):
            content, seconds = timed(encode)
            rows.append(row("arrays", data, 0.0, method, x, len(content), encode=seconds))
            print(*rows[-1].values(), flush=True)
    for (study, data), (_, x) in parts().items():
        for bound in BOUNDS[:3]:
            for method, make in (("SZ3", sz3), ("SPERR", sperr)):
                rows.append(best_of(study, data, bound, method, make, x, speed=False))
    x = parts()["archive", "climate"][1]
    for bound in BOUNDS[:3]:
        for method, make in (("SZ3", sz3), ("SPERR", sperr)):
            size = sum(min(len(encode()) for _, encode, _ in make(one, absolute(x, bound))) for one in x)
            rows.append(row("archive, a file a field", "climate", bound, method, x, size))
    write(rows, lambda r: r["method"] in METHODS)


if __name__ == "__main__":
    main()
