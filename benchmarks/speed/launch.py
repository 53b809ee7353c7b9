"""Starts one fresh process for each measurement."""

from __future__ import annotations

__all__ = ["Launcher", "environment"]

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from speed.peers import OWN
from speed.results import Row
from speed.task import Task

FOLDER = Path(__file__).parents[1]
THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
EXTRA = 300  # wall seconds for imports, data and evaluation


def environment(cache: str) -> dict[str, str]:
    """The variables of a process with one thread.

    Args:
        cache: an empty folder for compiled kernels, so that every process pays for its own. They are compiled in the
            process itself, since the time of a helper that still runs at the end is not counted.
    """
    one = {f"{name}_NUM_THREADS": "1" for name in THREADS}
    one["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    one |= {"TQDM_DISABLE": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": cache}
    own = str(FOLDER)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, **one, "PYTHONPATH": f"{own}{os.pathsep}{path}" if path else own}


class Launcher:
    """Measures tasks, one after the other.

    Args:
        peers_python: the interpreter of the peers; "" skips them.
    """

    def __init__(self, peers_python: str = "") -> None:
        self.peers_python = peers_python

    def measure(self, task: Task, repeat: int = 0) -> Row:
        """Runs the task in a process of its own; a failure is a row with a note."""
        python = sys.executable if task.library in (*OWN, "idle") else self.peers_python
        if not python:
            return Row(task, repeat, {"note": "skipped: no --peers-python"})
        wall = 4 * task.limit + EXTRA  # the machine may be busy
        try:
            done = self._run(python, task, wall)
        except subprocess.TimeoutExpired:
            return Row(task, repeat, {"note": f"stopped after {wall:.0f} s of wall time"})
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            return Row(task, repeat, {"note": f"failed: {last[:200]}"})
        return Row(task, repeat, json.loads(done.stdout.splitlines()[-1]))

    def _run(self, python: str, task: Task, wall: float) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as cache:
            return subprocess.run(
                [python, "-m", "speed.child", task.to_json()],
                capture_output=True,
                text=True,
                timeout=wall,
                env=environment(cache),
            )
