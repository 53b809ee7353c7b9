"""The maps as one picture: docs/benchmarks-features-maps.png."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PICTURE = Path(__file__).parents[2] / "docs" / "benchmarks-features-maps.png"
TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
POINTS = 2_500


def write_picture(maps: dict[str, np.ndarray], sets: Sequence[str], methods: Sequence[str]) -> None:
    """Draws a row of panels for each set of images, one colour for each label.

    Args:
        maps: (n, 2) by "set-method", of the first n training images.
        sets: names for `latente.datasets.load`.
        methods: from left to right.
    """
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    from latente.datasets import load

    figure, panels = plt.subplots(len(sets), len(methods), figsize=(2 * len(methods), 2.15 * len(sets)), dpi=100)
    for i, data in enumerate(sets):
        labels = load(data).y_train[:POINTS]
        for j, method in enumerate(methods):
            z, panel = maps[f"{data}-{method}"][:POINTS], panels[i, j]
            panel.scatter(*z.T, c=labels, cmap="tab10", vmin=0, vmax=9, s=1.2, linewidths=0, antialiased=False)
            low, high = np.quantile(z, (0.002, 0.998), axis=0)  # a few far points would make the rest a dot
            low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
            panel.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
            panel.set_title(TITLES.get(method, method) if i == 0 else "", fontsize=9)
            panel.set_ylabel(data if j == 0 else "", fontsize=9)
    figure.tight_layout(pad=0.3)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(32, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
