"""The options of `latente audio separate` and `denoise`."""

from __future__ import annotations

__all__ = [
    "Again", "Amount", "Checkpoint", "Clean", "CleanModel", "Device", "Epochs", "File", "Files", "Model", "Music",
    "Noises", "Parts", "Patience", "Recordings", "Resume", "SampleRate", "Seed", "Source", "Train",
]  # fmt: skip

from pathlib import Path
from typing import Annotated, Any

import typer


def _training(*names: str, help: str, default: str | bool = False, **more: Any) -> Any:
    return typer.Option(*names, help=help, show_default=default, rich_help_panel="With --train", **more)


# Of separate
Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE...", help="Sound files to take apart; none with --train.", show_default=False),
]
Parts = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT", help="The folder for the parts; with --train for the model.")
]
Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", help="What --train wrote.", show_default="speech and music, shipped"),
]
Train = Annotated[bool, typer.Option("--train", help="Learn from recordings of single sources.")]
Source = Annotated[
    list[str] | None,
    _training("--source", metavar="NAME=DIR", help="A source and its recordings; two or more."),
]

# Of denoise
File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="A sound file; none with --train.", show_default=False)
]
Clean = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT", help="Where the result goes.", show_default="FILE-denoised.wav"),
]
CleanModel = Annotated[
    Path | None, typer.Option("--model", "-m", help="What --train wrote.", show_default="speech, shipped")
]
Amount = Annotated[
    float | None, typer.Option("--amount", help="Of the noise that goes.", min=0.0, max=1.0, show_default="1")
]
Recordings = Annotated[
    Path | None,
    typer.Option("--train", metavar="DIR", help="Learn from these clean recordings.", show_default=False),
]
Again = Annotated[
    Path | None,
    _training(
        "--again",
        metavar="DIR",
        help="Second noisy recordings of what --train holds, under the same names: nothing needs to be clean.",
    ),
]
Music = Annotated[Path | None, _training("--music", metavar="DIR", help="Music that is noise too.")]
Noises = Annotated[
    str | None, _training("--noises", help="What is added.", default="white,pink,coloured,babble,clicks")
]

# Of both, with --train
SampleRate = Annotated[int | None, _training("--sample-rate", help="Of the model, Hz.", default="8000")]
Epochs = Annotated[int | None, _training("--epochs", help="Of 1,600 mixtures each.", min=1, default="100")]
Patience = Annotated[
    int | None,
    _training("--patience", help="Stop after so many epochs without a lower loss of held-out recordings.", min=1),
]
Checkpoint = Annotated[Path | None, _training("--checkpoint", help="Keep checkpoints in this folder.")]
Resume = Annotated[bool, _training("--resume", help="Go on from MODEL.checkpoints, or the folder of --checkpoint.")]
Device = Annotated[str | None, _training("--device", help="cpu, cuda, ...", default="auto")]
Seed = Annotated[int | None, _training("--seed", help="Decides everything random.", min=0, default="0")]
