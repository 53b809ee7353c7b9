"""Classifiers to folders and back, in the format of models: one file with the head and the autoencoder before it."""

from __future__ import annotations

__all__ = ["NAME", "restored_classifier", "save_classifier"]

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import Tensor

from latente.corruptions import Custom
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.classifier import NAME, AutoencoderClassifier
from latente.estimators.saving import described, has_code, needs, restored, revive
from latente.persistence import ModelFileError, Stored, load_tensors, write_model
from latente.training import History, current_processes

BEFORE = "autoencoder."  # names of the autoencoder's tensors
KINDS, LARGEST = "biufUO", 8  # of labels; bytes of a number


def save_classifier(model: AutoencoderClassifier, path: str | Path) -> Path:
    """Writes a fitted classifier to a folder and returns its path.

    Of several processes that trained together the first one writes, and the others wait.

    Args:
        model: fitted.
        path: of the folder.

    Raises:
        TypeError: for a subclass of the user's own, or labels that JSON cannot hold.
    """
    if type(model) is not AutoencoderClassifier:
        raise TypeError(f"cannot save a {type(model).__name__}: only latente's own {NAME} can be loaded again")
    tensors, description = described(model.autoencoder_)
    tensors = {f"{BEFORE}{name}": value for name, value in tensors.items()}
    tensors |= {f"module.{name}": value for name, value in model.module_.state_dict().items()}
    names = getattr(model, "feature_names_in_", None)
    whole = {
        "estimator": NAME,
        "params": model._params,
        "data": {"labels": labels_record(model.classes_), "autoencoder": description},
        "training": model.history_.to_dict(),
        "features": None if names is None else [str(name) for name in names],
    }
    processes = current_processes()
    if processes.first:
        write_model(path, tensors, whole)
    processes.wait()
    return Path(path)


def restored_classifier(
    path: str | Path, tensors: dict[str, Tensor], stored: Stored, own: dict[str, Any]
) -> AutoencoderClassifier:
    """Returns the classifier that a file described.

    Args:
        path: of the folder, for messages.
        tensors: by name.
        stored: the description.
        own: the user's own modules and functions; a corruption is that of the classifier, of its autoencoder, or both.

    Raises:
        ModelFileError: for a description that is not valid, or code of the user's own that is missing.
        TypeError: for code that the model has no place for.
    """
    params = dict(stored.params)
    lacks = has_code(params.get("corruption"))
    autoencoder = _autoencoder(path, tensors, stored, own, lacks)
    try:
        kind = params.pop("autoencoder")
        model = AutoencoderClassifier(**{name: revive(value) for name, value in params.items()})
        model.autoencoder = {None: None, "unfitted": clone, "frozen": FrozenEstimator}[kind]
        if model.autoencoder is not None:
            model.autoencoder = model.autoencoder(autoencoder)
        if lacks:
            model.corruption = own.get("corruption", Custom())  # which refuses to act
        model.autoencoder_, model.classes_ = autoencoder, labels_from(stored.data["labels"])
        model._params, model.n_features_in_ = stored.params, autoencoder.schema_.user_shape[0]
        if stored.features is not None:
            model.feature_names_in_ = np.array(stored.features, dtype=object)
        model.history_ = History.from_dict(stored.training)
        model.n_iter_ = len(model.history_)
        model.module_ = model._head(0).eval()
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelFileError(f"the description in {path} is not valid: {error}") from error
    weights = {name.removeprefix("module."): value for name, value in tensors.items() if name.startswith("module.")}
    load_tensors(lambda: model.module_.load_state_dict(weights), str(path))
    if lacks and "corruption" not in own:
        message = "It predicts without; to train again it is needed"
        warnings.warn(f"{needs('corruption', 'corruption=...')}. {message}", stacklevel=3)
    return model


def _autoencoder(
    path: str | Path, tensors: dict[str, Tensor], stored: Stored, own: dict[str, Any], lacks: bool
) -> Autoencoder:
    """Returns the autoencoder that the classifier started from; `lacks` says whether a corruption may be meant for it.

    The user's corruption goes to it where it has one of the user's own, and where nobody has: it then refuses.
    """
    try:
        description = dict(stored.data["autoencoder"])
        inner = Stored(format=stored.format, versions=stored.versions, tensors=[], sha256="", **description)
    except (TypeError, ValueError, KeyError) as error:
        raise ModelFileError(f"the autoencoder's description in {path} is not valid: {error}") from error
    if lacks and not has_code(inner.params.get("corruption")):
        own = {name: value for name, value in own.items() if name != "corruption"}
    found = {name.removeprefix(BEFORE): value for name, value in tensors.items() if name.startswith(BEFORE)}
    return restored(path, found, inner, own)


def labels_record(classes: NDArray[Any]) -> dict[str, Any]:
    """Returns the JSON of labels.

    Raises:
        TypeError: for labels that are no numbers, truth values or strings.

    Example:
        >>> labels_record(np.array(["cat", "dog"]))
        {'dtype': '<U3', 'values': ['cat', 'dog']}
    """
    values = classes.tolist()
    known = all(isinstance(value, (str, bool, int, float)) for value in values)
    if (
        not known
        or classes.dtype.kind not in KINDS
        or (classes.dtype.kind in "iuf" and classes.dtype.itemsize > LARGEST)
    ):
        raise TypeError(
            f"labels of dtype {classes.dtype} such as {values[0]!r} cannot be saved; fit with labels that are numbers "
            "of at most 64 bits, truth values or strings"
        )
    return {"dtype": classes.dtype.str, "values": values}


def labels_from(record: dict[str, Any]) -> NDArray[Any]:
    """Returns the labels (classes,) that `labels_record` described, of their dtype.

    Raises:
        TypeError, ValueError, KeyError: for a record that is not valid.
    """
    dtype = np.dtype(str(record["dtype"]))
    if dtype.kind not in KINDS:
        raise ValueError(f"labels cannot be of dtype {dtype}")
    classes = np.array(record["values"], dtype=dtype)
    if classes.ndim != 1 or len(classes) < 2:
        raise ValueError(f"labels must be a list of at least 2; got {record['values']!r}")
    return classes
