"""The demo's page: every kind explained, shown, and held against the others."""

from __future__ import annotations

__all__ = ["Trained", "gallery_html", "record"]

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from latente.datasets import Dataset
from latente.diagnostics import Passed
from latente.report.compare import comparison_section, interpolations_section, maps_section, result_section
from latente.report.components import details, figure, findings_list, section
from latente.report.html import Html, join, tag
from latente.report.kinds import LATENT, Kind
from latente.report.page import page
from latente.report.sections.architecture import architecture_figure
from latente.report.sections.denoising import denoising_figure
from latente.report.sections.learning import learning_figure
from latente.report.sections.reconstructions import reconstruction_figure, variant
from latente.report.sections.samples import samples_figure
from latente.report.sections.summary import versions
from latente.report.study import Study
from latente.report.views import Variant, side_by_side
from latente.report.words import count, number, percent, plural


@dataclass(frozen=True, eq=False)
class Trained:
    """A model of the demo.

    Attributes:
        kind: what it is.
        study: what was measured on the test images.
        seconds: wall time of its training.
        before: what it made of the test images after pretraining, before fine-tuning; None where there was none.
    """

    kind: Kind
    study: Study
    seconds: float
    before: Passed | None = None


def gallery_html(trained: Sequence[Trained], data: Dataset, seed: int) -> str:
    """Returns the gallery as an HTML document.

    Args:
        trained: all models.
        data: what they were trained and judged on.
        seed: of everything random.
    """
    chapters: dict[str, list[Trained]] = {}
    for one in trained:
        chapters.setdefault(one.kind.chapter, []).append(one)
    lead = (
        f"Five kinds of autoencoder, trained on {count(len(data.x_train))} photographs of clothing and judged on "
        f"{count(len(data.x_test))} others."
    )
    return page(
        "What autoencoders do",
        lead,
        _contents(list(chapters)),
        _introduction(trained[0].study, data),
        result_section(trained),
        *(_chapter(i, title, members) for i, (title, members) in enumerate(chapters.items(), 1)),
        maps_section(trained),
        interpolations_section(trained, data),
        comparison_section(trained),
        _findings(trained),
        _making(trained, data, seed),
    )


def _contents(chapters: Sequence[str]) -> Html:
    """Returns links to the chapters."""
    links = [("what", "What an autoencoder is"), ("result", "The result")]
    links += [(f"kind-{i}", title.partition(":")[0]) for i, title in enumerate(chapters, 1)]
    links += [("maps", "Latent maps"), ("interpolations", "Interpolations"), ("samples", "New images")]
    links += [("findings", "Findings"), ("making", "How this was made")]
    items = [tag("li", tag("a", title, href=f"#{id_}")) for id_, title in links]
    return tag("nav", tag("ul", *items), aria_label="Contents")


def _introduction(study: Study, data: Dataset) -> Html:
    """Explains the idea, and what everything is held against."""
    size, e = count(study.model.schema_.size), study.evaluation
    idea = (
        f"An autoencoder is two networks that are trained together. The encoder e turns an image x, here {size} grey "
        f"levels, into a code z = e(x), here {LATENT} numbers. The decoder d turns the code back into an image, "
        "x̂ = d(z). Both are adjusted, a little at a time, so that the squared error ‖x − d(e(x))‖² becomes small over "
        "the training images. Nobody says what the numbers of the code should mean."
    )
    bottleneck = (
        "The code is the bottleneck: it is too small to copy an image, so it has to keep what distinguishes one image "
        "from another and leave out what all share. Codes are points in the latent space. One can draw them as a map, "
        "or walk from one to another and decode on the way. But only codes of images were ever decoded while training: "
        "what comes out at a point between them, in a hole of the latent space, nobody has asked for. It is measured "
        "below."
    )
    yardsticks = (
        "Two simple methods are the yardsticks: the mean of the training images, the same answer for every image, and "
        f"PCA, the best linear code, with as many numbers ({e.latent_dim}). All errors are on images that no model was "
        "trained on, in squared grey levels (black is 0, white is 1) summed over an image."
    )
    rows = study.rng().permutation(len(study.passed.x))[:8]
    view = side_by_side(study, rows, [Variant("test images", study.passed.x[rows])], "", "data")
    caption = f"{data.description} {data.source}; licence: {data.licence}."
    paragraphs = [tag("p", text) for text in (idea, bottleneck, yardsticks)]
    return section("What an autoencoder is", *paragraphs, figure(view, caption), id_="what")


