"""The options of `latente sample` besides those that all commands share."""

from __future__ import annotations

__all__ = ["Density", "Label", "Like", "Number", "Temperature"]

from typing import Annotated

import typer

PANEL = "Instead of the prior"

Number = Annotated[int, typer.Option("-n", "--number", help="How many.")]
Like = Annotated[
    str | None,
    typer.Option(
        "--like",
        metavar="DATA",
        help="Fit a density to the codes of this, best the training data, and draw from that: for any model but a "
        "quantised one.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Density = Annotated[
    str | None,
    typer.Option(
        "--density",
        help="gaussian, mixture:10, kde, flow, second_stage.",
        show_default="mixture",
        rich_help_panel=PANEL,
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        help="Below 1: more typical, less varied samples.",
        show_default="1",
        rich_help_panel=PANEL,
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        "--label", help="Only samples of this label of a data set.", show_default=False, rich_help_panel=PANEL
    ),
]
