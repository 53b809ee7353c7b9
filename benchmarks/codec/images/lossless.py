"""Kodak without loss: latente, PNG, WebP, JPEG XL; real streams, everything in them counted.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/lossless.py [--peers]

With --peers: PNG and WebP (Pillow) and JPEG XL (imagecodecs, in an environment of its own). Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image
from protocol import Photo, kodak

RESULTS = Path(__file__).parent / "lossless.csv"
FIELDS = ["codec", "photo", "bytes", "bpp", "encode_s", "decode_s", "version"]
Codec = tuple[Callable[[Photo], bytes], Callable[[bytes], Photo], str]


def saved(kind: str, **options: Any) -> Codec:
    """A format that Pillow writes."""

    def encode(photo: Photo) -> bytes:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, kind, **options)
        return file.getvalue()

    return encode, lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), f"Pillow {PIL.__version__}"


def peers() -> dict[str, Codec]:
    import imagecodecs

    return {
        "PNG": saved("PNG", optimize=True),
        "JPEG XL e7": (
            lambda photo: imagecodecs.jpegxl_encode(photo, lossless=True, effort=7, numthreads=1),
            lambda data: imagecodecs.jpegxl_decode(data, numthreads=1),
            f"imagecodecs {imagecodecs.__version__}",
        ),
        "WebP": saved("WEBP", lossless=True, method=6, quality=100),
    }


def ours() -> dict[str, Codec]:
    import latente
    from latente.codec import LosslessImageCodec

    codec = LosslessImageCodec()
    codec.decode(codec.encode(np.zeros((64, 64, 3), np.uint8)))  # what is imported and tabulated once is not timed
    return {"latente": (codec.encode, codec.decode, f"latente {latente.__version__}")}


def measured(codec: str, name: str, photo: Photo, way: Codec) -> dict[str, Any]:
    begun = time.process_time()
    data = way[0](photo)
    middle = time.process_time()
    decoded = way[1](data)
    ended = time.process_time()
    if not np.array_equal(decoded, photo):
        raise SystemExit(f"{codec} changed {name}")
    return {
        "codec": codec, "photo": name, "bytes": len(data), "bpp": f"{8 * len(data) / photo[..., 0].size:.4f}",
        "encode_s": f"{middle - begun:.3f}", "decode_s": f"{ended - middle:.3f}",
        "version": way[2],
    }  # fmt: skip


def keep(rows: list[dict[str, Any]]) -> None:
    """Writes rows in place of earlier ones of the same codecs."""
    codecs = {row["codec"] for row in rows}
    old = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            old = [row for row in csv.DictReader(file) if row["codec"] not in codecs]
    fresh = RESULTS.with_suffix(".tmp")
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*old, *rows])
    os.replace(fresh, RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    for codec, way in (peers() if options.peers else ours()).items():
        rows = [measured(codec, name, photo, way) for name, photo in kodak().items()]
        keep(rows)
        fields = ("bpp", "encode_s", "decode_s")
        print(codec, *(f"{np.mean([float(row[f]) for row in rows]):.4f}" for f in fields), flush=True)


if __name__ == "__main__":
    main()
