"""The demo's models beside each other."""

from __future__ import annotations

__all__ = ["comparison_section", "interpolations_section", "maps_section", "result_section"]

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from latente.datasets import Dataset
from latente.diagnostics.passed import Floats, decode
from latente.report.components import figure, section, table
from latente.report.html import Html, join, tag
from latente.report.measures import Between, measure_between, measure_drawn
from latente.report.plots import legend
from latente.report.sections.interpolation import STEPS, code_path, fade_path
from latente.report.sections.latent_map import map_figure
from latente.report.study import Study
from latente.report.views import path_view, samples_view
from latente.report.words import count, joined, number, percent, plural

if TYPE_CHECKING:
    from latente.report.gallery import Trained

PAIRS = (("Sneaker", "Ankle boot"), ("Shirt", "Dress"))
WALKERS = ("vanilla", "convolutional", "stacked", "variational")


def result_section(trained: Sequence[Trained]) -> Html:
    """Returns the table of all models against PCA and the mean, and who is best."""
    e = trained[0].study.evaluation
    neighbours = trained[0].study.neighbours
    rows = [_result_row(one) for one in trained]
    by_pca = "—" if neighbours is None else percent(neighbours.pca)
    explained = percent(1 - e.pca_error / e.mean_error)
    rows.append([f"PCA, {plural(e.latent_dim, 'number')}", number(e.pca_error), "1.00 ×", explained, by_pca, "—", "—"])
    rows.append(["mean image", number(e.mean_error), f"{e.mean_error / e.pca_error:.2f} ×", "0%", "—", "—", "—"])
    order = sorted(trained, key=lambda one: one.study.evaluation.error)
    head = ["", "error per image", "against PCA", "variance explained", "like neighbours", "weights", "training"]
    caption = f"Squared errors on {count(e.samples)} test images; every code has {e.latent_dim} numbers."
    body = table(head, rows, caption=caption, emphasised=[trained.index(order[0])])
    return section("The result", tag("figure", body, tag("figcaption", _verdict(order, e.pca_error))), id_="result")


def _result_row(one: Trained) -> list[object]:
    e, n = one.study.evaluation, one.study.neighbours
    weights = sum(p.numel() for p in one.study.model.module_.parameters())
    return [
        tag("a", one.kind.title, href=f"models/{one.kind.name}/report.html"),
        number(e.error),
        f"{e.error / e.pca_error:.2f} ×",
        percent(e.explained_variance),
        "—" if n is None else percent(n.code),
        count(weights),
        f"{number(one.seconds)} s",
    ]


def _verdict(order: Sequence[Trained], pca: float) -> str:
    """Says who is best, who does not beat PCA, and what the column on neighbours is."""
    best = order[0]
    first = (
        f"{best.kind.title} has the smallest error, {number(best.study.evaluation.error)} squared grey levels per image"
    )
    worse = [one.kind.title for one in order if not one.study.evaluation.beats_pca]
    if not worse:
        first += f"; all {len(order)} models are below PCA's {number(pca)}."
    elif len(worse) == len(order):
        first += f"; none is below PCA's {number(pca)}. Train for more epochs to change that."
    else:
        first += f"; {joined(worse)} {'is' if len(worse) == 1 else 'are'} not below PCA's {number(pca)}."
    return (
        f"{first} Like neighbours are those among the ten nearest in the code that show the same kind of garment; by "
        f"chance it would be {percent(n.chance) if (n := best.study.neighbours) else '—'}."
    )


def maps_section(trained: Sequence[Trained]) -> Html:
    """Returns the latent maps of all models, side by side."""
    maps = []
    for one in trained:
        drawing = map_figure(one.study, f"{one.kind.name}-map", with_legend=False, beside=False)
        maps.append(tag("div", tag("h3", one.kind.title), drawing))
    labels = trained[0].study.labels
    names = None if labels is None else legend([labels.names[i] for i in labels.present])
    intro = (
        "Every test image is a dot where its code lies. No model was told the labels: the colours only show what the "
        "codes keep together by themselves. A code has more than two numbers, so each map is a shadow of it."
    )
    return section("Latent maps", tag("p", intro), names, tag("div", *maps, class_="side"), id_="maps")


def interpolations_section(trained: Sequence[Trained], data: Dataset) -> Html:
    """Returns ways between two pairs of garments, through the codes of several models."""
    walkers = [one for one in trained if one.kind.name in WALKERS]
    intro = (
        f"Two images, their codes, and the codes on the straight line between them, decoded in {STEPS} steps. The last "
        "row mixes the pixels of the two images instead. Each image is the test image nearest to the mean of its label."
    )
    parts = [_interpolation(walkers, first, second, i) for i, (first, second) in enumerate(PAIRS)]
    return section("Interpolations", tag("p", intro), *parts, id_="interpolations")


