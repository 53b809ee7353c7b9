"""Crops of photographs for training: lossless ones as they are and smaller, JPEGs at most at half their size.

    LATENTE_DATA=... python benchmarks/codec/images/photos.py --packages FOLDER --out crops.npy

FOLDER holds what Debian's packages plasma-workspace-wallpapers and mate-backgrounds install (usr/share/...); installed,
it is "/". Kodak's photographs are never read here.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 128
HELD_OUT = ("ashim-dsilva", "morskie-oko", "tony-webster-97532")  # photographs that only measure
PLASMA = (
    "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey", "Kite",
    "OneStandsOut", "Path", "summer_1am",
)  # fmt: skip
Photo = NDArray[np.uint8]


def root() -> Path:
    return Path(os.environ["LATENTE_DATA"])


def photographs(packages: Path) -> Iterator[tuple[str, Photo, float]]:
    """Yields name, picture (h, w, 3) and the largest scale at which it may be used."""
    for path in sorted((root() / "photos_train").glob("*.webp")):
        yield path.stem, np.asarray(Image.open(path).convert("RGB")), 1.0
    wallpapers = [packages / f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg" for name in PLASMA]
    for path in [*wallpapers, *sorted((packages / "usr/share/backgrounds/mate/nature").glob("*.jpg"))]:
        yield path.stem if path.stem[0].isupper() else path.parts[-4], np.asarray(Image.open(path).convert("RGB")), 0.5


def smaller(photo: Photo, scale: float) -> Photo:
    """Returns the photograph at that scale."""
    size = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS)) if scale < 1 else photo


def crops(packages: Path, count: int, seed: int) -> NDArray[np.uint8]:
    """Returns about count crops (n, 3, SIZE, SIZE): random places, from each photograph in proportion to its area."""
    rng = np.random.default_rng(seed)
    photos = [p for p in photographs(packages) if p[0] not in HELD_OUT]
    areas = np.array([photo.shape[0] * photo.shape[1] * largest**2 for _, photo, largest in photos])
    found = []
    for (_, photo, largest), share in zip(photos, areas / areas.sum(), strict=True):
        wanted, scales = round(count * share), (1.0, 0.75, 0.5)
        for factor, part in zip(scales, (0.5, 0.3, 0.2), strict=True):
            picture = smaller(photo, largest * factor)
            for _ in range(round(wanted * part)):
                i, j = (rng.integers(0, n - SIZE + 1) for n in picture.shape[:2])
                found.append(picture[i : i + SIZE, j : j + SIZE].transpose(2, 0, 1))
    return np.stack(found)[rng.permutation(len(found))]


def held_out() -> list[Photo]:
    """Returns the photographs that only measure, 768 x 512 from the middle at 3/4 of their size."""
    pictures = [Image.open(root() / "photos_train" / f"{name}.webp").convert("RGB") for name in HELD_OUT]
    found = []
    for picture in pictures:
        photo = smaller(np.asarray(picture), 0.75)
        i, j = (max(0, (n - m) // 2) for n, m in zip(photo.shape[:2], (512, 768), strict=True))
        found.append(photo[i : i + 512, j : j + 768])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, default=Path("/"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = crops(options.packages, options.count, options.seed)
    np.save(options.out, found)
    print(f"{len(found)} crops of {SIZE} x {SIZE} in {options.out}")


if __name__ == "__main__":
    main()
