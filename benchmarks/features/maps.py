"""Maps in two dimensions: autoencoders beside PCA, t-SNE and UMAP.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/features/maps.py --peers-python /path/to/peers/bin/python
    python benchmarks/features/maps.py --only umap       # rows whose name starts with this; other rows stay
    python benchmarks/features/maps.py --table           # only writes the page and the picture

UMAP (umap-learn) needs an environment of its own: `pip install umap-learn`. The protocol is in README.md. Maps are kept
in the folder for temporary files, from where the picture is drawn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from kinds import FlatPCA, flat, maker, peak_mib
from picture import write_picture
from results import read_rows, replace_row
from sklearn.neighbors import KNeighborsClassifier
from tables import write_page

from latente.datasets import load
from latente.metrics import continuity, trustworthiness

HERE = Path(__file__).parent
RESULTS = HERE / "maps.csv"
MAPS = Path(tempfile.gettempdir()) / "latente-benchmark-features"
SETS = ("mnist", "fashion-mnist")
METHODS = ("pca", "tsne", "umap", "convolutional", "denoising", "variational", "stacked")
FITTED, MEASURED = 10_000, 5_000
NEIGHBOURS, MAP_EPOCHS = 5, 20
NAMES = [f"{data}-{method}" for method in METHODS for data in SETS]


def make_map(name: str, peers: str) -> dict[str, np.ndarray]:
    """Returns train (n, 2), new (m, 2) where the method can, fit_cpu_s, fit_mib and transform_ms."""
    data, method = next((data, name[len(data) + 1 :]) for data in SETS if name.startswith(data + "-"))
    images = load(data)
    train, new = images.x_train[:FITTED], images.x_test[:MEASURED]
    if method == "umap":
        return umap_map(train, new, name, peers)
    if method == "tsne":
        return tsne_map(train)
    encoder = FlatPCA(2) if method == "pca" else maker(method, 2, 0, epochs=MAP_EPOCHS)
    before, cpu = peak_mib(now=True), time.process_time()
    encoder.fit(train)
    fitted, mib = time.process_time() - cpu, peak_mib() - before
    codes, cpu = encoder.transform(train), time.process_time()
    found = {"train": codes, "new": encoder.transform(new)}
    spent = time.process_time() - cpu
    return found | {"fit_cpu_s": fitted, "fit_mib": mib, "transform_ms": 1e6 * spent / len(new)}


def tsne_map(train: np.ndarray) -> dict[str, np.ndarray]:
    """scikit-learn's t-SNE with its defaults; it has no transform."""
    from sklearn.manifold import TSNE

    before, cpu = peak_mib(now=True), time.process_time()
    codes = TSNE(random_state=0).fit_transform(flat(train))
    return {"train": codes, "fit_cpu_s": time.process_time() - cpu, "fit_mib": peak_mib() - before}


def umap_map(train: np.ndarray, new: np.ndarray, name: str, peers: str) -> dict[str, np.ndarray]:
    """umap-learn with its defaults, in its own environment."""
    given, made = MAPS / f"{name}-given.npz", MAPS / f"{name}-made.npz"
    np.savez(given, train=flat(train), new=flat(new))
    subprocess.run([peers, str(HERE / "peer.py"), str(given), str(made)], check=True)
    return dict(np.load(made))


def agreement(train: np.ndarray, y: np.ndarray, new: np.ndarray | None, y_new: np.ndarray | None) -> float:
    """Returns in per cent how often five neighbours on the map tell the label; without new points, of the others."""
    search = KNeighborsClassifier(NEIGHBOURS).fit(train, y)
    if new is not None:
        return 100 * search.score(new, y_new)
    neighbours = search.kneighbors(return_distance=False)  # of the points themselves, each without itself
    votes = np.stack([(y[neighbours] == label).sum(1) for label in np.unique(y)])
    return 100 * float((np.unique(y)[votes.argmax(0)] == y).mean())


def measure_one(name: str, peers: str) -> dict[str, object]:
    """Makes a map and returns what it is worth."""
    MAPS.mkdir(exist_ok=True)
    found, images = make_map(name, peers), load(name.rsplit("-", 1)[0])
    np.savez(MAPS / f"{name}.npz", **found)
    x, x_new = flat(images.x_train[:MEASURED]), flat(images.x_test[:MEASURED])
    z, z_new, y = found["train"][:MEASURED], found.get("new"), images.y_train[:FITTED]
    row: dict[str, object] = {"name": name, "seed": 0}
    row |= {"trustworthiness": trustworthiness(x, z, NEIGHBOURS), "continuity": continuity(x, z, NEIGHBOURS)}
    row["knn"] = agreement(found["train"], y, None, None)
    row |= dict.fromkeys(("new_trustworthiness", "new_continuity", "new_knn"), "")
    if z_new is not None:
        row["new_trustworthiness"] = trustworthiness(x_new, z_new, NEIGHBOURS)
        row["new_continuity"] = continuity(x_new, z_new, NEIGHBOURS)
        row["new_knn"] = agreement(found["train"], y, z_new, images.y_test[:MEASURED])
    return row | {key: float(found[key]) if key in found else "" for key in ("fit_cpu_s", "fit_mib", "transform_ms")}


def main() -> None:
    """Runs the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the rows whose name starts with this")
    parser.add_argument("--missing", action="store_true", help="leave out the rows that are in the CSV")
    parser.add_argument("--peers-python", default=sys.executable, help="of an environment with umap-learn")
    parser.add_argument("--table", action="store_true", help="only write page and picture")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure_one(arguments.child, arguments.peers_python)))
        return
    done = {row["name"] for row in read_rows(RESULTS)} if arguments.missing else ()
    wanted = [] if arguments.table else [name for name in NAMES if name.startswith(arguments.only) and name not in done]
    for name in wanted:
        command = [sys.executable, __file__, "--child", name, "--peers-python", arguments.peers_python]
        child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        row = json.loads(child.stdout.splitlines()[-1])
        replace_row(RESULTS, row, ("name", "seed"), NAMES)
        print(row, flush=True)
    shown = [method for method in METHODS if all((MAPS / f"{data}-{method}.npz").exists() for data in SETS)]
    if shown:
        names = [f"{data}-{method}" for data in SETS for method in shown]
        write_picture({name: np.load(MAPS / f"{name}.npz")["train"] for name in names}, SETS, shown)
    write_page()


if __name__ == "__main__":
    main()
