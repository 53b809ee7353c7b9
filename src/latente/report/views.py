"""Samples to look at, whatever their kind: images in a grid, signals as lines, rows as numbers."""

from __future__ import annotations

__all__ = ["Variant", "path_view", "samples_view", "side_by_side"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics.passed import Floats
from latente.report.components import Cell, Row, grid, picture, table
from latente.report.html import Html, join, tag
from latente.report.pictures import Canvas, sheet
from latente.report.plots import curve_plot, legend, line_plot, ridge_plot
from latente.report.study import Study
from latente.report.words import number

COLUMNS = 8  # of a table that are shown
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


def side_by_side(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], prefix: str) -> Html:
    """Returns samples in several versions.

    Args:
        study: of the model.
        rows: which samples of `passed.x` they are.
        variants: the versions, each of all these samples; the first is the original.
        prefix: for ids.
    """
    kind = study.model.schema_.kind
    return {"image": _grid, "signal": _lines}.get(kind, _numbers)(study, rows, variants, prefix)


def _grid(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], prefix: str) -> Html:
    canvas = Canvas.of(study.model.schema_, study.passed.x)
    labels = [study.title(int(row)) for row in rows]
    drawn = [
        Row(v.name, [Cell(canvas.pixels(image), f"{labels[i]}, {v.name}", v.caption(i)) for i, image in enumerate(v.x)])
        for v in variants
    ]
    return join([grid(drawn), tag("p", canvas.note) if canvas.note else None])


def _lines(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], prefix: str) -> Html:
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


def _numbers(study: Study, rows: NDArray[np.int64], variants: Sequence[Variant], prefix: str) -> Html:
    """Shows a few rows of a table in the user's units, in the columns that are rebuilt worst."""
    chosen = worst_columns(study)[:COLUMNS]
    names = column_names(study)
    head = ["", *(names[column] for column in chosen), "squared error"]
    body, originals = [], []
    for i in range(min(ROWS, len(rows))):
        for v in variants:
            values = study.model.schema_.restore(v.x[i : i + 1])[0]
            label = f"{study.title(int(rows[i]))}: {v.name}"
            body.append([label, *(number(float(values[column])) for column in chosen), v.caption(i) or "—"])
        originals.append(i * len(variants))
    return table(head, body, emphasised=originals)


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
    drawings = []
    for i, (name, x) in enumerate(paths):
        alt = f"{name}, from {ends[0]} to {ends[1]}"
        if kind == "signal":
            drawing = ridge_plot(x[:, 0], alt, f"{prefix}-{i}")
        else:
            drawing = _column_paths(study, x, alt, f"{prefix}-{i}")
        drawings.append(tag("div", tag("h3", name), drawing))
    return tag("div", *drawings, class_="side")


def _steps(canvas: Canvas, x: Floats, name: str, ends: tuple[str, str]) -> list[Cell]:
    last = len(x) - 1
    return [Cell(canvas.pixels(image), f"{name}, step {i} of {last} from {ends[0]} to {ends[1]}")
            for i, image in enumerate(x)]  # fmt: skip


def _column_paths(study: Study, x: Floats, alt: str, prefix: str) -> Html:
    """Draws the scaled columns that change most from end to end."""
    chosen = np.argsort(-np.abs(x[-1] - x[0]), kind="stable")[:6]
    names = column_names(study)
    curves: dict[str, Any] = {names[column]: x[:, column].tolist() for column in chosen}
    return curve_plot(curves, "scaled value", alt, prefix, xlabel="step")


def samples_view(study: Study, x: Floats, prefix: str) -> Html:
    """Returns new samples (n, *sample_shape), scaled."""
    kind = study.model.schema_.kind
    if kind == "image":
        canvas = Canvas.of(study.model.schema_, study.passed.x)
        pixels = sheet([canvas.pixels(image) for image in x[:40]], columns=10)
        return tag("div", picture(pixels, f"{min(40, len(x))} samples of the prior"), class_="sheet-picture")
    if kind == "signal":
        plots = [line_plot({"sample": row}, f"sample {i + 1} of the prior", f"{prefix}-{i}") for i, row in enumerate(x[:LINES])]
        return tag("div", *plots, class_="lines")
    names, schema = column_names(study), study.model.schema_
    real, drawn = (schema.restore(rows).astype(np.float64) for rows in (study.passed.x, x))
    rows = [
        [names[c], *(number(float(v)) for v in (real[:, c].mean(), drawn[:, c].mean(), real[:, c].std(), drawn[:, c].std()))]
        for c in range(min(schema.size, 2 * COLUMNS))
    ]  # fmt: skip
    return table(["column", "mean of the data", "mean of samples", "spread of the data", "spread of samples"], rows)
