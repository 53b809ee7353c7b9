"""What was trained, on what, with what result."""

from __future__ import annotations

__all__ = ["findings_section", "summary_section", "versions"]

import platform
from importlib.metadata import version

from latente.networks import Auto
from latente.report.components import findings_list, section, table, tiles
from latente.report.html import Html
from latente.report.study import Study
from latente.report.words import count, number, percent, plural

LIBRARIES = ("latente", "torch", "numpy", "scikit-learn")


def versions() -> dict[str, str]:
    """Returns the versions that made the page: of Python and of the libraries."""
    return {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def summary_section(study: Study) -> Html:
    """Returns the chapter that sums up: the numbers that matter, data, parts, training, versions."""
    e, w = study.evaluation, study.words
    exact = e.pca_error <= 1e-9 * e.mean_error
    numbers = [
        ("Error", number(e.error), f"{w.unit} {w.per}"),
        ("Against PCA", "—" if exact else f"{e.error / e.pca_error:.2f} ×", f"PCA's error is {number(e.pca_error)}"),
        ("Variance explained", percent(e.explained_variance), f"of {plural(e.samples, w.one)}"),
        ("Code", count(e.latent_dim), f"{plural(study.model.schema_.size, 'number')} before"),
    ]
    rows = [[name, text] for name, text in _facts(study).items()]
    return section("Summary", tiles(numbers), table(["what", "how"], rows, prose=True), id_="summary")


def _facts(study: Study) -> dict[str, str]:
    model, recipe = study.model, study.model.recipe_
    network = recipe.network
    bytes_ = sum(p.numel() * p.element_size() for p in model.module_.parameters())
    weights = sum(p.numel() for p in model.module_.parameters())
    basis = "training data given as reference" if study.own_reference else "the same samples"
    facts = {
        "Data": model.schema_.describe(),
        "Measured on": f"{_measured(study)}; baselines fitted on {basis}",
        "Network": repr(network.choose(model.schema_.sample_shape) if isinstance(network, Auto) else network),
        "Bottleneck": f"{recipe.bottleneck!r}, latent_dim={model.latent_dim_}",
        "Corruption": "none" if recipe.corruption is None else repr(recipe.corruption),
        "Distortion": repr(recipe.distortion),
        "Objective": repr(recipe.objective),
        "Weights": f"{count(weights)} ({number(bytes_ / 1e6)} MB)",
    }
    history = getattr(model, "history_", None)
    if history:
        facts["Training"] = (
            f"{plural(len(history), 'epoch')} in {number(history.seconds)} s, batches of {history.batch_size}, "
            f"{history.precision}, {history.stopped}"
        )
    facts["Random state"] = f"{model.random_state!r} for the model, {study.random_state} for this report"
    facts["Versions"] = ", ".join(f"{name} {number_}" for name, number_ in versions().items())
    return facts


def _measured(study: Study) -> str:
    e, one = study.evaluation, study.words.one
    return plural(e.samples, one) + ("" if e.out_of is None else f", drawn at random from {count(e.out_of)}")


def findings_section(study: Study) -> Html:
    """Returns the chapter with what is good and what is wrong."""
    return section("Findings", findings_list(study.findings), id_="findings")
