"""Where the codes lie."""

from __future__ import annotations

__all__ = ["map_figure", "map_section"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics.passed import evenly
from latente.report.components import figure, section
from latente.report.html import Html, tag
from latente.report.plots import legend, map_plot
from latente.report.study import MAPPED, Study
from latente.report.words import count, number, percent


def map_section(study: Study) -> Html:
    """Returns the chapter on the latent space."""
    return section("Latent map", map_figure(study, "map"), id_="map")


def map_figure(study: Study, prefix: str, *, with_legend: bool = True, beside: bool = True) -> Html:
    """Returns a map of the codes, coloured by label where there are labels.

    Args:
        study: of the model.
        prefix: for ids.
        with_legend: whether the colours are explained below it.
        beside: whether the sentences stand beside it where there is room.
    """
    rows = evenly(len(study.passed.z), MAPPED)
    points, names, first = _flat(study.passed.z[rows])
    labels = None if study.labels is None else study.labels.take(rows).few()
    alt = f"A map of {len(rows)} codes" + ("" if labels is None else f", coloured by {len(labels.present)} labels")
    drawing = map_plot(points, labels, names, alt, prefix)
    shown = None
    if labels is not None and with_legend:
        shown = legend([labels.names[i] for i in labels.present], [int(i) for i in labels.present])
    text = f"{count(len(rows))} {study.words.many}; {first}"
    return figure(tag("div", drawing, shown), text, _second(study), beside=beside)


def _flat(z: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, str], str]:
    """Returns codes in two dimensions, the names of the axes, and how they came about."""
    z = z.astype(np.float64)
    k = z.shape[1]
    if k == 2:
        return z, ("z₁", "z₂"), "the two axes are the code itself."
    if k == 1:
        height = np.random.default_rng(0).uniform(-1, 1, len(z))  # so that points do not hide each other
        return np.column_stack([z, height]), ("z₁", ""), "the horizontal axis is the code itself, heights are random."
    centred = z - z.mean(0)
    _, s, axes = np.linalg.svd(centred, full_matrices=False)
    total = float(np.square(s).sum())
    share = float(np.square(s[:2]).sum()) / total if total > 0 else 1.0
    text = (
        f"the axes are the first two principal components of the {k} latent units, which hold {percent(share)} of the "
        "codes' variance."
    )
    return centred @ axes[:2].T, ("first component", "second component"), text


def _second(study: Study) -> str:
    n = study.neighbours
    if n is None:
        spread = study.passed.z.std(0)
        return f"The latent units' standard deviations run from {number(spread.min())} to {number(spread.max())}."
    return (
        f"Of a sample's ten nearest neighbours in the whole code {percent(n.code)} have its label; in PCA's code it is "
        f"{percent(n.pca)}, by chance {percent(n.chance)}."
    )
