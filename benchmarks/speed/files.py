"""Files that some works need, in a temporary folder that is gone afterwards."""

from __future__ import annotations

__all__ = ["prepared"]

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from speed.data import big_file, pictures
from speed.task import Task


@contextmanager
def prepared(tasks: list[Task], gigabytes: float) -> Iterator[list[Task]]:
    """Yields the tasks with the paths of the files that they need.

    Args:
        tasks: of one work.
        gigabytes: size of the file that does not fit into the memory limit.
    """
    modes = {task.mode for task in tasks}
    if not modes & {"memory", "file"}:
        yield tasks
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        if "file" in modes:
            big_file(path, gigabytes)
        else:
            np.save(path, pictures(tasks[-1].rows)[0])
        yield [replace(task, path=str(path)) for task in tasks]
