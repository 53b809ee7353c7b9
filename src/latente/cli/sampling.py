"""`latente sample`: new samples, of the model's prior or of a density fitted to codes of data."""

from __future__ import annotations

__all__ = ["sample"]

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from latente.cli import options, sample_options
from latente.cli.inputs import Samples, read_samples
from latente.cli.problems import naming
from latente.cli.using import open_for, write_samples

if TYPE_CHECKING:
    from latente.estimators import Autoencoder


def sample(
    model: options.Model,
    output: options.Output,
    n: sample_options.Number = 64,
    like: sample_options.Like = None,
    density: sample_options.Density = None,
    temperature: sample_options.Temperature = None,
    label: sample_options.Label = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Draw new samples: from the model's prior, or like data of yours."""
    given = {"--density": density, "--temperature": temperature, "--label": label}
    if like is None and any(value is not None for value in given.values()):
        name = next(name for name, value in given.items() if value is not None)
        raise ValueError(f"{name} is for a density of codes, which needs --like DATA, best the training data")
    fitted = open_for(model, output, force)
    if like is None:
        samples = _from_prior(fitted, n, seed)
    else:
        heat = 1.0 if temperature is None else temperature
        samples = _like(fitted, read_samples(like, split="train"), density or "mixture", label, n, seed, heat)
    write_samples(fitted, output, samples, as_json)


def _from_prior(fitted: Autoencoder, n: int, seed: int) -> NDArray[Any]:
    from latente.bottlenecks import NoPriorError

    try:
        return fitted.sample(n, random_state=seed)
    except NoPriorError as error:
        raise NoPriorError(f"{error}. Here: --like DATA, with the training data") from error


def _like(
    fitted: Autoencoder, data: Samples, density: str, label: str | None, n: int, seed: int, temperature: float
) -> NDArray[Any]:
    """Returns draws of a density of the data's codes, decoded."""
    from latente.generation import Generator

    index = None if label is None else _index(data, label)
    labels = None if label is None else data.labels
    with naming(X=data.name):
        generator = Generator(fitted, density, random_state=seed).fit(data.X, labels)
    return generator.sample(n, y=index, random_state=seed, temperature=temperature)


def _index(data: Samples, label: str) -> int:
    """Returns which label of a data set is meant, by its name."""
    from latente.parts import did_you_mean

    if data.labels is None or data.label_names is None:
        raise ValueError(f"--label needs labels, which only data sets by name have; got --like {data.name}")
    names = list(data.label_names)
    if label not in names:
        raise ValueError(f"unknown label {label!r}; known: {', '.join(names)}.{did_you_mean(label, names)}")
    return names.index(label)
