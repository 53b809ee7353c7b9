"""kill -9 at random moments, resume, and compare the end with that of the run that nobody killed.

    python benchmarks/resume/run.py                    # every task, results.csv and a table
    python benchmarks/resume/run.py --only vae         # tasks whose name contains "vae"
    python benchmarks/resume/run.py --kills 3          # fewer

See README.md in this folder for the protocol.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
FIELDS = ["task", "processes", "kill", "seed", "killed_at_s", "states", "identical"]
# name: (processes, kills)
TASKS = {"vae": (1, 20), "denoising": (1, 20), "quantised": (1, 20), "stacked": (1, 20), "vae x 2": (2, 20)}


def launch(name: str, processes: int, folder: Path) -> subprocess.Popen:
    """Starts a task in a session of its own, so that all of its processes can be killed at once."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command += [str(HERE / "child.py"), name.split()[0], str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    with (folder / "log.txt").open("a") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)


def states(folder: Path) -> int:
    """Returns the number of states that are there, those of pretrained layers included."""
    return len(list((folder / "checkpoints").rglob("step-*.safetensors")))


def first_state(running: subprocess.Popen, folder: Path) -> float:
    """Waits for the first state, or the process's end, and returns when it was seen."""
    while running.poll() is None and not states(folder):
        time.sleep(0.01)
    return time.monotonic()


def finished(name: str, processes: int, folder: Path) -> dict:
    """Runs a task to its end, from where it is, and returns its result."""
    running = launch(name, processes, folder)
    if running.wait(timeout=1800):
        sys.exit(f"{name}: failed\n{(folder / 'log.txt').read_text()[-3000:]}")
    return json.loads((folder / "result.json").read_text())


def uninterrupted(name: str, processes: int, folder: Path) -> tuple[dict, float]:
    """Returns a run's result, and the seconds of training that a kill can fall into."""
    folder.mkdir()
    running = launch(name, processes, folder)
    begun = first_state(running, folder)
    running.wait()
    seconds = time.monotonic() - begun
    return json.loads((folder / "result.json").read_text()), seconds


def killed(name: str, processes: int, folder: Path, moment: float) -> tuple[float, int]:
    """Kills a run that many seconds after its first state; returns when that was, and how many states are there."""
    folder.mkdir()
    running = launch(name, processes, folder)
    begun = first_state(running, folder)
    time.sleep(moment)
    over = running.poll() is not None
    if not over:
        os.killpg(running.pid, signal.SIGKILL)  # its session: started above, and nobody else is in it
        for child in _workers(folder):
            os.kill(child, signal.SIGKILL)
        running.wait()
    return (float("nan") if over else time.monotonic() - begun), states(folder)


def _workers(folder: Path) -> list[int]:
    """Returns the processes that compute in a folder; torchrun gives each a session of its own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(folder).encode() in words and str(HERE / "child.py").encode() in words:
            found.append(int(path.parent.name))
    return found


def kill_and_resume(name: str, kills: int, base: Path) -> list[dict]:
    """Returns one row for each kill."""
    processes, seed = TASKS[name][0], sum(map(ord, name))
    expected, seconds = uninterrupted(name, processes, base / "whole")
    print(f"{name}: {seconds:.1f} s, {len(expected['records'])} epochs, {expected['stopped']}", flush=True)
    draw, rows = random.Random(seed), []
    while len(rows) < kills:
        folder = base / f"kill-{len(rows)}"
        at, there = killed(name, processes, folder, draw.uniform(0, seconds))
        if at != at:  # it was faster this time, and over before its moment came
            shutil.rmtree(folder)
            continue
        same = finished(name, processes, folder) == expected
        row = [name, processes, len(rows) + 1, seed, f"{at:.3f}", there, same]
        rows.append(dict(zip(FIELDS, row, strict=True)))
        print(f"  killed after {at:6.2f} s: {'identical' if same else 'DIFFERENT'}", flush=True)
        shutil.rmtree(folder)
    return rows


def table(rows: list[dict]) -> str:
    """Returns the counts of identical ends."""
    lines = ["| task | processes | kills | bit-identical |", "|---|---|---|---|"]
    for name, (processes, _) in TASKS.items():
        mine = [str(row["identical"]) == "True" for row in rows if row["task"] == name]
        if mine:
            lines.append(f"| {name.split()[0]} | {processes} | {len(mine)} | {sum(mine)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--kills", type=int, help="of each task; 20 unless told")
    options = parser.parse_args()
    names = [name for name in TASKS if options.only in name]
    rows = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["task"] not in names]
    for name in names:
        with tempfile.TemporaryDirectory() as base:
            rows += kill_and_resume(name, options.kills or TASKS[name][1], Path(base))
        with RESULTS.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: list(TASKS).index(row["task"])))
    print(table(rows))
    return 0 if all(str(row["identical"]) == "True" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
