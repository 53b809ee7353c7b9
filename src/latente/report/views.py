"""Samples to look at, whatever their kind: images in a grid, signals as lines, rows as numbers."""

from __future__ import annotations

__all__ = ["Variant", "at_most", "path_view", "samples_view", "side_by_side"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics.passed import Floats
from latente.report.components import Cell, Row, grid, picture, table
from latente.report.html import Html, breakable, join, tag
from latente.report.pictures import Canvas, sheet
from latente.report.plots import curve_plot, legend, line_plot, ridge_plot
from latente.report.study import SHOWN, Study
from latente.report.words import number

COLUMNS = 6  # of a table that are shown
ROWS = 3  # of a table that are shown
LINES = 6  # signals that are shown


@dataclass(frozen=True, eq=False)
class Variant:
    """The same samples in one version: original, reconstructed, noisy, ...

    Attributes:
        name: of the version.
        x: (n, *sample_shape), scaled.
        captions: one for each sample; empty for none.
    """

    name: str
    x: Floats
    captions: Sequence[str] = ()

    def caption(self, i: int) -> str:
        """Returns the caption of one sample, or nothing."""
        return self.captions[i] if self.captions else ""


def at_most(study: Study) -> int:
    """Returns how many samples of this kind are shown side by side."""
    return {"image": SHOWN, "signal": LINES}.get(study.model.schema_.kind, ROWS)


def side_by_side(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], measure: str, prefix: str) -> Html:
    """Returns samples in several versions.

    Args:
        study: of the model.
        rows: which samples of `passed.x` they are.
        variants: the versions, each of all these samples; the first is the original.
        measure: what the captions are, e.g. "squared error".
        prefix: for ids.
    """
    kind = study.model.schema_.kind
    return {"image": _grid, "signal": _lines}.get(kind, _numbers)(study, rows, variants, measure, prefix)


def _grid(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], measure: str, prefix: str) -> Html:
    canvas = Canvas.of(study.model.schema_, study.passed.x)
    labels = [study.title(int(row)) for row in rows]
    drawn = [
        Row(v.name, [Cell(canvas.pixels(image), f"{labels[i]}, {v.name}", v.caption(i)) for i, image in enumerate(v.x)])
        for v in variants
    ]
    return join([grid(drawn), tag("p", canvas.note) if canvas.note else None])


def _lines(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], measure: str, prefix: str) -> Html:
    plots = []
    for i in range(min(LINES, len(rows))):
        name = study.title(int(rows[i]))
        errors = ", ".join(f"{v.name} {v.caption(i)}" for v in variants if v.caption(i))
        drawing = line_plot({v.name: v.x[i] for v in variants}, f"{name}: {errors}", f"{prefix}-{i}")
        plots.append(tag("div", drawing, tag("p", f"{name[0].upper()}{name[1:]}: {errors}")))
    channels = study.model.schema_.sample_shape[0]
    note = f"The first 3 of {channels} channels, each in its own dash pattern." if channels > 3 else None
    names = [v.name for v in variants]
    return join([legend(names, [10, *range(len(names) - 1)]), tag("div", *plots, class_="lines"), note])


def _numbers(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], measure: str, prefix: str) -> Html:
    """Shows a few rows of a table in the user's units, in the columns that are rebuilt worst."""
    chosen = worst_columns(study)[:COLUMNS]
    names = column_names(study)
    head = ["", measure, *(breakable(names[column]) for column in chosen)]
    tables = []
    for i in range(min(ROWS, len(rows))):
        body = []
        for v in variants:
            values = study.model.schema_.restore(v.x[i : i + 1])[0]
            body.append([v.name, v.caption(i) or "—", *(number(float(values[column])) for column in chosen)])
        tables.append(table(head, body, caption=study.title(int(rows[i])), emphasised=[0]))
    return join(tables)


def worst_columns(study: Study) -> NDArray[np.int64]:
    """Returns the columns of a table, those with the largest squared error first."""
    error = np.square(study.passed.x - study.passed.x_hat, dtype=np.float64).mean(0)
    return np.argsort(-error, kind="stable")


def column_names(study: Study) -> tuple[str, ...]:
    """Returns the names of a table's columns, or their numbers."""
    schema = study.model.schema_
    return schema.columns or tuple(f"column {i}" for i in range(schema.size))


def path_view(study: Study, paths: Sequence[tuple[str, Floats]], ends: tuple[str, str], prefix: str) -> Html:
    """Returns ways from one sample to another.

    Args:
        study: of the model.
        paths: a name, and (steps, *sample_shape) scaled samples, for each way.
        ends: what the two samples are called.
        prefix: for ids.
    """
    kind = study.model.schema_.kind
    if kind == "image":
        canvas = Canvas.of(study.model.schema_, study.passed.x)
        return grid([Row(name, _steps(canvas, x, name, ends)) for name, x in paths])
    chosen = np.argsort(-np.abs(paths[0][1][-1] - paths[0][1][0]).ravel(), kind="stable")[:LINES]
    drawings = []
    for i, (name, x) in enumerate(paths):
        alt = f"{name}, from {ends[0]} to {ends[1]}"
        if kind == "signal":
            drawing = ridge_plot(x[:, 0], alt, f"{prefix}-{i}")
        else:
            drawing = _column_paths(study, x, chosen, alt, f"{prefix}-{i}")
        drawings.append(tag("div", tag("h3", name), drawing))
    names = legend([column_names(study)[c] for c in chosen]) if kind == "table" else None
    return join([names, tag("div", *drawings, class_="side")])


def _steps(canvas: Canvas, x: Floats, name: str, ends: tuple[str, str]) -> list[Cell]:
    last = len(x) - 1
    return [Cell(canvas.pixels(image), f"{name}, step {i} of {last} from {ends[0]} to {ends[1]}")
            for i, image in enumerate(x)]  # fmt: skip


def _column_paths(study: Study, x: Floats, chosen: NDArray[np.int64], alt: str, prefix: str) -> Html:
    """Draws the scaled values of some columns over the steps."""
    curves = {column_names(study)[column]: x[:, column].tolist() for column in chosen}
    return curve_plot(curves, "scaled value", alt, prefix, xlabel="step", named=False)


def samples_view(study: Study, x: Floats, prefix: str) -> Html:
    """Returns new samples (n, *sample_shape), scaled."""
    kind = study.model.schema_.kind
    if kind == "image":
        canvas = Canvas.of(study.model.schema_, study.passed.x)
        pixels = sheet([canvas.pixels(image) for image in x[:40]], columns=10)
        return tag("div", picture(pixels, f"{min(40, len(x))} samples of the prior"), class_="sheet-picture")
    if kind == "signal":
        plots = [
            line_plot({"sample": row}, f"sample {i + 1} of the prior", f"{prefix}-{i}")
            for i, row in enumerate(x[:LINES])
        ]
        return tag("div", *plots, class_="lines")
    return _moments(study, x)


def _moments(study: Study, x: Floats) -> Html:
    """Compares samples with the data, column by column."""
    names, schema = column_names(study), study.model.schema_
    rows = []
    real, drawn = (schema.restore(part).astype(np.float64) for part in (study.passed.x, x))
    for c, name in enumerate(names[: 2 * COLUMNS]):
        moments = (real[:, c].mean(), drawn[:, c].mean(), real[:, c].std(), drawn[:, c].std())
        rows.append([breakable(name), *(number(float(value)) for value in moments)])
    return table(["column", "mean of the data", "mean of samples", "spread of the data", "spread of samples"], rows)
