"""Originals and what became of them."""

from __future__ import annotations

__all__ = ["error_sentences", "reconstruction_figure", "reconstructions_section"]

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics.passed import Floats
from latente.metrics import squared_error
from latente.report.components import figure, section
from latente.report.html import Html, tag
from latente.report.study import Study
from latente.report.views import Variant, side_by_side
from latente.report.words import count, number, percent, plural, times


def reconstructions_section(study: Study) -> Html:
    """Returns the chapter that shows originals and reconstructions."""
    w, size = study.words, study.model.schema_.size
    values = "its one value" if size == 1 else f"the {count(size)} values of {w.a}"
    what = f"Errors are ||x − x̂||², summed over {values} ({w.scale}). The number with each sample is its own error."
    figure_ = reconstruction_figure(study, study.shown, "reconstruction")
    return section("Originals and reconstructions", tag("p", what), figure_, id_="reconstructions")


def reconstruction_figure(study: Study, rows: NDArray[np.int64], prefix: str, *, mean: bool = True) -> Html:
    """Returns originals, reconstructions and the baselines', with their errors.

    Args:
        study: of the model.
        rows: which samples of `passed.x`.
        prefix: for ids.
        mean: whether the mean sample is shown too.
    """
    x = study.passed.x[rows]
    variants = [
        Variant("original", x),
        variant("reconstruction", x, study.passed.x_hat[rows]),
        variant(f"PCA, {plural(study.evaluation.latent_dim, 'number')}", x, study.by_pca(x)),
    ]
    if mean:
        variants.append(variant(f"mean {study.words.one}", x, np.broadcast_to(study.mean, x.shape)))
    return figure(side_by_side(study, rows, variants, "squared error", prefix), *error_sentences(study))


def variant(name: str, x: Floats, x_hat: Floats) -> Variant:
    """Returns a version of samples with its squared errors."""
    return Variant(name, x_hat, [number(error) for error in squared_error(x, x_hat)])


def error_sentences(study: Study) -> tuple[str, str]:
    """Returns what the errors are, and whether that is better than PCA."""
    e, w = study.evaluation, study.words
    first = (
        f"The reconstructions of {count(e.samples)} {w.many} miss {number(e.error)} {w.unit} {w.per}; PCA with as many "
        f"numbers ({e.latent_dim}) misses {number(e.pca_error)}, the mean {w.one} {number(e.mean_error)}."
    )
    if e.beats_pca:
        better = percent(1 - e.error / e.pca_error)
        return (
            first,
            f"That is {better} less than PCA, and {percent(e.explained_variance)} of the variance is explained.",
        )
    advice = next((f.advice for f in study.findings if f.advice and f.name in NOT_BETTER), "")
    ratio = times(e.error / e.pca_error) if e.pca_error > 1e-9 * e.mean_error else "infinitely"
    return first, f"The model does not beat PCA: its error is {ratio} PCA's. {advice}".strip()


NOT_BETTER = ("worse than PCA", "not better than the mean", "nothing to compress", "no variation")