def _chapter(i: int, title: str, members: Sequence[Trained]) -> Html:
    """Explains and shows one kind, which may have more than one model."""
    first = members[0]
    parts: list[object] = [tag("p", first.kind.idea), architecture_figure(first.study)]
    curves = [_named(one, learning_figure(one.study, f"{one.kind.name}-loss"), len(members)) for one in members]
    parts.append(tag("div", *curves, class_="side"))
    if first.before is not None:
        parts.append(_before_and_after(first))
    else:
        shown = reconstruction_figure(first.study, first.study.shown, f"{first.kind.name}-rows", mean=False)
        parts += [tag("h3", "Originals and reconstructions"), shown]
    for one in members:
        noise = denoising_figure(one.study, one.study.shown, f"{one.kind.name}-noise")
        parts += [] if noise is None else [tag("h3", f"{one.kind.title}: clean, noisy, restored"), noise]
    if first.study.samples is not None:
        parts += [tag("h3", "New images, drawn from the prior"), samples_figure(first.study)]
    links = [
        tag("a", f"The full report: {one.kind.title}", href=f"models/{one.kind.name}/report.html") for one in members
    ]
    return section(title, *parts, tag("p", join(links, " · ")), id_=f"kind-{i}")


def _named(one: Trained, drawing: Html | None, members: int) -> Html:
    """Returns a drawing under the model's title, where a chapter has several models."""
    return tag("div", tag("h3", one.kind.title), drawing) if members > 1 else join([drawing])


def _before_and_after(one: Trained) -> Html:
    """Shows reconstructions after pretraining and after fine-tuning."""
    study, before = one.study, one.before
    if before is None:
        return join([])
    rows, x = study.shown, study.passed.x[study.shown]
    variants = [
        Variant("original", x),
        variant("pretrained only", x, before.x_hat[rows]),
        variant("fine-tuned", x, study.passed.x_hat[rows]),
        variant(f"PCA, {plural(study.evaluation.latent_dim, 'number')}", x, study.by_pca(x)),
    ]
    view = side_by_side(study, rows, variants, "squared error", f"{one.kind.name}-rows")
    start, e = float(before.errors.mean()), study.evaluation
    first = (
        f"After pretraining, when no layer has seen the others' errors, the {count(e.samples)} test images are missed "
        f"by {number(start)} squared grey levels each; after fine-tuning by {number(e.error)}."
    )
    change = f"{percent(abs(1 - e.error / start))} {'less' if e.error < start else 'more'} error"
    against = f"{percent(abs(1 - e.error / e.pca_error))} {'below' if e.beats_pca else 'above'}"
    second = f"Fine-tuning leaves {change}, which is {against} PCA's {number(e.pca_error)}."
    return join([tag("h3", "Before and after fine-tuning"), figure(view, first, second)])


def _findings(trained: Sequence[Trained]) -> Html:
    """Lists what the diagnostics found about each model."""
    parts = [join([tag("h3", one.kind.title), findings_list(one.study.findings)]) for one in trained]
    return section("Findings", *parts, id_="findings")


def _making(trained: Sequence[Trained], data: Dataset, seed: int) -> Html:
    """Says how the page came about, so that anyone can do it again."""
    seconds = sum(one.seconds for one in trained)
    made = (
        f"All models together trained for {number(seconds)} s on {_hardware()}, with seed {seed}. The numbers of "
        "epochs are chosen so that this takes minutes; more would lower some of the errors. The curves called held out "
        "are those of the test images."
    )
    libraries = ", ".join(f"{name} {version}" for name, version in versions().items())
    code = "\n".join(
        f"latente.{one.study.model!r}".replace("\n", " ").replace("  ", "") for one in trained
    )  # the models as one would write them
    commands = (
        f"latente demo --out demo-report --seed {seed}\n"
        f"latente info demo-report/models/{trained[0].kind.name}\n"
        f"latente transform demo-report/models/{trained[0].kind.name} {data.name} -o codes.npy"
    )
    return section(
        "How this was made",
        tag("p", made),
        tag("p", f"Versions: {libraries}. The numbers of this page are in results.json beside it."),
        tag("pre", tag("code", commands)),
        details("The models in Python", tag("pre", tag("code", code))),
        id_="making",
    )


def _hardware() -> str:
    """Returns what trained, e.g. "1 of 2 cores (x86_64)"."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} of {os.cpu_count()} cores ({platform.machine()})"


def record(trained: Sequence[Trained], data: Dataset, seed: int) -> dict[str, Any]:
    """Returns the numbers of the page, ready for JSON."""
    e = trained[0].study.evaluation
    return {
        "data": data.name,
        "seed": seed,
        "hardware": _hardware(),
        "versions": versions(),
        "latent_dim": LATENT,
        "seconds": sum(one.seconds for one in trained),
        "mean_error": e.mean_error,
        "pca_error": e.pca_error,
        "models": {one.kind.name: _model_record(one) for one in trained},
    }


def _model_record(one: Trained) -> dict[str, Any]:
    study = one.study
    measured = {
        "neighbours": study.neighbours,
        "denoised": study.denoised,
        "between": study.between,
        "drawn": study.drawn,
    }
    return {
        "title": one.kind.title,
        "estimator": repr(study.model),
        "evaluation": asdict(study.evaluation),
        "weights": sum(p.numel() for p in study.model.module_.parameters()),
        "epochs": len(study.model.history_),
        "seconds": one.seconds,
        "precision": study.model.history_.precision,
        "error_before_finetuning": None if one.before is None else float(one.before.errors.mean()),
        **{name: None if value is None else asdict(value) for name, value in measured.items()},
        "findings": [asdict(finding) for finding in study.findings],
    }
