"""The errors in a table, and where they are largest."""

from __future__ import annotations

__all__ = ["errors_section"]

import numpy as np

from latente.report.components import section, table
from latente.report.html import Html, breakable, join, tag
from latente.report.plots import legend
from latente.report.study import Study
from latente.report.views import Variant, at_most, column_names, side_by_side, worst_columns
from latente.report.words import count, joined, number, percent, plural

LISTED = 30  # columns of a table that are listed


def errors_section(study: Study) -> Html:
    """Returns the chapter on errors: the table against the baselines, the worst samples, the worst columns."""
    e, w = study.evaluation, study.words
    size = study.model.schema_.size

    def row(name: str, error: float) -> list[str]:
        against = f"{error / e.pca_error:.2f} ×" if e.pca_error > 1e-9 * e.mean_error else "—"
        return [name, number(error), number(error / size), against]

    rows = [
        row("this model", e.error),
        row(f"PCA, {plural(e.latent_dim, 'number')}", e.pca_error),
        row(f"mean {w.one}", e.mean_error),
    ]
    basis = "the reference (training) data" if study.own_reference else "these samples themselves, which favours them"
    caption = f"Squared errors on {count(e.samples)} {w.many}, {w.scale}; PCA and the mean were fitted on {basis}."
    head = ["", f"error {w.per}", "per value", "against PCA"]
    columns = _columns(study) if study.model.schema_.kind == "table" else None
    return section("Errors", table(head, rows, caption=caption, emphasised=[0]), _worst(study), columns, id_="errors")


def _worst(study: Study) -> Html:
    """Returns the samples with the largest errors."""
    errors, x, w = study.passed.errors, study.passed.x, study.words
    rows = np.argsort(-errors, kind="stable")[: at_most(study)]
    low, middle, high = np.quantile(errors, [0.05, 0.5, 0.95])
    text = (
        f"Nine in ten {w.many} have an error between {number(low)} and {number(high)}, half of them below "
        f"{number(middle)}. These have the largest, {number(errors[rows[-1]])} to {number(errors[rows[0]])}."
    )
    if study.labels is not None:
        text += f" They are labelled {joined(sorted({study.labels.name(int(row)) for row in rows}))}."
    variants = [
        Variant("original", x[rows]),
        Variant("reconstruction", study.passed.x_hat[rows], [number(error) for error in errors[rows]]),
    ]
    view = side_by_side(study, rows, variants, "squared error", "worst")
    title = tag("h3", f"The {w.many} that are rebuilt worst")
    return join([title, tag("figure", view, tag("figcaption", text))])


def _columns(study: Study) -> Html:
    """Returns the error of each column as bars, the worst first."""
    x, names = study.passed.x, column_names(study)
    model, pca = (np.square(x - y, dtype=np.float64).mean(0) for y in (study.passed.x_hat, study.by_pca(x)))
    variance = x.var(0, dtype=np.float64)
    order = worst_columns(study)
    top = max(float(model.max()), float(pca.max()), 1e-12)
    rows = [
        [breakable(names[c]), _bars(model[c] / top, pca[c] / top), number(model[c]), number(pca[c]),
         percent(model[c] / variance[c]) if variance[c] > 1e-12 else "—"]
        for c in order[:LISTED]
    ]  # fmt: skip
    worst, best = order[0], order[-1]
    text = (
        f"The column rebuilt worst is {names[worst]}, with a mean squared error of {number(model[worst])}, the best "
        f"{names[best]}, with {number(model[best])}. {count(int((model < pca).sum()))} of {count(len(model))} columns "
        "are rebuilt better than by PCA."
    )
    head = ["column", "", "model", "PCA", "of its variance"]
    caption = f"The {len(rows)} columns with the largest errors." if len(rows) < len(order) else "All columns."
    body = tag("figure", legend(["model", "PCA"], [0, 11]), table(head, rows, caption=caption), tag("figcaption", text))
    return join([tag("h3", "Column by column"), body])


def _bars(model: float, pca: float) -> Html:
    """Returns two bars, of lengths in [0, 1]."""
    lengths = [f"width:{100 * min(1.0, max(0.0, share)):.1f}%" for share in (model, pca)]
    upper, lower = tag("span", class_="bar", style=lengths[0]), tag("span", class_="bar other", style=lengths[1])
    return tag("span", upper, lower, class_="bars")
