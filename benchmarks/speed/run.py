"""latente beside other libraries and beside the raw matrix products; see README.md in this folder.

    python benchmarks/speed/run.py --peers-python /path/to/peers/bin/python    # everything, hours
    python benchmarks/speed/run.py --works a,c --libraries latente,torch,floor --repeats 3
    python benchmarks/speed/run.py --works a --repeats 1 --quick               # small, writes nothing
    python benchmarks/speed/run.py --curves                                    # cost against rows, width, latent size
    python benchmarks/speed/run.py --table                                     # only writes docs/speed.md

Each measurement is one fresh process with one thread. The measurements of a work follow each other A B C A B C, so that
a slow minute of the machine hits all of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed import costs, files, results, table
from speed.launch import Launcher
from speed.peers import LIBRARIES
from speed.search import fewest_epochs
from speed.works import MOST_REPEATS, TITLES, WORKS, quick, tasks_of


def run_work(work: str, arguments: argparse.Namespace, launcher: Launcher) -> list[results.Row]:
    """Measures a work and returns its rows."""
    tasks = tasks_of(work, arguments.libraries)
    tasks = [quick(task) for task in tasks] if arguments.quick else tasks
    rows = []
    with files.prepared(tasks, 0.2 if arguments.quick else 4.0) as tasks:
        for repeat in range(min(arguments.repeats, MOST_REPEATS.get(work, arguments.repeats))):
            for task in tasks:
                rows.append(launcher.measure(task, repeat))
                print(table.line(rows[-1]), flush=True)
    if work == "e" and not arguments.quick and any(task.library == "latente" for task in tasks):
        rows += fewest_epochs(next(task for task in tasks if task.library == "latente"), launcher)
    return rows


def run_curves(arguments: argparse.Namespace, launcher: Launcher) -> None:
    """Measures cost against rows, width and latent size, writes curves.csv and the picture."""
    library = next(iter(arguments.libraries), "latente")
    points = costs.measure_curves(launcher, library, arguments.repeats, arguments.quick)
    print("\n".join(costs.slopes(points)))
    if not arguments.quick:
        costs.write(points)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", default="", help=f"letters, e.g. a,c; all: {','.join(WORKS)}")
    parser.add_argument("--libraries", default="", help=f"of {', '.join(LIBRARIES)}; all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small data and few epochs; writes no results")
    parser.add_argument("--curves", action="store_true", help="cost against rows, width and latent size")
    parser.add_argument("--table", action="store_true", help="only write the table from the results")
    parser.add_argument("--peers-python", default="", help="the interpreter with requirements-peers.txt")
    arguments = parser.parse_args()
    arguments.libraries = tuple(name for name in arguments.libraries.split(",") if name)
    unknown = set(arguments.libraries) - set(LIBRARIES)
    if unknown:
        parser.error(f"unknown libraries {', '.join(sorted(unknown))}; known: {', '.join(LIBRARIES)}")
    works = arguments.works.split(",") if arguments.works else [] if arguments.curves else list(WORKS)
    if set(works) - set(WORKS):
        parser.error(f"unknown works in {arguments.works}; known: {', '.join(f'{k} ({v})' for k, v in TITLES.items())}")
    arguments.works = [] if arguments.table else works
    return arguments


def main() -> None:
    arguments = parse()
    launcher = Launcher(arguments.peers_python)
    for work in arguments.works:
        print(f"({work}) {TITLES[work]}", flush=True)
        rows = run_work(work, arguments, launcher)
        print("\n".join(table.markdown(work, rows)))
        if not arguments.quick:
            results.replace(rows)
    if arguments.curves:
        run_curves(arguments, launcher)
    if not arguments.quick:
        table.write_page(results.read())


if __name__ == "__main__":
    main()
