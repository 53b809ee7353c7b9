"""The options of `latente fit`: what is trained, and how."""

from __future__ import annotations

__all__ = [
    "BatchSize", "Beta", "Bottleneck", "Checkpoint", "CheckpointEvery", "Compile", "Corruption", "Data", "Device",
    "Distortion", "Epochs", "FreeBits", "Kind", "LearningRate", "Network", "Objective", "Output", "Patience",
    "Precision", "Quiet", "Report", "Resume", "Spec", "Target", "Threads", "ValidationFraction", "Warmup",
    "WeightDecay",
]  # fmt: skip

from pathlib import Path
from typing import Annotated, Any

import typer

from latente.cli import options

DATA = f"{options.IN}, or a data set's name (its training split; NAME:test for the other)."


def _part(*names: str, help: str, default: str | bool = False, **more: Any) -> Any:
    return typer.Option(*names, help=help, show_default=default, rich_help_panel="What is trained", **more)


def _setting(*names: str, help: str, default: str | bool = False) -> Any:
    return typer.Option(*names, help=help, show_default=default, rich_help_panel="How it is trained")


Data = Annotated[str, typer.Argument(metavar="DATA", help=DATA, show_default=False)]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="MODEL", help="The model's folder.", show_default=False)
]
Report = Annotated[bool, typer.Option("--report", help="Also write report.html into the model's folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]

# What is trained
Kind = Annotated[options.Kind, _part("--type", metavar="NAME", help=f"{', '.join(options.Kind)}.", default=True)]
Network = Annotated[str | None, _part("--network", help="mlp:512,64 or conv:32,64.", default="auto")]
Bottleneck = Annotated[
    str | None, _part("--bottleneck", help="gaussian:4, sparse:0.1, k_sparse:8, vq:256, fsq:8.", default="none")
]
Corruption = Annotated[
    str | None,
    _part(
        "--corruption",
        help="salt_and_pepper:0.25, gaussian:0.1..0.5, masking:0.2+swap:0.1.",
        default="none; denoising gaussian:0.3",
    ),
]
Distortion = Annotated[
    str | None, _part("--distortion", help="squared_error, absolute, huber, bernoulli, gaussian.", default="auto")
]
Objective = Annotated[
    str | None,
    _part(
        "--objective",
        help="contractive, wasserstein, importance_weighted, beta_tc, rae; denoiser: noise2self.",
        default="plain",
    ),
]
Beta = Annotated[float | None, _part("--beta", help="variational: weight of the rate.", default="1")]
FreeBits = Annotated[
    float | None, _part("--free-bits", help="variational: nats of a unit's rate that cost nothing.", default="0")
]
Warmup = Annotated[
    float | None,
    _part("--warmup", help="variational: part of training in which the rate's weight grows to beta.", default="0.1"),
]
Spec = Annotated[
    str | None, _part("--data", metavar="SPEC", help="What DATA is: signal, nct, scale=minmax.", default="auto")
]
Target = Annotated[
    str | None,
    _part("--target", metavar="CLEAN", help="Clean partners of noisy DATA; denoiser: or noisy ones."),
]

# How it is trained
Epochs = Annotated[int | None, _setting("--epochs", help="Passes over the data.", default="by its size")]
BatchSize = Annotated[int | None, _setting("--batch-size", help="Samples in a step.", default="by the data's size")]
LearningRate = Annotated[
    float | None, _setting("--learning-rate", help="The peak of its schedule.", default="0.002; denoiser 0.005")
]
WeightDecay = Annotated[float | None, _setting("--weight-decay", help="Pull of the weights towards 0.", default="auto")]
Patience = Annotated[
    int | None, _setting("--patience", help="Stop after so many epochs without a lower validation loss.")
]
ValidationFraction = Annotated[
    float | None,
    _setting("--validation-fraction", help="Held out for the validation loss.", default="0.1 with --patience"),
]
Precision = Annotated[str | None, _setting("--precision", help="float32 or bfloat16.", default="auto")]
Device = Annotated[str | None, _setting("--device", help="cpu, cuda, cuda:1 or mps.", default="auto")]
Threads = Annotated[int | None, _setting("--threads", help="CPU threads.", default="by the network's size")]
Compile = Annotated[
    bool | None, _setting("--compile/--no-compile", help="Compile the networks.", default="where it pays")
]
Checkpoint = Annotated[
    Path | None,
    _setting("--checkpoint", help="Keep checkpoints in this folder; SIGTERM then ends after a last one."),
]
CheckpointEvery = Annotated[
    int | None, _setting("--checkpoint-every", help="Steps between checkpoints.", default="a minute")
]
Resume = Annotated[
    bool,
    _setting("--resume", help="Go on from the newest checkpoint, in MODEL.checkpoints unless --checkpoint."),
]
