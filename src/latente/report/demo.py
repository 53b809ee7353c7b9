"""`latente demo`: trains the kinds of autoencoder on photographs of clothing and shows what each does."""

from __future__ import annotations

__all__ = ["run_demo"]

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from latente.datasets import Dataset, load
from latente.diagnostics import pass_through, scaled
from latente.estimators import Autoencoder, StackedAutoencoder
from latente.files import write_atomically
from latente.report.gallery import Trained, gallery_html, record
from latente.report.kinds import KINDS, Kind
from latente.report.model_report import NAME, report_html
from latente.report.study import Study
from latente.report.words import number, plural
from latente.training import seed_of

DATA = "fashion-mnist-10k"
Progress = Callable[[str], object]


def run_demo(
    out: str | Path, *, random_state: Any = 0, epochs: int | None = None, progress: Progress | None = None
) -> Path:
    """Trains six models of five kinds on 8,000 images, saves each with a report, and writes a gallery of all.

    Written are out/index.html (the gallery), out/results.json (its numbers) and, for each model, a folder
    out/models/NAME that `latente.load` reads, with a report.html in it.

    Args:
        out: a folder; made where it is missing, older files of the same names are replaced.
        random_state: decides everything random.
        epochs: passes over the images for every model; None for each model's own number.
        progress: called with a line of text now and then; None for silence.

    Returns:
        The path of the gallery.

    Raises:
        ValueError: for a number of epochs below 1, or an `out` that is a file.
        OSError: when something cannot be written.

    Example:
        >>> run_demo("demo-report", epochs=1, progress=print)  # doctest: +SKIP
        >>> run_demo("demo-report", epochs=0)
        Traceback (most recent call last):
        ValueError: epochs must be an integer of at least 1, or None; got 0
    """
    if epochs is not None and (not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1):
        raise ValueError(f"epochs must be an integer of at least 1, or None; got {epochs!r}")
    out, seed = Path(out), seed_of(random_state)
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder; {out} is a file. Choose another path")
    out.mkdir(parents=True, exist_ok=True)
    with one_thread():
        return _run(out, seed, epochs, progress or _silent)


@contextmanager
def one_thread() -> Iterator[None]:
    """Computes with one thread inside the block.

    These networks are small: a second thread gains little, and on a busy machine waiting for it costs a factor of ten
    or more. One thread gives the same numbers on any number of cores, too.
    """
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def _run(out: Path, seed: int, epochs: int | None, say: Progress) -> Path:
    """Trains, saves and reports on one model after the other, then writes the gallery."""
    data = load(DATA)
    say(f"{len(data.x_train):,} images to train on, {len(data.x_test):,} to judge by")
    trained = []
    for i, kind in enumerate(KINDS, 1):
        say(f"{i}/{len(KINDS)} {kind.title}: {plural(epochs or kind.epochs, 'epoch')}")
        one = train(kind, data, epochs or kind.epochs, seed)
        folder = out / "models" / kind.name
        one.study.model.save(folder)
        write_atomically(folder / NAME, report_html(one.study, back="../../index.html").encode())
        e = one.study.evaluation
        say(f"    error {number(e.error)} (PCA {number(e.pca_error)}), trained in {number(one.seconds)} s")
        trained.append(one)
    write_atomically(out / "results.json", (json.dumps(record(trained, data, seed), indent=2) + "\n").encode())
    index = out / "index.html"
    write_atomically(index, gallery_html(trained, data, seed).encode())
    say("the gallery is index.html")
    return index


def train(kind: Kind, data: Dataset, epochs: int, seed: int) -> Trained:
    """Trains one model and measures it on the test images.

    Args:
        kind: which one.
        data: images and labels.
        epochs: passes over the training images.
        seed: decides everything random.
    """
    model, before = kind.make(epochs, seed), None
    start = time.perf_counter()
    if isinstance(model, StackedAutoencoder):
        model.pretrain(data.x_train)
        before = pass_through(model, scaled(model, data.x_test))
        model.finetune(data.x_train)
    else:
        model.fit(data.x_train, validation=data.x_test)
    seconds = time.perf_counter() - start
    return Trained(kind, _study(model, data, seed), seconds, before)


def _study(model: Autoencoder, data: Dataset, seed: int) -> Study:
    return Study.of(
        model,
        data.x_test,
        labels=data.y_test,
        label_names=data.label_names,
        reference=data.x_train,
        random_state=seed,
    )


def _silent(line: str) -> None:
    """Says nothing."""
