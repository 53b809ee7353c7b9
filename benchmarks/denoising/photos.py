"""The Kodak photographs with Gaussian noise of 25/255, not clipped: latente, non-local means, BM3D.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/photos.py train      # latente's environment
    ... /path/to/classical/bin/python benchmarks/denoising/photos.py classical          # with scikit-image and bm3d

latente is trained on the 24 photographs of photos_train, which are others; one blind network for 5/255 to 55/255, one
that knows 25/255 (`--noise`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from protocol import root
from results import keep

SIGMA = 25 / 255
FIELDS = {"study": "photographs", "data": "kodak", "noise": "gaussian:25/255"}
Photo = NDArray[np.float32]


def kodak() -> tuple[list[Photo], list[Photo]]:
    """Returns the 24 photographs (h, w, 3) in [0, 1], clean and noisy."""
    files = sorted((root() / "photos").glob("*.png"))
    clean = [np.asarray(Image.open(file).convert("RGB"), np.float32) / 255 for file in files]
    rng = np.random.default_rng(0)
    return clean, [photo + rng.normal(scale=SIGMA, size=photo.shape).astype(np.float32) for photo in clean]


def psnr(clean: Photo, restored: Photo) -> float:
    """PSNR over all three channels, in dB."""
    return float(-10 * np.log10(np.square(clean.astype(np.float64) - restored.clip(0, 1)).mean()))


def measured(method: str, restore: Callable[[Photo], Photo], photos: list[int], **own: Any) -> dict[str, Any]:
    """Restores some of the photographs."""
    clean, noisy = kodak()
    start = time.process_time()
    restored = [restore(noisy[i]) for i in photos]
    used = time.process_time() - start
    mean = float(np.mean([psnr(clean[i], x) for i, x in zip(photos, restored, strict=True)]))
    return FIELDS | {"method": method, "seed": 0, "samples": len(photos), "psnr": mean, "use_seconds": used} | own


def train(noise: str, patches: int, width: int, levels: int, blocks: int, seed: int, checkpoint: Path | None) -> None:
    """Trains, going on from a checkpoint where there is one, and restores all 24, and the few that BM3D restored."""
    import latente
    from latente.denoising import Denoiser

    files = sorted((root() / "photos_train").glob("*.webp"))
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    level = SIGMA if noise == "25" else (5 / 255, 55 / 255)
    epochs = max(1, round(patches / 20_000))
    trainer = latente.Trainer(epochs=epochs, threads=1, verbose=False, checkpoint=checkpoint, callbacks=(_told,))
    network = {"width": width, "levels": levels, "blocks": blocks}
    model = Denoiser(latente.GaussianNoise(level), trainer=trainer, random_state=seed, **network)
    start = time.process_time()
    model.fit(photos, resume=checkpoint is not None and checkpoint.exists())
    seconds = time.process_time() - start
    parameters = sum(parameter.numel() for parameter in model.module_.parameters())
    seen = f"{len(model.history_)} x {model.history_.samples} patches in batches of {model.history_.batch_size}"
    setting = f"width={width}, levels={levels}, blocks={blocks}, {parameters} parameters, {seen}"
    own = {"train_seconds": seconds, "setting": setting, "seed": seed}
    name = "specialist" if noise == "25" else "blind"
    keep([
        measured(name, model.transform, list(range(24)), **own),
        measured(f"{name} (BM3D's few)", model.transform, FEW, **own),
    ])  # fmt: skip


def _told(record: Any) -> None:
    print(record, flush=True)


FEW = [0, 4, 7, 12, 18, 22]


def classical(photos: int) -> None:
    """Non-local means with the best of a few settings on two training photographs; BM3D knows sigma."""
    from skimage.restoration import denoise_nl_means

    def local_means(photo: Photo, h: float, patch: int, distance: int) -> Photo:
        return denoise_nl_means(
            photo, h=h * SIGMA, sigma=SIGMA, patch_size=patch, patch_distance=distance, channel_axis=-1, fast_mode=True
        )

    trial = _trial()
    noisy = [x + np.random.default_rng(1).normal(scale=SIGMA, size=x.shape).astype(np.float32) for x in trial]
    grid = [(h, patch, 9) for h in (0.2, 0.3, 0.4, 0.55, 0.7) for patch in (3, 5, 7)]
    best = max(grid, key=lambda s: sum(psnr(x, local_means(y, *s)) for x, y in zip(trial, noisy, strict=True)))
    every, setting = list(range(24))[:photos], f"h={best[0]} sigma, patch={best[1]}, distance={best[2]}"
    keep([
        measured("noisy", lambda photo: photo, every),
        measured("nlm", lambda photo: local_means(photo, *best), every, setting=setting),
    ])  # fmt: skip


def bm3d() -> None:
    """BM3D for colour, on a few of the photographs: it is slow."""
    from bm3d import bm3d_rgb

    keep([measured("bm3d", lambda photo: np.asarray(bm3d_rgb(photo, SIGMA), np.float32), FEW, setting="knows sigma")])


def _trial() -> list[Photo]:
    files = sorted((root() / "photos_train").glob("*.webp"))
    return [np.asarray(Image.open(file).convert("RGB"), np.float32)[300:556, 300:684] / 255 for file in files[:2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "classical", "bm3d"))
    parser.add_argument("--noise", choices=("25", "blind"), default="25")
    parser.add_argument("--patches", type=int, default=80_000, help="one epoch, of about 16,000, for every 20,000")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--levels", type=int, default=3)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="a folder; an interrupted training goes on from it")
    options = parser.parse_args()
    if options.what == "train":
        size = (options.width, options.levels, options.blocks)
        train(options.noise, options.patches, *size, options.seed, options.checkpoint)
    elif options.what == "classical":
        classical(24)
    else:
        bm3d()


if __name__ == "__main__":
    main()
