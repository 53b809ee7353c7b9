"""The arguments and options that the commands share."""

from __future__ import annotations

__all__ = [
    "Data", "Drop", "Force", "Json", "Kind", "LatentDim", "Model", "Output", "Way", "Resize", "Seed", "code_size",
    "image_size",
]  # fmt: skip

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

IN = ".npy, .npz, .csv, .tsv, .parquet, a folder of images"


class Kind(StrEnum):
    """What --type can be."""

    autoencoder = "autoencoder"
    vanilla = "vanilla"
    convolutional = "convolutional"
    denoising = "denoising"
    stacked = "stacked"
    variational = "variational"
    denoiser = "denoiser"
    imputer = "imputer"


class Way(StrEnum):
    """What --path can be."""

    linear = "linear"
    spherical = "spherical"


Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a fitted model.", show_default=False)]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help=f"{IN}, or a data set's name (its test split; NAME:train for the other).",
        show_default=False,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="COLUMN", help="Leave this column out; may be given again.", show_default=False),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT", help="Where the result goes.", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def code_size(text: str) -> int | str:
    """Returns an integer, or "auto".

    Raises:
        typer.BadParameter: for anything else.

    Example:
        >>> code_size("8"), code_size("auto")
        (8, 'auto')
    """
    try:
        return "auto" if text == "auto" else int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither an integer nor 'auto'") from None


LatentDim = Annotated[
    str | None,
    typer.Option(
        "--latent-dim",
        metavar="INTEGER|auto",
        parser=code_size,
        help="Size of the code; auto finds one.",
        show_default="32; denoising 64",
        rich_help_panel="What is trained",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Decides everything random.", min=0)]
Resize = Annotated[
    str | None,
    typer.Option("--resize", metavar="HxW", help="Resize the images of a folder, e.g. 32x32.", show_default=False),
]


def image_size(text: str | None) -> tuple[int, int] | None:
    """Returns (height, width) from "HEIGHTxWIDTH".

    Raises:
        ValueError: for anything else.

    Example:
        >>> image_size("32x48")
        (32, 48)
    """
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise ValueError(f"--resize must be HEIGHTxWIDTH, both above 0, e.g. 32x48; got {text!r}")
    return int(height), int(width)
