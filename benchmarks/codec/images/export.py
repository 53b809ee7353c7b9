"""Makes the model that ships with the package from trained weights; symbols are counted on training photographs.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/export.py RUN/weights.safetensors photos-1

A released model is never replaced: another one gets another name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from photos import HELD_OUT, root, smaller
from PIL import Image
from safetensors.torch import load_file

from latente.codec.images.exporting import export
from latente.codec.images.module import ImageModule
from latente.codec.images.registry import FOLDER

SCALES = (0.75, 0.375)
SIDES = 512, 768


def counted() -> list[np.ndarray]:
    """(1, h, w, 3) each: the middles of the training photographs, at two sizes."""
    found = []
    for path in sorted((root() / "photos_train").glob("*.webp")):
        if path.stem not in HELD_OUT:
            photo = np.asarray(Image.open(path).convert("RGB"))
            for scale in SCALES:
                small = smaller(photo, scale)
                i, j = (max(0, (n - m) // 2) for n, m in zip(small.shape[:2], SIDES, strict=True))
                found.append(small[None, i : i + SIDES[0], j : j + SIDES[1]])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    out = options.out / f"{options.name}.safetensors"
    if out.exists():
        raise FileExistsError(f"{out} exists; a released model is never replaced")
    module = ImageModule()
    module.load_state_dict(load_file(options.weights))
    model = export(module.eval(), counted(), options.name).model
    out.write_bytes(model.to_bytes())
    print(f"{out}: {out.stat().st_size:,} bytes, hash {model.ref.hash}")


if __name__ == "__main__":
    main()
