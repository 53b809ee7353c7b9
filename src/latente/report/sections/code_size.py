"""How the size of the code was found."""

from __future__ import annotations

__all__ = ["code_size_section"]

import math

from latente.estimators import LatentSize
from latente.report.components import figure, section
from latente.report.html import Html, tag
from latente.report.plots import curve_plot
from latente.report.study import Study
from latente.report.words import count, number, percent, plural


def code_size_section(study: Study) -> Html | None:
    """Returns the chapter on the size that latent_dim="auto" chose; None for a number, or where none was to choose."""
    found: LatentSize | None = getattr(study.model, "latent_size_", None)
    if found is None or not found.variance > 0:
        return None
    alt = f"The error of held-out {study.words.many} by the size of the code: from {number(found.errors[0])} to "
    alt += number(found.errors[-1])
    curve = {"held out": found.errors.tolist()}
    drawing = curve_plot(curve, "squared error", alt, "code-size", xlabel="size of the code")
    doubts = [tag("p", f"{doubt}.") for doubt in found.doubts]
    return section("Size of the code", figure(drawing, *_sentences(found, study)), *doubts, id_="code-size")


def _sentences(found: LatentSize, study: Study) -> list[str]:
    """Returns what the figure shows."""
    chosen, widest, half = found.latent_dim, found.widest, max(1, found.latent_dim // 2)
    measured = f" on {count(found.held_out)} held-out {study.words.many}" if found.held_out else ""
    losses = f"{percent(found.lost(chosen))} of the variance is lost there, {percent(found.lost(half))} with {half}"
    near = f" Near each other the data vary in about {found.intrinsic_dimension:.0f} directions."
    near = "" if math.isnan(found.intrinsic_dimension) else near
    return [
        f"A code of {plural(widest, 'number')} was trained briefly and cut to fewer and fewer{measured}.",
        f"{chosen} is the smallest size within 0.1% of the variance of the lowest error: {losses}.{near}",
        "A model that is trained at a smaller size can do better than the cut code.",
    ]
