"""The report of one model."""

from __future__ import annotations

__all__ = ["report_html", "write_report"]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from latente.estimators import Autoencoder
from latente.files import write_atomically
from latente.report import sections
from latente.report.html import Html, tag
from latente.report.page import page
from latente.report.study import Study
from latente.report.words import count, plural

NAME = "report.html"
CHAPTERS = (
    sections.findings_section,
    sections.architecture_section,
    sections.code_size_section,
    sections.learning_section,
    sections.reconstructions_section,
    sections.errors_section,
    sections.denoising_section,
    sections.map_section,
    sections.latent_health_section,
    sections.interpolation_section,
    sections.samples_section,
)


def write_report(
    model: Autoencoder,
    path: str | Path,
    X: Any,
    *,
    labels: Any = None,
    label_names: Sequence[str] | None = None,
    reference: Any = None,
    random_state: int = 0,
) -> Path:
    """Writes one self-contained HTML file about a fitted model and returns its path.

    Args:
        model: any fitted autoencoder of latente.
        path: an .html file, or a folder in which report.html is written; an older file is replaced in one step.
        X: (n, ...) samples that it is judged by, best ones that it was not trained on.
        labels: (n,) one for each sample, to colour the latent map by; None for none.
        label_names: what the labels mean, where these are integers.
        reference: the training data, which PCA and the mean are fitted on; None fits them on X, which favours them.
        random_state: decides which samples are shown, and all noise.

    Raises:
        NotFittedError: when the model is not fitted.
        TypeError, ValueError: for data that the model cannot take, or labels that do not fit the data.
        OSError: when the file cannot be written.

    Example:
        >>> import tempfile
        >>> from sklearn.datasets import load_iris
        >>> from latente import Trainer
        >>> X, y = load_iris(return_X_y=True)
        >>> model = Autoencoder(2, trainer=Trainer(epochs=3), random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_report(model, folder, X, labels=y).name
        'report.html'
    """
    check_is_fitted(model, "module_")
    file = _file(Path(path))
    study = Study.of(model, X, labels=labels, label_names=label_names, reference=reference, random_state=random_state)
    content = report_html(study).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content)
    return file


def _file(path: Path) -> Path:
    """Returns the file that a path means."""
    return path if path.suffix.lower() in (".html", ".htm") and not path.is_dir() else path / NAME


def report_html(study: Study, back: str | None = None) -> str:
    """Returns the report of a model as an HTML document.

    Args:
        study: what was measured.
        back: the address of a page that this one belongs to; None for none.
    """
    name = type(study.model).__name__
    size, code = plural(study.model.schema_.size, "number"), count(study.evaluation.latent_dim)
    lead = f"Each {study.words.one}, {size}, becomes a code of {code} and is rebuilt from it."
    link = None if back is None else tag("nav", tag("p", tag("a", "← all models", href=back)))
    chapters: list[Html | None] = [chapter(study) for chapter in CHAPTERS]
    return page(f"{name}: report", lead, link, sections.summary_section(study), *chapters)
