"""New samples."""

from __future__ import annotations

__all__ = ["drawn_sentences", "memorized_figure", "samples_figure", "samples_section"]

import numpy as np

from latente.report.components import Cell, Row, figure, grid, section
from latente.report.html import Html, tag
from latente.report.pictures import Canvas
from latente.report.study import SHOWN, Study
from latente.report.views import samples_view
from latente.report.words import count, number, percent

MANY_COPIES = 0.05  # of the samples nearer to a training image than 99% of unseen images; 0.01 is chance


def samples_section(study: Study) -> Html:
    """Returns the chapter on samples of the prior; it says so where there is none."""
    if study.samples is None:
        text = (
            "This model has no prior: its bottleneck leaves the distribution of the codes free, so there is nothing to "
            "draw new codes from. A variational autoencoder has one."
        )
        return section("Samples", tag("p", text), id_="samples")
    return section("Samples", samples_figure(study), memorized_figure(study), id_="samples")


def samples_figure(study: Study) -> Html:
    """Returns samples of the prior and how they compare with data; empty where there is no prior."""
    if study.samples is None:
        return Html()
    return figure(samples_view(study, study.samples, "sample"), *drawn_sentences(study))


def memorized_figure(study: Study) -> Html:
    """Returns samples beside their nearest training pictures, and whether they are copies.

    It is empty where samples are no pictures, where the training data are not known, and where no unseen ones are.
    """
    if study.model.schema_.kind != "image" or (found := study.memorized) is None or study.samples is None:
        return Html()
    canvas = Canvas.of(study.model.schema_, study.passed.x)
    nearest = np.argsort(found.ratio, kind="stable")[:SHOWN]
    pairs = [
        Row("sample", [Cell(canvas.pixels(study.samples[i]), f"sample {i + 1} of the prior") for i in nearest]),
        Row(
            "nearest training image",
            [Cell(canvas.pixels(study.reference[found.index[i]]), f"training image nearest to sample {i + 1}",
                  f"{found.ratio[i]:.2f} ×") for i in nearest],
        ),
    ]  # fmt: skip
    known, rows = len(study.reference), study.evidence.rows
    among = f"{count(known)} training images" + ("" if known >= rows else f", evenly spaced among {count(rows)}")
    return figure(
        grid(pairs),
        f"The {len(nearest)} of {count(len(study.samples))} samples that come nearest to training images, and those; "
        f"under each its distance over the usual one of an unseen image. Looked through were {among}.",
        f"The median sample is {found.median_ratio:.2f} times as far from its nearest training image as an unseen "
        f"image is; {percent(found.near_copies)} of the samples are nearer than 99% of the unseen images are, where 1% "
        f"is what images of the data's own kind give: {_memory(found.near_copies)}.",
    )


def _memory(near_copies: float) -> str:
    if near_copies <= MANY_COPIES:
        return "no sign of copies"
    return "so many may be copies, which the pictures show (a blurred sample comes near to many, too)"


def drawn_sentences(study: Study) -> tuple[str, str]:
    """Returns how near to data samples of the prior are, and how varied."""
    d, w = study.drawn, study.words
    if d is None:
        return "", ""
    base = f"training {w.one}" if study.own_reference else f"of the {w.many} here"
    nearest = f"its nearest {base}" if study.own_reference else f"the nearest {base}"
    real = f"an unseen {w.one}" if study.own_reference else f"another {w.one}"
    first = (
        f"A sample lies {number(d.sample)} {w.unit} from {nearest} on average, {real} {number(d.real)}, the "
        f"reconstruction of one {number(d.rebuilt)}."
    )
    second = (
        f"Two samples differ by {number(d.sample_spread)}, two {w.many} by {number(d.real_spread)}: the samples have "
        f"{percent(d.sample_spread / d.real_spread)} of the data's variety."
        if d.real_spread > 0
        else "The data do not vary."
    )
    return first, second
