"""Whether the codes fill their space, and what the decoder shows between them."""

from __future__ import annotations

__all__ = ["latent_health_section"]

from latente.diagnostics.latent import LatentReport, Row, measure_latent
from latente.diagnostics.latent.measures import NOTATION, counted
from latente.diagnostics.latent.measuring import ROWS
from latente.diagnostics.passed import evenly
from latente.report.components import details, findings_list, section, table
from latente.report.html import Html, tag
from latente.report.study import Study
from latente.report.words import count, joined, number, plural


def latent_health_section(study: Study) -> Html:
    """Returns the chapter on the health of the latent space: verdict, table, formulas, what does not apply."""
    report = _measured(study)
    shown = [row for row in report.rows if row.value is not None]
    head = ["", "this model", "ideal", "healthy", "sick"]
    body = [[row.measure.title, *_cells(row)] for row in shown]
    near = 2 if report.latent_dim <= 4 else 8
    caption = (
        f"Ideal: codes that are exactly N(0, I), and a linear decoder. Healthy: a variational autoencoder with {near} "
        f"units on MNIST. Sick: a plain one with {near} units, trained long on 500 images. {counted(report.codes)}"
    )
    formulas = [[(m := row.measure).title, m.meaning, m.formula, m.source] for row in shown]
    known = table(["measure", "is", "formula", "source"], formulas, prose=True)
    return section(
        "Latent health",
        tag("p", _intro(study, report)),
        findings_list(report.findings),
        table(head, body, caption=caption) if body else None,
        details("How each of these is measured", tag("p", NOTATION), known) if body else None,
        tag("p", _skipped(report)) if report.skipped else None,
        id_="latent-health",
    )


def _measured(study: Study) -> LatentReport:
    """Measures the codes of the training data where they are known, with those of X as control; else those of X."""
    x = study.passed.x
    if not study.own_reference:
        return measure_latent(study.model, x[evenly(len(x), ROWS + ROWS // 3)], seed=study.random_state)
    known = study.reference[evenly(len(study.reference), ROWS)]
    return measure_latent(study.model, known, x[evenly(len(x), ROWS)], seed=study.random_state)


def _intro(study: Study, report: LatentReport) -> str:
    w = study.words
    whose = f"training {w.many}" if study.own_reference else w.many
    control = f"; those of {count(report.held_out)} others serve as control" if report.held_out else ""
    return (
        f"The codes of {count(report.codes)} {whose}, {plural(report.latent_dim, 'number')} each{control}. A decoder "
        "knows only the neighbourhood of codes that it was trained on."
    )


def _cells(row: Row) -> list[str]:
    return [_cell(value) for value in (row.value, row.ideal, row.healthy, row.sick)]


def _cell(value: float | None) -> str:
    if value is None:
        return "—"
    return count(value) if isinstance(value, int) else number(value)


def _skipped(report: LatentReport) -> str:
    """Returns what does not apply, measures with one reason together."""
    reasons = dict.fromkeys(skipped.reason for skipped in report.skipped)
    parts = [f"{joined([s.group for s in report.skipped if s.reason == reason])} ({reason})" for reason in reasons]
    return f"Does not apply: {'; '.join(parts)}."
