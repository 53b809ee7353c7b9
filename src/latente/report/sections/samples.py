"""New samples."""

from __future__ import annotations

__all__ = ["drawn_sentences", "samples_figure", "samples_section"]

from latente.report.components import figure, section
from latente.report.html import Html, tag
from latente.report.study import Study
from latente.report.views import samples_view
from latente.report.words import number, percent


def samples_section(study: Study) -> Html:
    """Returns the chapter on samples of the prior; it says so where there is none."""
    if study.samples is None:
        text = (
            "This model has no prior: its bottleneck leaves the distribution of the codes free, so there is nothing to "
            "draw new codes from. A variational autoencoder has one."
        )
        return section("Samples", tag("p", text), id_="samples")
    return section("Samples", samples_figure(study), id_="samples")


def samples_figure(study: Study) -> Html:
    """Returns samples of the prior and how they compare with data; empty where there is no prior."""
    if study.samples is None:
        return Html()
    return figure(samples_view(study, study.samples, "sample"), *drawn_sentences(study))


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
