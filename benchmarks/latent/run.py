"""Is the latent space of an autoencoder full of holes, and that of a variational one continuous? MNIST, k = 2 and 8.

    python benchmarks/latent/run.py                  # every row, about 15 CPU minutes on one thread
    python benchmarks/latent/run.py --only plain-k8  # rows whose name contains this
    python benchmarks/latent/run.py --table          # only writes the tables of docs/latent-space.md from the CSV
    python benchmarks/latent/run.py --fill           # only puts measures into the CSV that its rows have not yet
    python benchmarks/latent/run.py --references     # prints what src/latente/diagnostics/latent/measures.py holds

Each row is one fit and one `latent_report` in a process of its own. README.md says what is measured and how.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from pictures import write_pictures
from tables import write_tables

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
PICTURES = Path(tempfile.gettempdir()) / "latente-benchmark-latent"
KINDS = ("vanilla", "plain", "denoising", "contractive", "variational", "bernoulli", "overfitted")
ROWS = [f"{kind}-k{k}" for k in (2, 8) for kind in KINDS]
IMAGES, EPOCHS, FEW = 20_000, 10, 500
SINGLE_LAYER_EPOCHS = 60  # one layer learns slower, and an epoch costs a tenth
DIGITS = ((1, 7), (3, 8))
PAIRS, STEPS = 100, 20
COMPONENTS, DRAWS = 32, 3_000


def build(kind: str, k: int, seed: int):
    """Returns an unfitted model of a kind."""
    import latente

    epochs = {"vanilla": SINGLE_LAYER_EPOCHS, "overfitted": EPOCHS * IMAGES // FEW // 2}
    trainer = latente.Trainer(epochs=epochs.get(kind, EPOCHS), weight_decay=0, verbose=False)
    common = {"trainer": trainer, "random_state": seed}
    if kind == "vanilla":
        return latente.VanillaAutoencoder(k, **common)
    common["network"] = "mlp:1000,500,250"
    if kind in ("variational", "bernoulli"):
        return latente.VariationalAutoencoder(k, distortion="auto" if kind == "variational" else kind, **common)
    parts = {"denoising": {"corruption": "masking:0.25"}, "contractive": {"objective": "contractive:0.1"}}
    return latente.Autoencoder(k, **parts.get(kind, {}), **common)


def fit_one(name: str, seed: int, data):
    """Returns the fitted model of one row."""
    kind, k = name.split("-k")
    x = data.x_train[:IMAGES]
    return build(kind, int(k), seed).fit(x[:FEW] if kind == "overfitted" else x)


def reported(model, data, seed: int) -> dict[str, object]:
    """Returns the measures of `latent_report`, and its warnings."""
    from dataclasses import asdict

    from latente.diagnostics import latent_report

    report = latent_report(model, data.x_train[:IMAGES], held_out=data.x_test, random_state=seed)
    found = {key: value for key, value in asdict(report).items() if key not in ("skipped", "findings")}
    found["worst_findings"] = "; ".join(f.name for f in report.findings if f.severity == "warning")
    return found


def measure_one(name: str, seed: int) -> dict[str, object]:
    """Fits and measures one row in this process."""
    from latente.datasets import load

    kind = name.split("-k")[0]
    data = load("mnist")
    x = data.x_train[:IMAGES]
    start = time.process_time()
    model = fit_one(name, seed, data)
    fitted = time.process_time()
    found = reported(model, data, seed)
    done = time.process_time()
    found |= between_digits(model, data) | repaired(model, data, x, seed)
    if seed == 0:
        keep_pictures(model, data, name)
    head = {
        "name": name,
        "kind": kind,
        "seed": seed,
        "images": FEW if kind == "overfitted" else IMAGES,
        "epochs": model.n_iter_,
    }
    head["error"] = model.evaluate(data.x_test, reference=x).error
    return head | found | {"fit_cpu_s": fitted - start, "report_cpu_s": done - fitted}


def remeasure_one(name: str, seed: int) -> dict[str, object]:
    """Fits one row again in this process, for the measures of `latent_report` only."""
    from latente.datasets import load

    data = load("mnist")
    return reported(fit_one(name, seed, data), data, seed)


def filled(row: dict[str, str], again: dict[str, object]) -> dict[str, object]:
    """Returns a row with the measures that it lacks, those of a second fit; what it has stays.

    Args:
        row: of the CSV.
        again: what `remeasure_one` found.
    """
    from latente.diagnostics.latent.measures import MEASURES

    names = [measure.name for measure in MEASURES]
    new = {name: again[name] for name in names if row.get(name, "") == "" and again[name] is not None}
    known = {name: row.get(name, "") for name in names}
    before = dict(list(row.items())[: list(row).index("hole_fraction")])
    return before | known | row | new


def between_digits(model, data) -> dict[str, float]:
    """Measures straight lines from ones to sevens and from threes to eights, test images."""
    import numpy as np

    from latente.diagnostics import scaled
    from latente.diagnostics.latent.codes import encode, straight_paths
    from latente.diagnostics.passed import decode
    from latente.metrics import kth_distance

    x, base = scaled(model, data.x_test), scaled(model, data.x_train[:IMAGES]).reshape(IMAGES, -1)
    found: dict[str, float] = {}
    for first, second in DIGITS:
        rows = [np.flatnonzero(data.y_test == digit)[:PAIRS] for digit in (first, second)]
        a, b = (encode(model, x[r]) for r in rows)
        walk = straight_paths(model, a, b, STEPS)
        ends, halfway = decode(model, np.concatenate([a, b])), decode(model, (a + b) / 2)
        mixed = (x[rows[0]] + x[rows[1]]) / 2
        near = [float(kth_distance(base, y.reshape(len(y), -1), 1).mean()) for y in (ends, halfway, mixed)]
        name = f"{first}_{second}"
        found |= {f"jump_{name}": float(np.nanmean(walk.jump)), f"ratio_{name}": float(np.nanmean(walk.ratio))}
        found |= {f"halfway_{name}": near[1] / near[0], f"mixture_{name}": near[2] / near[0]}
    return found


def densities(codes, seed: int):
    """Returns draws (DRAWS, k) by what they are of: N(0, I), a fitted Gaussian, a fitted Gaussian mixture."""
    import numpy as np
    from sklearn.mixture import GaussianMixture

    from latente.diagnostics.latent.codes import gaussian_draws

    rng = np.random.default_rng(seed)
    mixture = GaussianMixture(COMPONENTS, random_state=seed, max_iter=200, reg_covar=1e-6).fit(codes)
    mixed = mixture.sample(DRAWS)[0][rng.permutation(DRAWS)]
    return {
        "normal": rng.normal(size=(DRAWS, codes.shape[1])), "gaussian": gaussian_draws(codes, DRAWS, rng),
        "mixture": mixed,
    }  # fmt: skip


def repaired(model, data, x, seed: int) -> dict[str, float]:
    """Measures draws of densities fitted to training codes against codes of test images that none of them saw."""
    from latente.diagnostics import scaled
    from latente.diagnostics.passed import decode
    from latente.metrics import code_coverage, hole_fraction, kth_distance

    codes = model.transform(data.x_test[:DRAWS]).astype("f8")
    base = scaled(model, data.x_train[:IMAGES]).reshape(IMAGES, -1)[:10_000]
    rebuilt = decode(model, codes[:500].astype("f4")).reshape(500, -1)
    unit, found = float(kth_distance(base, rebuilt, 1).mean()), {}
    for name, draws in densities(model.transform(x[:10_000]).astype("f8"), seed).items():
        shown = decode(model, draws[:500].astype("f4")).reshape(500, -1)
        found[f"{name}_holes"] = hole_fraction(codes, draws)
        found[f"{name}_coverage"] = code_coverage(codes, draws)
        found[f"{name}_distance"] = float(kth_distance(base, shown, 1).mean()) / unit
    return found


def keep_pictures(model, data, name: str) -> None:
    """Keeps a way from digit to digit for each pair, and decoded draws, until all rows are there."""
    import numpy as np

    from latente.diagnostics.passed import decode

    PICTURES.mkdir(exist_ok=True)
    ways = []
    for first, second in DIGITS:
        a, b = (data.x_test[np.flatnonzero(data.y_test == digit)[0]] for digit in (first, second))
        ways.append(np.asarray(model.interpolate(a, b, steps=11)))
    drawn = {key: decode(model, draws[:10].astype("f4")).reshape(10, 28, 28)
             for key, draws in densities(model.transform(data.x_train[:10_000]).astype("f8"), 0).items()}  # fmt: skip
    np.savez(PICTURES / f"{name}.npz", ways=np.stack(ways), **drawn)


def read_results() -> list[dict[str, str]]:
    """Returns the rows of the CSV."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def write_results(rows: list[dict[str, object]]) -> None:
    """Writes the CSV, rows in the order of ROWS."""
    rows = sorted(rows, key=lambda row: (ROWS.index(str(row["name"])), int(str(row["seed"]))))
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def run(name: str, seed: int, *flags: str) -> dict[str, object]:
    """Runs one row in a process of its own and returns its results, rounded."""
    command = [sys.executable, __file__, "--child", name, "--seed", str(seed), *flags]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}


