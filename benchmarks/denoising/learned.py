"""latente's Denoiser on MNIST and Fashion-MNIST: one for each noise, one blind for each family, and without clean data.

Each is a Denoiser as it comes, trained on all 60,000 training images; its network and steps were chosen by choose.py.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/learned.py
    python benchmarks/denoising/learned.py --only "^mnist gaussian:0.25"    # one specialist
    python benchmarks/denoising/learned.py --only blind
    python benchmarks/denoising/learned.py --only noise2self

Rows of results.csv are replaced as they come.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from protocol import LEVELS, SETS, Images, idx, noised, scores, test_pair
from results import keep

import latente
from latente.corruptions import Corruption
from latente.denoising import Denoiser

RANGES = {"gaussian": (0.05, 0.55), "salt_and_pepper": (0.05, 0.55), "masking": (0.2, 0.55)}
SIGMA = 0.4  # of Noise2Self's protocol, not clipped
Rows = list[dict[str, Any]]


def corruption(family: str, level: Any) -> Corruption:
    """The noise of the protocol: Gaussian noise is clipped to [0, 1]."""
    if family == "gaussian":
        return latente.GaussianNoise(level, clip=True)
    return latente.SaltAndPepper(level) if family == "salt_and_pepper" else latente.Masking(level)


def trained(noise: Corruption | None, images: tuple[Images, ...], seed: int, **own: Any) -> tuple:
    """Returns a Denoiser as it comes, fitted, the CPU seconds, and how long it was trained."""
    model = Denoiser(noise, kind="image", random_state=seed, **own)
    start = time.process_time()
    model.fit(*images)
    parameters = sum(parameter.numel() for parameter in model.module_.parameters())
    setting = f"{len(model.history_)} x {len(images[0])} images in batches of {model.history_.batch_size}, beta2 0.99, "
    setting += f"{parameters} parameters, {model.history_.precision}"
    return model, time.process_time() - start, setting


def row(model: Denoiser, name: str, noise: str, method: str, seed: int, seconds: float, setting: str) -> dict[str, Any]:
    """Restores all test images of one noise."""
    clean, noisy = test_pair(name, noise)
    start = time.process_time()
    restored = model.transform(noisy)
    used = time.process_time() - start
    own = {"samples": len(clean), "train_seconds": seconds, "use_seconds": used, "setting": setting}
    return (
        {"study": "images", "data": name, "noise": noise, "method": method, "seed": seed}
        | own
        | scores(clean, restored)
    )


def specialist(name: str, family: str, level: float, seed: int) -> Rows:
    """One network for one noise."""
    model, *told = trained(corruption(family, level), (idx(name, "train"),), seed)
    return [row(model, name, f"{family}:{level}", "specialist", seed, *told)]


def blind(name: str, family: str, seed: int) -> Rows:
    """One network for a range of levels, that is not told which."""
    model, *told = trained(corruption(family, RANGES[family]), (idx(name, "train"),), seed)
    return [row(model, name, f"{family}:{level}", "blind", seed, *told) for level in LEVELS[family]]


def without_clean(way: str, seed: int) -> Rows:
    """MNIST with sigma 0.4, not clipped: the same noisy copy of each training image in every epoch, or two."""
    rng = np.random.default_rng(seed + 10)
    train = idx("mnist", "train")
    copies = tuple(noised(train, f"gaussian:{SIGMA}", rng, clip=False) for _ in range(1 + (way == "noise2noise")))
    clean = idx("mnist", "t10k")
    noisy = noised(clean, f"gaussian:{SIGMA}", np.random.default_rng(3), clip=False)
    supervised = way == "clean"
    noise = latente.GaussianNoise(SIGMA) if supervised else None
    model, seconds, setting = trained(noise, (train,) if supervised else copies, seed, way=way)
    if way != "noise2self":
        return [_without_clean_row(*_timed(way, lambda: model.transform(noisy)), clean, seed, (seconds, setting))]
    one_pass = _timed(f"{way}, one pass", lambda: model.transform(noisy, j_invariant=False))
    alone = _timed(f"{way}, neighbours alone", lambda: model.transform(noisy, sigma=None))
    told = setting if model.sigma_ is None else f"{setting}, sigma estimated as {model.sigma_[0]:.4f}"
    both = {way: (told, None if model.sigma_ is None else model.sigma_[0]), f"{way}, sigma known": (setting, SIGMA)}
    rows = [_without_clean_row(*found, clean, seed, (seconds, setting)) for found in (one_pass, alone)]
    for method, (text, sigma) in both.items():
        restored = alone[1] if sigma is None else _combined(model, alone[1], noisy, sigma)
        rows.append(_without_clean_row(method, restored, alone[2], clean, seed, (seconds, text)))
    return rows


def _timed(method: str, make: Callable[[], Images]) -> tuple[str, Images, float]:
    """Returns the method, what it restores, and the CPU seconds that it takes."""
    start = time.process_time()
    return method, make(), time.process_time() - start


def _combined(model: Denoiser, neighbours: Images, noisy: Images, sigma: float) -> Images:
    """What transform(noisy, sigma=sigma) returns, without its 16 passes again; that of noise2self is sigma_."""
    f, x = (model.scale_.apply(torch.from_numpy(values)[:, None]) for values in (neighbours, noisy))
    variance = (sigma * model.scale_.factor[0]) ** 2
    return model.scale_.undo(model.spread_.combined(f, x, variance).numpy(), noisy.dtype)[:, 0]


def _without_clean_row(
    method: str, restored: Images, used: float, clean: Images, seed: int, told: tuple[float, str]
) -> dict[str, Any]:
    own = {"samples": len(clean), "use_seconds": used} | dict(zip(("train_seconds", "setting"), told, strict=True))
    base = {"study": "without clean data", "data": "mnist", "noise": f"gaussian:{SIGMA} unclipped", "seed": seed}
    return base | own | {"method": method} | scores(clean, restored)


def jobs(seed: int) -> dict[str, Callable[[], Rows]]:
    """All trainings by name."""
    found: dict[str, Callable[[], Rows]] = {}
    for family, levels in LEVELS.items():
        for name in SETS:
            for level in levels:
                found[f"{name} {family}:{level}"] = lambda a=(name, family, level): specialist(*a, seed)
            found[f"{name} blind {family}"] = lambda a=(name, family): blind(*a, seed)
    for way in ("noise2self", "noise2noise", "clean"):
        found[f"mnist {way}"] = lambda way=way: without_clean(way, seed)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="jobs whose name matches this regular expression")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, job in jobs(options.seed).items():
        if re.search(options.only, name):
            keep(job())


if __name__ == "__main__":
    main()
