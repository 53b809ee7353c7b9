"""UMAP in an environment of its own: python peer.py GIVEN.npz MADE.npz (see maps.py)."""

from __future__ import annotations

import resource
import sys
import time
import warnings

import numpy as np
import umap


def main() -> None:
    """Fits on `train`, maps `new`, and writes both with what they cost."""
    given = np.load(sys.argv[1])
    train, new = given["train"], given["new"]
    warnings.simplefilter("ignore")  # a fixed seed means one thread, which umap-learn warns of
    umap.UMAP(random_state=0).fit(train[:500]).transform(new[:50])  # numba compiles before the clock starts
    with open("/proc/self/statm") as file:
        before = int(file.read().split()[1]) * resource.getpagesize() / 2**20
    cpu = time.process_time()
    model = umap.UMAP(random_state=0).fit(train)
    fitted = time.process_time() - cpu
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    cpu = time.process_time()
    mapped = model.transform(new)
    spent = 1e6 * (time.process_time() - cpu) / len(new)
    np.savez(sys.argv[2], train=model.embedding_, new=mapped, fit_cpu_s=fitted, fit_mib=mib, transform_ms=spent)


if __name__ == "__main__":
    main()
