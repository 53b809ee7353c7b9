"""Ways from one sample to another."""

from __future__ import annotations

__all__ = ["between_sentences", "code_path", "fade_path", "interpolation_section"]

import math

import numpy as np

from latente.diagnostics.latent.measures import halfway
from latente.diagnostics.passed import Floats, decode
from latente.estimators.interpolation import interpolate_codes
from latente.report.components import figure, section
from latente.report.html import Html
from latente.report.study import Study
from latente.report.views import path_view
from latente.report.words import number, plural, times

STEPS = 9


def interpolation_section(study: Study) -> Html:
    """Returns the chapter on a way through the latent space; the plain cross-fade stands beside it."""
    a, b = _ends(study)
    ends = (study.title(a), study.title(b))
    paths = [("through the code", code_path(study, a, b)), ("cross-fade", fade_path(study, a, b))]
    view = path_view(study, paths, ends, "path")
    intro = f"From {ends[0]} to {ends[1]} in {STEPS} steps: codes on a straight line, decoded, and a plain mixture."
    return section("Interpolation", figure(view, intro, *between_sentences(study)), id_="interpolation")


def code_path(study: Study, a: int, b: int) -> Floats:
    """Returns (9, *sample_shape): what is decoded on the straight line from the code of one sample to another's."""
    z = study.passed.z
    way = interpolate_codes(z[a : a + 1], z[b : b + 1], STEPS)
    return decode(study.model, way[:, 0].astype(np.float32))


def fade_path(study: Study, a: int, b: int) -> Floats:
    """Returns (9, *sample_shape): mixtures of two samples."""
    t = np.linspace(0, 1, STEPS, dtype=np.float32).reshape(-1, *(1,) * (study.passed.x.ndim - 1))
    return (1 - t) * study.passed.x[a] + t * study.passed.x[b]


def _ends(study: Study) -> tuple[int, int]:
    """Returns two samples: of the first two labels or, without labels, two of those shown whose codes are far apart."""
    shown = study.shown
    if study.labels is not None and len(np.unique(study.labels.index[shown])) > 1:
        other = shown[study.labels.index[shown] != study.labels.index[shown[0]]][0]
        return int(shown[0]), int(other)
    far = np.square(study.passed.z[shown] - study.passed.z[shown[0]]).sum(1).argmax()
    return int(shown[0]), int(shown[far])


def between_sentences(study: Study) -> tuple[str, str]:
    """Returns how far from data the halfway points are."""
    m, w = study.between, study.words
    where = f"training {w.one}" if study.own_reference else f"of these {w.many}"
    nearest = f"its nearest {where}" if study.own_reference else f"the nearest {where}"
    labels = " of different labels" if m.other_labels else ""
    first = (
        f"Over {plural(m.pairs, 'pair')}{labels}, what is decoded halfway lies {number(m.code)} {w.unit} from "
        f"{nearest}, the mixture of the two {number(m.fade)}."
    )
    if study.evaluation.error >= 0.99 * study.evaluation.mean_error:
        return first, f"As the model rebuilds no {w.one} better than the mean does, this says nothing about its codes."
    if m.ends == 0:
        return first, f"The reconstructions of the ends are themselves {w.many} of the data."
    healthy, sick = halfway(study.evaluation.latent_dim)
    second = (
        f"The reconstructions of the ends lie {number(m.ends)} from theirs, so halfway is "
        f"{times(math.sqrt(m.code / m.ends))} as far (as a distance, not squared). That is no verdict: from ones to "
        f"sevens of MNIST it is {healthy:g} times for the healthy reference model and {sick:g} times for the "
        "overfitted one. Whether there are holes or jumps is said under latent health."
    )
    return first, second
