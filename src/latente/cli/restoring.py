"""Denoisers and imputers on the command line: trained, opened, and what they take and give."""

from __future__ import annotations

__all__ = ["RESTORERS", "Noisy", "build_restorer", "check_restored", "fit_restorer", "read_noisy", "write_restored"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latente.cli.inputs import read_samples
from latente.cli.keeping import keep
from latente.cli.options import Kind
from latente.cli.outputs import ARRAYS, TABLES, check_file, check_folder, new_file, new_folder, write_array
from latente.cli.printing import lines, show, training_record, training_text
from latente.cli.problems import naming

RESTORERS = (Kind.denoiser, Kind.imputer)
MEANS = {"corruption": "noise", "objective": "way", "data": "kind"}  # what an option is to a Denoiser


@dataclass(frozen=True)
class Noisy:
    """What is to be restored, or learned from.

    Attributes:
        X: an array, a frame, a picture or a list of pictures.
        files: the pictures' names inside their folder, for a folder.
        single: whether it is one picture.
    """

    X: Any
    files: tuple[Path, ...] = ()
    single: bool = False


def build_restorer(kind: Kind, parts: Mapping[str, Any], training: Mapping[str, Any], seed: int, *, pairs: bool) -> Any:
    """Returns the unfitted Denoiser or Imputer that the options describe.

    Args:
        kind: the value of --type.
        parts: the options that say what is trained; None stands for one that was not given.
        training: the Trainer's arguments, likewise.
        seed: the random state.
        pairs: whether second copies come with the data.

    Raises:
        ValueError: for an option that the type does not take.
    """
    from latente.denoising import Denoiser, Imputer
    from latente.training import Trainer

    given = {name: value for name, value in parts.items() if value is not None}
    takes = tuple(MEANS) if kind is Kind.denoiser else ()
    for name in given:
        if name not in takes:
            known = ", ".join(f"--{part}" for part in takes) or "settings of the training only"
            raise ValueError(f"--type {kind} takes no --{name.replace('_', '-')}; it takes {known}")
    settings = {name: value for name, value in training.items() if value is not None}
    if kind is Kind.imputer:
        if pairs:
            raise ValueError("--type imputer takes no --target; DATA is a table with missing cells")
        return Imputer(trainer=Trainer(**settings), random_state=seed)
    arguments = {MEANS[name]: value for name, value in given.items()}
    if pairs:
        arguments.setdefault("way", "noise2noise")
    return Denoiser(**arguments, trainer=Trainer(**settings), random_state=seed)


def fit_restorer(
    model: Any,
    data: str,
    target: str | None,
    output: Path,
    resize: str | None,
    checkpoints: Path | None,
    resume: bool,
    say: bool,
    as_json: bool,
) -> None:
    """Fits, saves and tells; arguments as those of `latente fit`."""
    X = read_noisy(data, resize, split="train").X
    pairs = () if target is None else (read_noisy(target, resize, split="train").X,)
    with naming(X=data):
        model.fit(X, *pairs, resume=resume)
    history = model.history_
    keep(model, output, checkpoints)
    if say:
        record = {"model": str(output), "estimator": type(model).__name__, "training": training_record(history)}
        text = lines({"training": training_text(history), "model": str(output)})
        show(record, text, as_json)


def read_noisy(text: str, resize: str | None = None, split: str = "test") -> Noisy:
    """Returns what a name on the command line holds; the images of a folder may have any sizes.

    Args:
        text: a file, a folder of images or a data set's name.
        resize: of --resize.
        split: which split of a data set is meant where the user does not say.
    """
    from latente import datasets
    from latente.data.images import IMAGE_SUFFIXES, read_each

    path = Path(text)
    picture = path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES
    of_a_set = text.partition(":")[0] in datasets.names()
    if resize is not None or of_a_set or not (picture or path.is_dir()):
        return Noisy(read_samples(text, split=split, resize=resize).X)
    pictures = read_each(path)
    images = list(pictures.values())
    if picture:
        return Noisy(images[0], single=True)
    return Noisy(images, tuple(file.relative_to(path) for file in pictures))


def check_restored(output: Path, noisy: Noisy, force: bool) -> None:
    """Raises when a result has no place where it is to go; see `check_file` and `check_folder`."""
    if noisy.files:
        if output.suffix:
            raise ValueError(f"-o {output}: a folder of images becomes a folder; give a name without extension")
        check_folder(output, force)
    elif noisy.single:
        check_file(output, (".png", ".npy"), force)
    else:
        check_file(output, ARRAYS if np.ndim(noisy.X) == 2 else (".npy",), force)


def write_restored(output: Path, restored: Any, noisy: Noisy, as_json: bool) -> None:
    """Writes what a restorer returned, in the form in which it came, and says so."""
    record: dict[str, Any] = {"output": str(output)}
    if noisy.files:
        with new_folder(output) as folder:
            for name, image in zip(noisy.files, restored, strict=True):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                _write_picture((folder / name).with_suffix(".png"), image)
        show(record | {"images": len(restored)}, f"wrote {output}: {len(restored)} images", as_json)
        return
    if output.suffix.lower() == ".png":
        with new_file(output) as part:
            _write_picture(part, restored)
    else:
        columns = getattr(noisy.X, "columns", None) if output.suffix.lower() in TABLES else None
        write_array(output, np.asarray(restored), columns=None if columns is None else list(map(str, columns)))
    shape = " x ".join(map(str, restored.shape))
    show(
        record | {"shape": restored.shape, "dtype": restored.dtype.name},
        f"wrote {output}: {shape} {restored.dtype.name}",
        as_json,
    )


def _write_picture(path: Path, image: Any) -> None:
    from PIL import Image

    Image.fromarray(image).save(path)
