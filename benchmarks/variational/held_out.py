"""The likelihood of held-out training images, to choose by: no test image is looked at.

    python benchmarks/variational/held_out.py --epochs 15 --learning-rate 4e-3 --batch-size 128
    python benchmarks/variational/held_out.py --epochs 8 --k 50 --growth 1 --backward 3 --power 1.5
    python benchmarks/variational/held_out.py --epochs 25 --k 50 --growth 1 --backward 3 --binarisation static

Fits on MNIST's first 55,000 training images; the likelihood is that of the next 1,000, binarised once, by 500 draws.
Prints one line, writes nothing; what was found is in NOTES.md.
"""

from __future__ import annotations

import argparse
import time

from run import Case, binarised, estimator

from latente.datasets import load

TRAINED, HELD_OUT, DRAWS = 55_000, 1_000, 500


def measure(case: Case, seed: int) -> dict[str, float]:
    """Fits and returns CPU seconds, the held-out likelihood and the number of active units."""
    pictures = load("mnist").x_train
    train, held_out = pictures[:TRAINED], binarised(pictures[TRAINED : TRAINED + HELD_OUT], 0)
    if case.binarisation == "static":
        train = binarised(train, 1)
    model, start = estimator(case, seed, case.epochs), time.process_time()
    model.fit(train)
    seconds = time.process_time() - start
    likelihood = model.log_likelihood(held_out, DRAWS, random_state=0)
    return {
        "cpu_seconds": round(seconds, 1),
        "nll": round(-float(likelihood.mean()), 3),
        "last_loss": round(model.history_.records[-1].loss, 3),
        "active_units": int(model.active_units(held_out).sum()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binarisation", choices=("dynamic", "static"), default="dynamic")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--k", type=int, default=1)
    parser.add_argument("--growth", type=float, default=0.0)
    parser.add_argument("--power", type=float, default=1.0)
    parser.add_argument("--backward", type=int)
    parser.add_argument("--gradient", choices=("plain", "doubly", "elbo"), default="doubly", help="elbo: analytic rate")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    how = {name: getattr(given, name) for name in ("growth", "power", "backward")}
    how["doubly_reparameterized"] = given.gradient == "doubly"
    trainer = {"learning_rate": given.learning_rate, "batch_size": given.batch_size}
    objective = None if given.gradient == "elbo" else how
    print(measure(Case(given.binarisation, given.k, given.epochs, "", objective, trainer), given.seed))


if __name__ == "__main__":
    main()
