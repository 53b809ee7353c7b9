"""The maps as one picture: docs/benchmarks-features-maps.png."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE = Path(__file__).parents[2] / "docs" / "benchmarks-features-maps.png"
TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
POINTS = 2_500
COLOURS = "tab10"


def write_picture(maps: dict[str, np.ndarray], sets: Sequence[str], methods: Sequence[str]) -> None:
    """Draws a row of panels for each set of images, one colour for each label, and what the colours mean below.

    Args:
        maps: (n, 2) by "set-method", of the first n training images.
        sets: names for `latente.datasets.load`.
        methods: from left to right.
    """
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from latente.datasets import load

    figure, panels = plt.subplots(len(sets), len(methods), figsize=(2 * len(methods), 2.15 * len(sets)), dpi=100)
    for i, data in enumerate(sets):
        labels = load(data).y_train[:POINTS]
        for j, method in enumerate(methods):
            z, panel = maps[f"{data}-{method}"][:POINTS], panels[i, j]
            panel.scatter(*z.T, c=labels, cmap=COLOURS, vmin=0, vmax=9, s=1.2, linewidths=0, antialiased=False)
            low, high = np.quantile(z, (0.002, 0.998), axis=0)  # a few far points would make the rest a dot
            low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
            panel.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
            panel.set_title(TITLES.get(method, method) if i == 0 else "", fontsize=9)
            panel.set_ylabel(data if j == 0 else "", fontsize=9)
    figure.tight_layout(pad=0.3)
    save(drawn(figure), key({data: load(data).label_names for data in sets}, 2 * len(methods)))


def key(names: dict[str, Sequence[str]], width: float) -> Image:
    """Returns what the colours mean, a line for each set.

    Args:
        names: of the labels, by set; at most ten, as there are colours.
        width: in inches.
    """
    import matplotlib.pyplot as plt

    figure, lines = plt.subplots(len(names), 1, figsize=(width, 0.24 * len(names)), dpi=100, squeeze=False)
    for line, (data, labels) in zip(lines[:, 0], names.items(), strict=True):
        line.axis("off")
        colours = plt.get_cmap(COLOURS).colors[: len(labels)]
        marks = [line.plot([], [], "o", color=colour, markersize=5)[0] for colour in colours]
        named = [line.plot([], [], " ")[0], *marks], [f"{data}:", *labels]
        style = {"frameon": False, "fontsize": 9, "handletextpad": 0.1, "columnspacing": 1.0, "borderpad": 0.0}
        line.legend(*named, ncols=len(labels) + 1, loc="center", **style)
    figure.subplots_adjust(0, 0, 1, 1)
    return drawn(figure)


def drawn(figure: Any) -> Image:
    """Returns a figure as an image."""
    import matplotlib.pyplot as plt
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    return Image.open(file).convert("RGB")


def save(panels: Image, below: Image) -> None:
    """Writes the picture: the panels, and what the colours mean below them."""
    from PIL import Image

    whole = Image.new("RGB", (panels.width, panels.height + below.height), "white")
    whole.paste(panels, (0, 0))
    whole.paste(below, (0, panels.height))
    whole.quantize(32, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