def _interpolation(walkers: Sequence[Trained], first: str, second: str, i: int) -> Html:
    """Returns the ways from one garment to another."""
    study = walkers[0].study
    a, b = (_typical(study, name) for name in (first, second))
    paths = [(one.kind.title, code_path(one.study, a, b)) for one in walkers]
    paths.append(("mixed pixels", fade_path(study, a, b)))
    view = path_view(study, paths, (first.lower(), second.lower()), f"way-{i}")
    measured = [_between(one.study, first, second) for one in walkers]
    title = f"From {first.lower()} to {second.lower()}"
    return join([tag("h3", title), figure(view, *_ways(walkers, measured, first, second))])


def _typical(study: Study, name: str) -> int:
    """Returns the sample that is nearest to the mean of its label."""
    if study.labels is None:
        return 0
    rows = np.flatnonzero(study.labels.index == study.labels.names.index(name))
    x = study.passed.x[rows].reshape(len(rows), -1)
    return int(rows[np.square(x - x.mean(0)).sum(1).argmin()])


def _between(study: Study, first: str, second: str) -> Between:
    """Measures ways between samples of two labels only."""
    if study.labels is None:
        return study.between
    wanted = [study.labels.names.index(name) for name in (first, second)]
    rows = np.flatnonzero(np.isin(study.labels.index, wanted))
    x, z, labels = study.passed.x[rows], study.passed.z[rows], study.labels.index[rows]
    inside = not study.own_reference
    return measure_between(study.model, x, z, labels, study.reference, study.rng(), inside=inside)


def _ways(walkers: Sequence[Trained], measured: Sequence[Between], first: str, second: str) -> tuple[str, str]:
    """Says how far from real images the halfway points are."""
    codes = [f"{number(m.code)} ({one.kind.title.lower()})" for one, m in zip(walkers, measured, strict=True)]
    text = (
        f"Over {measured[0].pairs} pairs of {first.lower()} and {second.lower()}, what is decoded halfway lies "
        f"{joined(codes)} squared grey levels from its nearest training image, mixed pixels {number(measured[0].fade)}."
    )
    ratios = [m.code / m.ends for m in measured]
    low, high = int(np.argmin(ratios)), int(np.argmax(ratios))
    return text, (
        f"Held against the reconstructions of the two ends, halfway is {ratios[low]:.2f} times as far for "
        f"{walkers[low].kind.title.lower()}, the least, and {ratios[high]:.2f} times for "
        f"{walkers[high].kind.title.lower()}, the most. That is no verdict: healthy "
        "latent spaces can have larger ratios than sick ones."
    )


def comparison_section(trained: Sequence[Trained]) -> Html | None:
    """Returns what comes of drawing codes at random, with a prior and without."""
    prior = next((one for one in trained if one.study.samples is not None), None)
    other = next((one for one in trained if one.kind.name == "stacked"), None)
    if prior is None or other is None or prior.study.samples is None or prior.study.drawn is None:
        return None
    intro = (
        f"The {prior.kind.title.lower()} autoencoder has a distribution to draw codes from. The others have none; the "
        "second sheet tries it all the same: each number of the code is drawn from a normal distribution with the mean "
        "and the spread that it has over the training images."
    )
    drawn = _without_prior(other.study, len(prior.study.samples))
    d = prior.study.drawn
    x, x_hat = other.study.passed.x, other.study.passed.x_hat
    o = measure_drawn(drawn, x, x_hat, other.study.reference, inside=not other.study.own_reference)
    sheets = [
        tag("div", tag("h3", one.kind.title), samples_view(one.study, samples, f"{one.kind.name}-sheet"))
        for one, samples in ((prior, prior.study.samples), (other, drawn))
    ]
    first = (
        f"Drawn images lie {number(d.sample)} squared grey levels from their nearest training image for the "
        f"{prior.kind.title.lower()} model and {number(o.sample)} without a prior; for unseen photographs it is "
        f"{number(d.real)}."
    )
    second = (
        f"Two drawn images differ by {number(d.sample_spread)} and {number(o.sample_spread)}, two photographs by "
        f"{number(d.real_spread)}: near is good only when the variety is kept too."
    )
    return section(
        "New images", tag("p", intro), figure(tag("div", *sheets, class_="side"), first, second), id_="samples"
    )


def _without_prior(study: Study, n: int) -> Floats:
    """Returns n samples decoded from codes of the right mean and spread in each unit."""
    z = study.model.transform(study.model.schema_.restore(study.reference))
    drawn = z.mean(0) + z.std(0) * study.rng().standard_normal((n, z.shape[1]))
    return decode(study.model, drawn.astype(np.float32))
