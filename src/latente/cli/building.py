"""From options to an estimator."""

from __future__ import annotations

__all__ = ["build"]

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from latente.cli.options import Kind

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

CLASSES = {
    Kind.autoencoder: "Autoencoder",
    Kind.vanilla: "VanillaAutoencoder",
    Kind.convolutional: "ConvolutionalAutoencoder",
    Kind.denoising: "DenoisingAutoencoder",
    Kind.stacked: "StackedAutoencoder",
    Kind.variational: "VariationalAutoencoder",
}
RATE = ("beta", "free_bits", "warmup")  # what is said of the rate of a variational model


def build(
    kind: Kind, parts: Mapping[str, Any], training: Mapping[str, Any], seed: int, *, pairs: bool = False
) -> Autoencoder:
    """Returns the unfitted estimator that the options describe.

    Args:
        kind: the value of --type.
        parts: the estimator's arguments; None stands for an option that was not given.
        training: the Trainer's arguments, likewise.
        seed: the random state.
        pairs: whether clean targets come with the data; a denoising autoencoder then adds no noise of its own.

    Raises:
        ValueError: for an option that the type does not take.
    """
    from latente import estimators
    from latente.training import Trainer

    cls = getattr(estimators, CLASSES[kind])
    takes = inspect.signature(cls).parameters
    given = {name: value for name, value in parts.items() if value is not None}
    for name in given:
        if name not in takes:
            known = ", ".join(_option(part) for part in parts if part in takes)
            raise ValueError(f"--type {kind} takes no {_option(name)}; it takes {known}. {_instead(name)}")
    if pairs and kind is Kind.denoising:
        given.setdefault("corruption", "none")
    arguments = {name: None if value == "none" else value for name, value in given.items()}
    trainer = Trainer(**{name: value for name, value in training.items() if value is not None})
    return cls(**arguments, trainer=trainer, random_state=seed)


def _instead(name: str) -> str:
    """Returns what to do where a type does not take an option."""
    if name in RATE:
        return f"{_option(name)} is for --type variational; others that take --bottleneck have a rate by gaussian:4"
    return "--type autoencoder combines all parts freely"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
