"""Noise, and what is left of it."""

from __future__ import annotations

__all__ = ["denoising_figure", "denoising_section"]

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics import pass_through
from latente.diagnostics.passed import Floats
from latente.metrics import psnr
from latente.report.components import figure, section
from latente.report.html import Html, tag
from latente.report.measures import clipped, corrupted, median_filtered, span
from latente.report.study import Study
from latente.report.views import Variant, side_by_side
from latente.report.words import db, joined, noise_words


def denoising_section(study: Study) -> Html | None:
    """Returns the chapter on denoising; None where the model was trained without a corruption."""
    if study.denoised is None:
        return None
    intro = (
        f"The model was trained to rebuild clean {study.words.many} from corrupted ones: "
        f"{noise_words(study.model.recipe_.corruption)}. "
        "PSNR, the peak signal-to-noise ratio in decibels, is higher for cleaner samples: 10 dB more is a tenth of the "
        "mean squared error. It is the number with each sample."
    )
    return section("Removing noise", tag("p", intro), denoising_figure(study, study.shown, "noise"), id_="denoising")


def denoising_figure(study: Study, rows: NDArray[np.int64], prefix: str) -> Html | None:
    """Returns samples clean, noisy and restored, with their PSNR; None where there is no corruption.

    Args:
        study: of the model.
        rows: which samples of `passed.x`.
        prefix: for ids.
    """
    if study.denoised is None:
        return None
    model, x = study.model, study.passed.x[rows]
    noisy = corrupted(model, x, study.random_state)
    versions = {
        "noisy": clipped(model, noisy),
        "restored": pass_through(model, noisy).x_hat,
        "PCA": clipped(model, study.by_pca(noisy)),
    }
    if model.schema_.kind == "image":
        versions["3 × 3 median"] = median_filtered(clipped(model, noisy))
    data_range = span(model, study.passed.x)
    variants = [Variant("clean", x), *(_variant(name, x, y, data_range) for name, y in versions.items())]
    return figure(side_by_side(study, rows, variants, "PSNR in dB", prefix), *_sentences(study))


def _variant(name: str, x: Floats, y: Floats, data_range: float) -> Variant:
    return Variant(name, y, [f"{value:.1f}" for value in psnr(x, y, data_range)])


def _sentences(study: Study) -> tuple[str, str]:
    d, w = study.denoised, study.words
    if d is None:
        return "", ""
    others = [f"PCA fitted on clean {w.many} {'to' if d.pca > d.noisy else 'at'} {db(d.pca)}"]
    if d.median is not None:
        others.append(f"a 3 × 3 median filter to {db(d.median)}")
    change = "restores them to" if d.restored > d.noisy else "does not help: it leaves them at"
    first = (
        f"The noise leaves the {w.many} at {db(d.noisy)} taken together; the model {change} {db(d.restored)}, "
        f"{joined(others)}."
    )
    best = max(d.pca, d.median if d.median is not None else d.pca)
    gain = d.restored - best
    if d.restored <= d.noisy:
        second = f"Even clean {w.many} come back at only {db(d.clean)}, so train longer or use a larger latent_dim."
    elif gain > 0:
        second = f"That is {db(gain)} more than the better of those; clean {w.many} come back at {db(d.clean)}."
    else:
        second = (
            f"{'PCA' if d.pca == best else 'The median filter'} is {db(-gain)} better, so train longer or use a larger "
            f"latent_dim: even clean {w.many} come back at only {db(d.clean)}."
        )
    return first, second