def references(rows: list[dict[str, str]]) -> str:
    """Returns the values of the healthy and the sick model, means over the seeds, as Python."""
    from latente.diagnostics.latent.measures import MEASURES

    lines = []
    for k in ("2", "8"):
        lines.append(f"    {k}: {{")
        for measure in MEASURES:
            pair = []
            for kind in ("variational", "overfitted"):
                texts = [r[measure.name] for r in rows if r["kind"] == kind and r["latent_dim"] == k]
                values = [float(text) for text in texts if text not in ("", "None")]
                pair.append(f"{statistics.mean(values):.3g}" if values else "None")
            lines.append(f'        "{measure.name}": ({pair[0]}, {pair[1]}),')
        lines.append("    },")
    for k in ("2", "8"):
        pair = [
            statistics.mean(float(r["halfway_1_7"]) for r in rows if r["kind"] == kind and r["latent_dim"] == k)
            for kind in ("variational", "overfitted")
        ]
        lines.append(f"HALFWAY {k}: ({pair[0]:.3g}, {pair[1]:.3g})")
    return "\n".join(lines)


def fill(only: str) -> None:
    """Puts measures that are younger than the rows into the CSV, and prints how the others came out this time."""
    for row in [row for row in read_results() if only in row["name"]]:
        again = run(row["name"], int(row["seed"]), "--fill")
        which, nothing = (row["name"], row["seed"]), dict.fromkeys(again)
        write_results([filled(r, again if (r["name"], r["seed"]) == which else nothing) for r in read_results()])
        shown = [f"{key} {row[key]} then, {again[key]} now" for key in ("hole_fraction", "mmd", "jump")]
        print(f"{row['name']} seed {row['seed']}: mmd_fitted {again['mmd_fitted']}; {'; '.join(shown)}", flush=True)
    write_tables(read_results())


