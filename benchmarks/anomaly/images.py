"""Anomalies in pictures: one class of Fashion-MNIST against the others, and planted defects of known masks.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/images.py classes   # one class is normal, AUROC
    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/images.py defects   # planted: which ones, where
    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/images.py photos    # tiles of photographs, likewise
    python benchmarks/anomaly/images.py table                                        # means of the CSV

`--methods knn,pca` runs only those, `--only 3` one class, `--missing` what has no row yet. PyOD is needed for "pyod-ae"
alone. The protocol is in README-images.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from defects import KINDS, planted
from numpy.typing import NDArray
from PIL import Image
from results import has, keep, read
from scipy.ndimage import gaussian_filter
from series_data import root
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from latente import MLP, Autoencoder, Erasing, Trainer
from latente.anomaly import AnomalyDetector, DefectSegmenter, anomaly_map
from latente.datasets import load
from latente.metrics import per_region_overlap, pixel_auroc

FILE, KEY = "images.csv", ("study", "data", "method", "seed")
FIELDS = ("pictures", "auroc", "ap", "pixel_auroc", "pro", "fit_seconds", "score_seconds")  # fmt: skip
STUDIES = ("classes", "defects", "photos")
TESTED, TILE, TILES, STRIDE, BLUR = 300, 32, 20_000, 8, 0.7
SIDE = 256  # of the Kodak photographs at half their size, the shorter one
Pictures = NDArray[np.float32]
Fitted = Callable[[Pictures], NDArray[Any]]


def flat(x: Pictures) -> NDArray[Any]:
    return x.reshape(len(x), -1)


# One class


def knn(train: Pictures, seed: int) -> Fitted:
    """Mean distance to the five nearest training pictures."""
    neighbours = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(flat(train))
    return lambda x: neighbours.kneighbors(flat(x))[0].mean(1)


def pca(train: Pictures, seed: int) -> Fitted:
    """Squared distance from the first 32 principal components."""
    maps = pca_map(train, seed)
    return lambda x: flat(maps(x)).sum(1)


def to_mean(train: Pictures, seed: int) -> Fitted:
    mean = train.mean(0)
    return lambda x: flat(np.square(x - mean)).sum(1)


def pyod_ae(train: Pictures, seed: int) -> Fitted:
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(random_state=seed, verbose=0).fit(flat(train))
    return lambda x: model.decision_function(flat(x))


def detector(train: Pictures, seed: int) -> Fitted:
    """latente's default detector."""
    model = AnomalyDetector(calibration="quantile", random_state=seed).fit(train)
    return lambda x: -model.score_samples(x)


def joint(train: Pictures, seed: int) -> Fitted:
    """One denoising autoencoder, judged by code and residual together."""
    autoencoder = Autoencoder(32, corruption="gaussian:0.3", trainer=Trainer(epochs=20, verbose=False))
    model = AnomalyDetector(autoencoder, scoring="joint", calibration="quantile", random_state=seed).fit(train)
    return lambda x: -model.score_samples(x)


CLASSES = {"latente": detector, "joint": joint, "knn": knn, "pca": pca, "to-mean": to_mean, "pyod-ae": pyod_ae}


def classes(name: str, method: str, seed: int) -> dict[str, Any]:
    """Trains on the 6,000 training pictures of one class and judges all 10,000 test pictures."""
    data, label = load("fashion-mnist"), int(name)
    train = (data.x_train[data.y_train == label] / 255).astype(np.float32)
    start = time.process_time()
    score = CLASSES[method](train, seed)
    fitted = time.process_time()
    scores, others = score((data.x_test / 255).astype(np.float32)), data.y_test != label
    return {
        "pictures": len(scores), "auroc": roc_auc_score(others, scores), "ap": average_precision_score(others, scores),
        "fit_seconds": fitted - start, "score_seconds": time.process_time() - fitted,
    }  # fmt: skip


# Where it is


def pca_map(train: Pictures, seed: int) -> Fitted:
    model = PCA(32, random_state=seed).fit(flat(train))
    return lambda x: np.square(x - model.inverse_transform(model.transform(flat(x))).reshape(x.shape))


def to_mean_map(train: Pictures, seed: int) -> Fitted:
    mean, spread = train.mean(0), np.maximum(train.std(0), 0.05)
    return lambda x: np.square((x - mean) / spread)


