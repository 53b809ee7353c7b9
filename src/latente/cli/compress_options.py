"""The options of `latente compress` and `decompress`."""

from __future__ import annotations

__all__ = [
    "Column", "File", "LatFile", "LatOutput", "Lossless", "MaxBytes", "MaxError", "Model", "ModelToo", "Output",
    "Psnr", "Quality", "Relative", "Report", "Snr",
]  # fmt: skip

from pathlib import Path
from typing import Annotated

import typer

BOUND = "How much may be lost"

File = Annotated[Path, typer.Argument(metavar="FILE", help="Any file; the folder of a Zarr store.", show_default=False)]
LatOutput = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT.lat", help="Where it goes.", show_default="FILE.lat"),
]
Model = Annotated[
    Path | None,
    typer.Option("--model", metavar="MODEL", help="What the fit of a codec learned, saved."),
]
Report = Annotated[bool, typer.Option("--report", help="Also write OUT.html: curves, errors, sizes of others.")]

# How much may be lost
MaxError = Annotated[
    float | None,
    typer.Option("--max-error", metavar="E", help="Largest error of any number.", rich_help_panel=BOUND),
]
Relative = Annotated[
    bool | None,
    typer.Option(
        "--relative/--absolute",
        help="Whether E is in units of the range (largest less smallest value) of each array or column.",
        show_default="relative",
        rich_help_panel=BOUND,
    ),
]
Psnr = Annotated[
    float | None,
    typer.Option("--psnr", metavar="DB", help="Least peak signal-to-noise ratio.", rich_help_panel=BOUND),
]
Snr = Annotated[
    float | None,
    typer.Option("--snr", metavar="DB", help="Least signal-to-noise ratio; for sound.", rich_help_panel=BOUND),
]
Quality = Annotated[
    float | None,
    typer.Option(
        "--quality",
        metavar="0..1",
        help="Of pictures; else a relative E of 10^(-1 - 4 quality).",
        rich_help_panel=BOUND,
    ),
]
Lossless = Annotated[
    bool, typer.Option("--lossless", help="Nothing; so it is without any bound.", rich_help_panel=BOUND)
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=E",
        help="Another E for a column, a variable or a member; 0 keeps it exactly. May be given again.",
        rich_help_panel=BOUND,
    ),
]

# Of decompress
LatFile = Annotated[Path, typer.Argument(metavar="FILE.lat", help="What compress wrote.", show_default=False)]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="OUT", help="Where it goes.", show_default="FILE")
]
ModelToo = Annotated[
    Path | None,
    typer.Option("--model", metavar="MODEL", help="What compress was given, if it is not in the file."),
]
MaxBytes = Annotated[
    int | None,
    typer.Option("--max-bytes", help="The most that the result may take.", min=1, show_default="256 GiB"),
]