def main() -> None:
    """Runs the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the rows whose name contains this")
    parser.add_argument("--missing", action="store_true", help="leave out the rows that are in the CSV")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--table", action="store_true", help="only write the tables from the CSV")
    parser.add_argument("--fill", action="store_true", help="only fill in measures that rows of the CSV lack")
    parser.add_argument("--references", action="store_true", help="only print the reference values")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps((remeasure_one if arguments.fill else measure_one)(arguments.child, arguments.seed)))
        return
    if arguments.fill:
        fill(arguments.only)
        return
    if arguments.references:
        print(references(read_results()))
        return
    names = [] if arguments.table else [name for name in ROWS if arguments.only in name]
    done = {(row["name"], row["seed"]) for row in read_results()} if arguments.missing else set()
    for seed in range(arguments.seeds):
        for name in (name for name in names if (name, str(seed)) not in done):
            row = run(name, seed)
            kept = [r for r in read_results() if (r["name"], r["seed"]) != (name, str(seed))]
            write_results([*kept, row])
            print(f"{name} seed {seed}: {row['fit_cpu_s']} + {row['report_cpu_s']} CPU s", flush=True)
    write_pictures(PICTURES, [name for name in ROWS if (PICTURES / f"{name}.npz").exists()])
    write_tables(read_results())


if __name__ == "__main__":
    main()
