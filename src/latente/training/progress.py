"""A progress bar in a terminal, silence elsewhere."""

from __future__ import annotations

__all__ = ["progress_bar", "say"]

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from latente.training.finding import Finding
from latente.training.history import EpochRecord


class Show(Protocol):
    """Shows an epoch's record, and the names of the warnings among the findings so far."""

    def __call__(self, record: EpochRecord, findings: Sequence[Finding] = ()) -> None: ...


def _is_shown(verbose: bool | str) -> bool:
    return verbose is True or (verbose == "auto" and sys.stderr.isatty())


def say(verbose: bool | str, text: str) -> None:
    """Prints a line on standard error, where `progress_bar` would show a bar.

    Args:
        verbose: True, False or "auto".
        text: the line.
    """
    if _is_shown(verbose):
        sys.stderr.write(f"{text}\n")


@contextmanager
def progress_bar(verbose: bool | str, epochs: int, done: int = 0) -> Iterator[Show]:
    """Yields a function that shows an epoch's record and findings; with "auto" only where standard error is a terminal.

    Args:
        verbose: True, False or "auto".
        epochs: all.
        done: of those, in an earlier run.
    """
    if not _is_shown(verbose):
        yield lambda record, findings=(): None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=epochs, completed=done, text="")

        def show(record: EpochRecord, findings: Sequence[Finding] = ()) -> None:
            held = "" if record.validation_loss is None else f" validation {record.validation_loss:.5g}"
            rate = f" rate {record.rate:.3g}" if record.rate else ""
            text = (
                f"loss {record.loss:.5g} distortion {record.distortion:.5g}{rate}{held}  {record.seconds:.1f} s/epoch"
            )
            wrong = ", ".join(finding.name for finding in findings if finding.severity == "warning")
            bar.update(task, advance=1, text=f"{text}  {wrong}" if wrong else text)

        yield show
