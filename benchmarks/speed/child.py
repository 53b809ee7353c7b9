"""One measurement in this process: python -m speed.child '<task as JSON>'; the last line of output is the result.

Modes:
    steady: epochs after the first; test error at the end.
    total: a whole fit, first in this process and again warm; error on rows that were not trained on.
    curve: CPU seconds and test error after each epoch.
    memory: the largest resident memory of one fit; idle: that of a process that imports torch.
    file: memory and time of a fit on a file, with the private memory limited.
    encode, reconstruct, score: what a fitted model does with a million rows.
"""

from __future__ import annotations

__all__ = ["main", "measure_task", "squared_errors"]

import contextlib
import json
import os
import resource
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np

from speed.data import rows_of
from speed.measure import Fitted, Stopped, Watch, cpu_seconds, peak_mb, private_mb
from speed.peers import adapter
from speed.task import Task

Result = dict[str, Any]
MANY = 1_000_000  # rows that a fitted model transforms
PRIVATE_LIMIT = 2 << 30  # bytes, of memory that is not pages of a file


def squared_errors(fitted: Fitted, x: Any, std: Any = 1.0) -> Any:
    """The squared error of each sample: pictures in [0, 1], columns of tables divided by std."""
    x_hat = np.asarray(fitted.reconstruct(x)).reshape(len(x), -1)
    wanted = x.reshape(len(x), -1)
    wanted = wanted / 255.0 if x.dtype == np.uint8 else wanted
    return np.square((wanted - x_hat) / std).sum(axis=1)


def _fit(task: Task, x: Any, watch: Watch) -> Fitted:
    """Fits; a fit that the watch has stopped counts."""
    library = adapter(task.library)
    _one_thread()
    watch.start()
    try:
        return library.fit(task, x, watch)
    except Stopped:
        assert watch.fitted is not None
        return watch.fitted


def _one_thread() -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def _steady(task: Task) -> Result:
    x, x_test = rows_of(task.data, task.rows)
    watch = Watch(limit=task.limit)
    fitted = _fit(task, x, watch)
    total = watch.read()[0]
    epoch = watch.epoch()
    return {
        "rate": len(x) / epoch,
        "epoch_cpu": epoch,
        "epoch_wall": watch.epoch("wall"),
        "startup_cpu": max(0.0, total - epoch * len(watch.cpu)),
        "total_cpu": total,
        "error": float(squared_errors(fitted, x_test).mean()) if task.data == "fashion-mnist" else None,
        "epochs": len(watch.cpu),
        **fitted.notes,
    }


def _total(task: Task) -> Result:
    x, x_test = rows_of(task.data, task.rows)
    times, walls = [], []
    for _ in range(2):
        watch = Watch(limit=task.limit)
        fitted = _fit(task, x, watch)
        cpu, wall = watch.read()
        times.append(cpu)
        walls.append(wall)
    errors = squared_errors(fitted, x_test, x.std(axis=0)) if task.rows else _refitted(task, x)
    result = {"first_cpu": times[0], "total_cpu": times[1], "total_wall": walls[1], "epochs": len(watch.cpu)}
    result |= {"error": float(errors.mean()), "median_error": float(np.median(errors))}
    return {**result, **fitted.notes}


def _refitted(task: Task, x: Any) -> Any:
    """Errors of a small table's rows, each by a model that was trained on the other four fifths."""
    parts = np.array_split(np.arange(len(x)), 5)
    errors = []
    for part in parts:
        rest = np.delete(x, part, axis=0)
        errors.append(squared_errors(_fit(task, rest, Watch()), x[part], rest.std(axis=0)))
    return np.concatenate(errors)


def _curve(task: Task) -> Result:
    x, x_test = rows_of(task.data, task.rows)
    watch = Watch(lambda fitted: float(squared_errors(fitted, x_test).mean()), task.target, task.limit)
    fitted = _fit(task, x, watch)
    result = {"curve": list(zip(watch.cpu, watch.errors, strict=True)), "epochs": len(watch.cpu)}
    return {**result, "error": watch.errors[-1], "total_cpu": watch.cpu[-1], "epoch_cpu": watch.epoch(), **fitted.notes}


def _idle(task: Task) -> Result:
    import torch

    torch.zeros(1)
    return {"peak_mb": peak_mb()}


def _memory(task: Task) -> Result:
    x = np.load(task.path)
    watch = Watch(limit=task.limit)
    fitted = _fit(task, x, watch)
    return {"peak_mb": peak_mb(), "total_cpu": watch.read()[0], "epochs": len(watch.cpu), **fitted.notes}


def _file(task: Task) -> Result:
    """Fits on a path while private writable memory cannot grow above the limit; file pages are the system's to drop."""
    resource.setrlimit(resource.RLIMIT_DATA, (PRIVATE_LIMIT, PRIVATE_LIMIT))
    peaks, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            peaks.append(private_mb())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    watch = Watch(limit=task.limit)
    fitted = _fit(task, task.path, watch)
    done.set()
    cpu, wall = watch.read()
    rows = len(np.load(task.path, mmap_mode="r"))
    result = {"peak_mb": peak_mb(), "private_mb": max(peaks), "total_cpu": cpu, "total_wall": wall}
    return {**result, "rate": rows * len(watch.cpu) / cpu, "epochs": len(watch.cpu), **fitted.notes}


def _use(task: Task) -> Result:
    """Times one function of a fitted model, after a warm-up with a few rows."""
    x, _ = rows_of(task.data, MANY if task.rows is None else task.rows)
    fitted = _fit(task, x[:5_000], Watch())
    function = getattr(fitted, task.mode)
    function(x[:5_000])
    cpu, wall = cpu_seconds(), time.perf_counter()
    function(x)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    return {"total_cpu": cpu, "total_wall": wall, "rate": len(x) / cpu}


MODES = {"steady": _steady, "total": _total, "curve": _curve, "idle": _idle, "memory": _memory, "file": _file}
MODES |= dict.fromkeys(("encode", "reconstruct", "score"), _use)


def measure_task(task: Task) -> Result:
    """Runs one task and returns what was measured."""
    if task.library == "floor":
        from speed.floor import measure_floor

        _one_thread()
        return measure_floor(task)
    return MODES[task.mode](task)


def main() -> None:
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with contextlib.redirect_stdout(sys.stderr):
        result = measure_task(Task.from_json(sys.argv[1]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
