"""Kodak, PSNR, MS-SSIM, and the table of one row for each photograph, codec and setting. Needs numpy, scipy, Pillow."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
FIELDS = ["codec", "setting", "photo", "bytes", "bpp", "mse", "psnr", "ms_ssim", "encode_s", "decode_s", "version"]
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales of MS-SSIM (Wang, Simoncelli, Bovik, 2003)
Photo = NDArray[np.uint8]


def kodak() -> dict[str, Photo]:
    """Returns the 24 photographs (512, 768, 3) or (768, 512, 3) by name; they are used for testing only."""
    files = sorted((Path(os.environ["LATENTE_DATA"]) / "photos").glob("*.png"))
    return {file.stem: np.asarray(Image.open(file).convert("RGB")) for file in files}


def mean_squared(a: Photo, b: Photo) -> float:
    """The mean over all values of all three channels."""
    return float(np.square(a.astype(np.float64) - b).mean())


def psnr(mse: float) -> float:
    return float(10 * np.log10(255**2 / mse)) if mse else float("inf")


def _blurred(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """An 11 x 11 Gaussian window of sigma 1.5, valid places only."""
    kernel = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    return correlate1d(correlate1d(x, kernel, axis=0), kernel, axis=1)[5:-5, 5:-5]


def ms_ssim(a: Photo, b: Photo) -> float:
    """Multi-scale structural similarity of each channel, averaged."""
    x, y, parts = a.astype(np.float64), b.astype(np.float64), []
    for scale in range(len(WEIGHTS)):
        mx, my = _blurred(x), _blurred(y)
        vx, vy, both = _blurred(x * x) - mx**2, _blurred(y * y) - my**2, _blurred(x * y) - mx * my
        structure = (2 * both + 58.5225) / (vx + vy + 58.5225)
        whole = structure * (2 * mx * my + 6.5025) / (mx**2 + my**2 + 6.5025)
        last = scale == len(WEIGHTS) - 1
        parts.append((whole if last else structure).mean(axis=(0, 1)).clip(min=0))
        x, y = (z[: z.shape[0] // 2 * 2, : z.shape[1] // 2 * 2] for z in (x, y))
        x, y = ((z[::2, ::2] + z[1::2, ::2] + z[::2, 1::2] + z[1::2, 1::2]) / 4 for z in (x, y))
    return float(np.prod([part**weight for part, weight in zip(parts, WEIGHTS, strict=True)], axis=0).mean())


def measure(
    codec: str,
    setting: str,
    name: str,
    photo: Photo,
    encode: Callable[[Photo], bytes],
    decode: Callable[[bytes], Photo],
    version: str,
    structure: bool = True,
) -> dict[str, Any]:
    """Encodes and decodes one photograph and returns its row; times are CPU seconds."""
    begun = time.process_time()
    stream = encode(photo)
    middle = time.process_time()
    decoded = decode(stream)
    ended = time.process_time()
    mse = mean_squared(photo, decoded)
    return {
        "codec": codec, "setting": setting, "photo": name, "bytes": len(stream),
        "bpp": f"{8 * len(stream) / (photo.shape[0] * photo.shape[1]):.5f}",
        "mse": f"{mse:.4f}", "psnr": f"{psnr(mse):.4f}",
        "ms_ssim": f"{ms_ssim(photo, decoded):.6f}" if structure else "",
        "encode_s": f"{middle - begun:.3f}", "decode_s": f"{ended - middle:.3f}", "version": version,
    }  # fmt: skip


def keep(rows: list[dict[str, Any]]) -> None:
    """Writes the rows of one codec in place of its earlier ones."""
    codecs = {row["codec"] for row in rows}
    old = [row for row in read() if row["codec"] not in codecs]
    fresh = RESULTS.with_suffix(".tmp")
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*old, *rows], key=lambda row: (row["codec"], row["setting"], row["photo"])))
    os.replace(fresh, RESULTS)


def read() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))
