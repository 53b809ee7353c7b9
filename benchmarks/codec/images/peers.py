"""JPEG, WebP, JPEG 2000, JPEG XL and AVIF on Kodak, each with good settings; an environment of their own.

pip install numpy scipy pillow imagecodecs
LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/peers.py [--only AVIF]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from protocol import Photo, keep, kodak, measure

VERSION = f"imagecodecs {imagecodecs.__version__}"


def pillow(kind: str, **options: Any) -> Callable[[Photo], bytes]:
    def encode(photo: Photo) -> bytes:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, kind, **options)
        return file.getvalue()

    return encode


def opened(data: bytes) -> Photo:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


CODECS: dict[str, tuple[tuple[float, ...], Callable[[float], Callable[[Photo], bytes]], Callable[[bytes], Photo]]] = {
    "JPEG 4:2:0": (
        (5, 8, 12, 20, 30, 45, 60, 75, 85, 92),
        lambda q: pillow("JPEG", quality=int(q), optimize=True, subsampling=2),
        opened,
    ),
    "WebP": ((1, 5, 15, 30, 50, 68, 80, 88, 94, 98), lambda q: pillow("WEBP", quality=int(q), method=6), opened),
    "JPEG 2000": (
        (150, 100, 70, 48, 34, 24, 17, 12, 8),
        lambda r: pillow("JPEG2000", quality_mode="rates", quality_layers=[r], mct=1, irreversible=True),
        opened,
    ),
    "JPEG XL": (
        (12, 9, 6.5, 4.6, 3.2, 2.3, 1.6, 1.1, 0.7),
        lambda d: lambda photo: imagecodecs.jpegxl_encode(photo, distance=d, effort=7, numthreads=1),
        lambda data: imagecodecs.jpegxl_decode(data, numthreads=1),
    ),
    "AVIF 4:2:0": (
        (25, 35, 45, 53, 60, 68, 75, 82, 88, 93),
        lambda q: lambda photo: imagecodecs.avif_encode(photo, level=int(q), speed=6, pixelformat="420", numthreads=1),
        lambda data: imagecodecs.avif_decode(data, numthreads=1),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    photos = kodak()
    for codec, (settings, encoder, decode) in CODECS.items():
        if options.only not in codec:
            continue
        rows = []
        for setting in settings:
            for name, photo in photos.items():
                rows.append(measure(codec, f"{setting:g}", name, photo, encoder(setting), decode, VERSION))
            mean = [
                np.mean([float(row[field]) for row in rows[-len(photos) :]]) for field in ("bpp", "psnr", "ms_ssim")
            ]
            print(codec, setting, *(f"{value:.4f}" for value in mean), flush=True)
        keep(rows)


if __name__ == "__main__":
    main()
