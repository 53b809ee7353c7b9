"""What goes wrong, in one line."""

from __future__ import annotations

__all__ = ["Interrupted", "naming", "note", "one_line", "one_line_warnings", "report_problem"]

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import typer

LONGEST = 2000  # characters; some messages quote a whole array
MISTAKES = (ValueError, TypeError, OSError, ImportError, ArithmeticError)  # TrainingDiverged is arithmetic


class Interrupted(Exception):
    """Raised when the user interrupted a command that has something to say about it."""


def one_line(text: object) -> str:
    """Returns a text with every run of white space made one space, cut where it is very long.

    Example:
        >>> one_line("a\\n  b")
        'a b'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST else line[:LONGEST] + " ..."


def note(text: str) -> None:
    """Prints a line for people to standard error."""
    typer.echo(f"latente: {text}", err=True)


@contextmanager
def naming(**names: str) -> Iterator[None]:
    """Says what the user calls the data, in place of "X" for instance, where values of it are missing or infinite.

    Args:
        names: by what the library calls it.
    """
    try:
        yield
    except ValueError as error:
        from latente.data.checks import NotFiniteError

        if isinstance(error, NotFiniteError) and error.what in names:
            raise NotFiniteError(names[error.what], error.found) from error
        raise


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Shows the library's warnings as one line each, and hides those that are meant for developers."""

    said: set[str] = set()  # once each: data is read several times

    def show(message: Warning | str, category: type[Warning], *rest: Any, **named: Any) -> None:
        text = one_line(message)
        if text not in said:
            note(f"warning: {text}")
        said.add(text)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.filterwarnings("ignore", message="X does not have valid feature names")  # an array has none
        warnings.showwarning = show
        yield


def report_problem(error: BaseException, arguments: Sequence[str]) -> int:
    """Prints what went wrong in one line on standard error and returns the exit code.

    Args:
        error: what was raised.
        arguments: the command line, to quote from it.
    """
    if isinstance(error, (KeyboardInterrupt, typer.Abort, Interrupted)):
        note(one_line(error) or "interrupted")
        return 130
    if isinstance(error, BrokenPipeError):  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if hasattr(error, "format_message"):  # a mistake in the arguments, found by typer
        note(f"error: {_explain_usage(error, arguments)}")
        return 2
    if isinstance(error, MISTAKES):
        note(f"error: {_explain(error)}")
        return 2
    note(f"unexpected {type(error).__name__}: {one_line(error)}; this is a bug, --debug shows where")
    return 1


def _explain_usage(error: Any, arguments: Sequence[str]) -> str:
    """Returns typer's message, the value that it is about where it names an option only, and where to read more."""
    message = one_line(error.format_message()).replace("Value error, ", "").rstrip(".")
    names = getattr(getattr(error, "param", None), "opts", ())
    words = [word for argument in arguments for word in argument.split("=", 1)]
    given = next((value for name, value in reversed([*pairwise(words)]) if name in names), None)  # the last one counts
    got = f"; got {given!r}" if given is not None and "Missing" not in message and repr(given) not in message else ""
    context = getattr(error, "ctx", None)
    return f"{message}{got}; see {context.command_path if context is not None else 'latente'} --help"


def _explain(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:  # without its number
        return one_line(f"{error.strerror}: {error.filename}" if error.filename is not None else error.strerror)
    return one_line(error) or type(error).__name__
