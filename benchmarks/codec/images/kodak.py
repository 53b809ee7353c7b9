"""latente's shipped image codec on Kodak: real streams, everything in them counted.

LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/kodak.py
"""

from __future__ import annotations

import numpy as np
import torch
from protocol import keep, kodak, measure

import latente
from latente.codec import ImageCodec

QUALITIES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def main() -> None:
    torch.set_num_threads(1)
    photos, codec, rows = kodak(), ImageCodec.pretrained(), []
    version = f"latente {latente.__version__}, model {codec.model.id}"
    for quality in QUALITIES:
        for name, photo in photos.items():
            encode, setting = (lambda x, q=quality: codec.encode(x, quality=q)), f"{quality:g}"
            rows.append(measure("latente", setting, name, photo, encode, codec.decode, version))
        fields = ("bpp", "psnr", "ms_ssim", "encode_s", "decode_s")
        means = [np.mean([float(row[field]) for row in rows[-len(photos) :]]) for field in fields]
        print(quality, *(f"{value:.4f}" for value in means), flush=True)
    keep(rows)


if __name__ == "__main__":
    main()