def erasing_map(train: Pictures, seed: int, passes: int = 1) -> Fitted:
    """The residual of an autoencoder that learned to restore erased rectangles."""
    trainer = Trainer(epochs=30, verbose=False)
    model = Autoencoder(64, network=MLP((512,)), corruption=Erasing(), trainer=trainer, random_state=seed).fit(train)
    return lambda x: anomaly_map(model, x, passes=passes)


def passes_map(train: Pictures, seed: int) -> Fitted:
    """The same, which looks again at what it repaired, five times in all."""
    return erasing_map(train, seed, passes=5)


def noise_map(train: Pictures, seed: int) -> Fitted:
    """The same with Gaussian noise instead."""
    trainer = Trainer(epochs=30, verbose=False)
    model = Autoencoder(64, network=MLP((512,)), corruption="gaussian:0.3", trainer=trainer, random_state=seed)
    model.fit(train)
    return lambda x: anomaly_map(model, x)


class SegmenterMap:
    """The log odds that a pixel is damaged, and how large they are at most."""

    def __init__(self, train: Any, seed: int) -> None:
        self.model = DefectSegmenter(trainer=Trainer(verbose=False), random_state=seed).fit(train)

    def __call__(self, x: Pictures) -> NDArray[Any]:
        return anomaly_map(self.model, x)

    def score(self, x: Pictures) -> NDArray[Any]:
        return -self.model.score_samples(x)


class OracleMap(SegmenterMap):
    """The same, trained on the very defects that it is asked for: what the network could reach if it knew them."""

    def __init__(self, train: Any, seed: int) -> None:
        self.model = DefectSegmenter(Known(seed), trainer=Trainer(verbose=False), random_state=seed).fit(train)


