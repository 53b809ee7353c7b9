"""A control: PCA at k = 32 when the classifier, not the encoder, sees deformed images: 20 copies of each of 100.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/features/copies.py

Writes copies.csv and the page. The deformations and the noise are those of the "-deformed" kinds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from kinds import FlatPCA, deform_and_add_noise, flat
from probes import CLASSIFIERS, DRAWS, centred, classifier, few_labels
from results import replace_row
from sklearn.model_selection import StratifiedGroupKFold
from tables import write_page

from latente.datasets import load

RESULTS = Path(__file__).with_name("copies.csv")
SETS = ("mnist", "fashion-mnist")
COPIES, K = 20, 32


def copies_of(images: np.ndarray, seed: int) -> np.ndarray:
    """Returns (20 n, 784) float32: deformed copies of images (n, h, w) uint8, one whole set after the other."""
    x = torch.from_numpy(np.tile(flat(images), (COPIES, 1))).view(-1, 1, *images.shape[1:])
    return deform_and_add_noise(x, torch.Generator().manual_seed(seed)).flatten(1).numpy()


def measure(data: str) -> dict[str, object]:
    """Returns mean and deviation of each classifier's accuracy over the draws of 100 labels, in per cent."""
    images, pca = load(data), FlatPCA(K)
    pca.fit(images.x_train)
    train = pca.transform(images.x_train)
    codes, test = centred(train, pca.transform(images.x_test))
    scores: dict[str, list[float]] = {name: [] for name in CLASSIFIERS}
    mean, scale = train.mean(0), np.sqrt(train.var(0).mean())
    for draw in range(DRAWS):
        chosen = few_labels(images.y_train, draw)
        more = (pca.pca.transform(copies_of(images.x_train[chosen], draw)) - mean) / scale
        x, y = np.concatenate([codes[chosen], more]), np.tile(images.y_train[chosen], COPIES + 1)
        for name, found in scores.items():
            model = classifier(name, True, draw)
            if name == "linear":  # a fold must not hold copies of what the others hold
                model.set_params(
                    cv=list(StratifiedGroupKFold(5).split(x, y, np.tile(np.arange(len(chosen)), COPIES + 1)))
                )
            found.append(100 * model.fit(x, y).score(test, images.y_test))
    row: dict[str, object] = {"name": data, "seed": 0}
    for name, found in scores.items():
        row |= {f"{name}_100": float(np.mean(found)), f"{name}_100_sd": float(np.std(found, ddof=1))}
    return row


if __name__ == "__main__":
    for data in SETS:
        replace_row(RESULTS, measure(data), ("name", "seed"), SETS)
    write_page()
