"""What the commands read: files, folders of images, data sets by name, models."""

from __future__ import annotations

__all__ = ["Samples", "open_any", "open_model", "read_samples", "reference_for"]

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli.options import image_size

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Samples:
    """Data as it was named on the command line.

    Attributes:
        X: (n, ...) array or frame, or rows of a file larger than memory.
        name: for people, e.g. "digits (test split)".
        split: "train" or "test" of a data set, "" for files.
        other: the other split of the same data set, or None.
        labels: (n,) indices into `label_names`, or None.
        label_names: what a label means, or None.
    """

    X: Any
    name: str
    split: str = ""
    other: Samples | None = None
    labels: Any = None
    label_names: tuple[str, ...] | None = None


def read_samples(text: str, *, split: str = "test", resize: str | None = None) -> Samples:
    """Returns the samples of a data set (`NAME`, `NAME:train`, `NAME:test`), a file or a folder of images.

    A name wins over a file of that name; ./NAME is the file.

    Args:
        text: as the user wrote it.
        split: which split of a data set is meant where the user does not say.
        resize: "HEIGHTxWIDTH" for a folder of images.

    Raises:
        FileNotFoundError: when nothing is there.
        ValueError: for an unknown split or format, or a --resize of something else than a folder.
    """
    from latente import datasets
    from latente.data import loaded
    from latente.parts import did_you_mean

    size = image_size(resize)
    name, colon, wanted = text.partition(":")
    if name in datasets.names():
        if size is not None:
            raise ValueError(f"--resize is for folders of images; {name!r} is a data set")
        return _from_dataset(name, wanted if colon else split)
    path = Path(text)
    if not path.exists():
        known = ", ".join(datasets.names())
        hint = did_you_mean(name, datasets.names())
        raise FileNotFoundError(f"no such file, folder or data set: {text}; data sets: {known}.{hint}")
    if size is not None and not path.is_dir():
        raise ValueError(f"--resize is for folders of images; {text} is a file")
    return Samples(loaded(path, resize=size), text)


def _from_dataset(name: str, split: str) -> Samples:
    from latente import datasets

    if split not in SPLITS:
        raise ValueError(f"the splits of a data set are {' and '.join(SPLITS)}; got {split!r}: write {name}:train")
    data = datasets.load(name)
    arrays = {"train": (data.x_train, data.y_train), "test": (data.x_test, data.y_test)}
    splits = {
        part: Samples(X, f"{name} ({part} split)", part, labels=labels, label_names=data.label_names)
        for part, (X, labels) in arrays.items()
    }
    return replace(splits.pop(split), other=splits.popitem()[1])


def reference_for(samples: Samples, reference: str | None, resize: str | None) -> tuple[Any, str]:
    """Returns the data that the baselines are fitted on, and its name.

    That is what the user named, else the training split when the samples are a data set's test split, else None: the
    samples themselves.
    """
    if reference is not None:
        given = read_samples(reference, split="train", resize=resize if os.path.isdir(reference) else None)
        return given.X, given.name
    if samples.split == "test" and samples.other is not None:
        return samples.other.X, samples.other.name
    return None, "the same data"


def open_model(path: Path) -> Autoencoder:
    """Returns the model in a folder.

    Raises:
        FileNotFoundError: when there is no such folder.
        ModelFileError: when it holds no model.
    """
    from latente.estimators import Autoencoder, AutoencoderClassifier

    model = open_any(path)
    if not isinstance(model, Autoencoder):
        takes = "info takes" if isinstance(model, AutoencoderClassifier) else "denoise and info take"
        raise ValueError(f"{path} holds {_article(type(model).__name__)}, not an autoencoder: latente {takes} it")
    return model


def open_any(path: Path) -> Any:
    """Returns the autoencoder, the classifier, the Denoiser or the Imputer in a folder; see `open_model`."""
    if not path.exists():
        raise FileNotFoundError(f"no such model: {path}; give a folder that latente fit -o wrote")
    from latente.denoising import load

    return load(path)


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "AEIO" else f"a {name}"