class Known:
    """Plants one or two defects of the benchmark's in four of five tiles, as large as in a picture or in its half."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.from_numpy(np.stack([[self.damaged(tile)] for tile in x[:, 0].numpy()]))

    def damaged(self, tile: Pictures) -> Pictures:
        for _ in range(0 if self.rng.random() < 0.2 else self.rng.integers(1, 3)):
            kind, seed = KINDS[self.rng.integers(len(KINDS))], int(self.rng.integers(1 << 32))
            try:
                tile = planted(tile[None], kind, seed, int(self.rng.choice([SIDE, SIDE // 2])))[0][0]
            except ValueError:  # no defect would show
                continue
        return tile


class DetectorMap:
    """The default detector: maps from what it explains, and its own score of whole pictures."""

    def __init__(self, train: Pictures, seed: int) -> None:
        self.model = AnomalyDetector(calibration="quantile", random_state=seed).fit(train)

    def __call__(self, x: Pictures) -> NDArray[Any]:
        return anomaly_map(self.model, x)

    def score(self, x: Pictures) -> NDArray[Any]:
        return -self.model.score_samples(x)


MAPS = {
    "segmenter": SegmenterMap, "oracle": OracleMap, "erasing": erasing_map, "passes": passes_map, "noise": noise_map,
    "detector": DetectorMap, "pca": pca_map, "to-mean": to_mean_map,
}  # fmt: skip
LARGE = tuple(name for name in MAPS if name != "detector")  # tiles of photographs would take it too long
SMALL = tuple(name for name in MAPS if name != "oracle")  # a diagnosis of the photographs alone


def smoothed(maps: NDArray[Any]) -> NDArray[Any]:
    return gaussian_filter(maps, (0, BLUR, BLUR))


def told_apart(find: Any, clean: Pictures, damaged: list[Pictures], maps: list[NDArray[Any]]) -> dict[str, float]:
    """AUROC and average precision of damaged against clean pictures, means over the kinds of defects.

    A picture's score is the detector's own, or the largest value of the smoothed map.
    """
    if hasattr(find, "score"):
        own, found = find.score(clean), [find.score(pictures) for pictures in damaged]
    else:
        own, found = smoothed(find(clean)).max((1, 2)), [smoothed(each).max((1, 2)) for each in maps]
    pairs = [(np.repeat([0, 1], [len(own), len(each)]), np.concatenate([own, each])) for each in found]
    return {
        "auroc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
        "ap": float(np.mean([average_precision_score(*pair) for pair in pairs])),
    }


def localised(maps: list[NDArray[Any]], masks: list[NDArray[Any]]) -> dict[str, float]:
    """Means over the kinds of defects; all maps are smoothed alike."""
    pairs = list(zip(masks, map(smoothed, maps), strict=True))
    return {
        "pixel_auroc": float(np.mean([pixel_auroc(mask, found) for mask, found in pairs])),
        "pro": float(np.mean([per_region_overlap(mask, found) for mask, found in pairs])),
    }


def defects(name: str, method: str, seed: int) -> dict[str, Any]:
    """Trains on one class and looks for defects in 300 test pictures of it, of each kind: which pictures, and where."""
    data, label = load("fashion-mnist"), int(name)
    train = (data.x_train[data.y_train == label] / 255).astype(np.float32)
    clean = (data.x_test[data.y_test == label][:TESTED] / 255).astype(np.float32)
    damaged = [planted(clean, kind, seed) for kind in KINDS]
    start = time.process_time()
    find = MAPS[method](train, seed)
    fitted = time.process_time()
    maps = [find(pictures) for pictures, _ in damaged]
    found = told_apart(find, clean, [pictures for pictures, _ in damaged], maps)
    used = time.process_time() - fitted
    found |= localised(maps, [mask for _, mask in damaged])
    return found | {"pictures": TESTED * len(KINDS), "fit_seconds": fitted - start, "score_seconds": used}


def grey(folder: str, pattern: str) -> list[Pictures]:
    """Photographs at half their size, grey, in [0, 1]."""
    files = sorted((root() / folder).glob(pattern))
    return [np.asarray(Image.open(file).convert("L").reduce(2), np.float32) / 255 for file in files]


def photos(name: str, method: str, seed: int) -> dict[str, Any]:
    """Trains on tiles of other photographs and looks for defects in the Kodak photographs, tile by tile.

    The segmenter takes tiles by itself, of photographs as large as they are.
    """
    whole = method in ("segmenter", "oracle")
    rng, training = np.random.default_rng(seed), grey("photos_train", "*.webp")
    tiles = np.empty((TILES, TILE, TILE), np.float32)
    for i, picture in enumerate(training[k] for k in rng.integers(0, len(training), TILES)):
        a, b = (int(rng.integers(0, length - TILE + 1)) for length in picture.shape)
        tiles[i] = picture[a : a + TILE, b : b + TILE]
    start = time.process_time()
    find = MAPS[method](training if whole else tiles, seed)
    fitted = time.process_time()
    maps, masks = [], []
    for kind in KINDS:
        for i, picture in enumerate(grey("photos", "*.png")):
            damaged, mask = planted(picture[None], kind, seed + i)
            maps.append(find(damaged) if whole else anomaly_map(Contributions(find), damaged, tile=TILE, stride=STRIDE))
            masks.append(mask)
    used, each = time.process_time() - fitted, len(maps) // len(KINDS)
    for k, kind in enumerate(KINDS):
        print(kind, localised(maps[k * each :][:each], masks[k * each :][:each]))
    return localised(maps, masks) | {"pictures": len(maps), "fit_seconds": fitted - start, "score_seconds": used}


class Contributions:
    """A map of tiles as what `anomaly_map` asks for."""

    def __init__(self, find: Fitted) -> None:
        self.find = find

    def explain(self, X: Pictures) -> Any:
        from types import SimpleNamespace

        return SimpleNamespace(contributions=self.find(X))


def table() -> None:
    lines = read(FILE)
    for study in STUDIES:
        for method in CLASSES if study == "classes" else MAPS:
            own = [line for line in lines if (line["study"], line["method"]) == (study, method)]
            for figure in ("auroc", "ap", "pixel_auroc", "pro"):
                values = [float(line[figure]) for line in own if line[figure]]
                if values:
                    print(f"{study:8} {method:8} {figure:11} {100 * np.mean(values):.1f} (mean of {len(values)})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=[*STUDIES, "table"])
    parser.add_argument("--methods", help="names with commas; all without it")
    parser.add_argument("--only", help="one class")
    parser.add_argument("--missing", action="store_true", help="leave out what has a row")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.study == "table":
        table()
        return
    measure = {"classes": classes, "defects": defects, "photos": photos}[arguments.study]
    known = {"classes": CLASSES, "defects": SMALL, "photos": LARGE}[arguments.study]
    for name in ["kodak"] if arguments.study == "photos" else [str(i) for i in range(10)]:
        for method in arguments.methods.split(",") if arguments.methods else known:
            key = {"study": arguments.study, "data": name, "method": method, "seed": arguments.seed}
            if arguments.only in (None, name) and not (arguments.missing and has(FILE, key)):
                keep(FILE, KEY, [key | measure(name, method, arguments.seed)], FIELDS)


if __name__ == "__main__":
    main()
