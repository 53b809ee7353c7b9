"""Shared by all tests: one thread, real data if there is any, and a guard for the global generators."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

# Results may depend on the number of threads, and the workers of pytest-xdist already use every core.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def latente_data() -> Path:
    """The folder of real data named by LATENTE_DATA; without it, tests that ask for it skip."""
    given = os.environ.get("LATENTE_DATA")
    if not given:
        pytest.skip("LATENTE_DATA is not set: this test needs the real data sets")
    folder = Path(given)
    if not folder.is_dir():
        pytest.fail(f"LATENTE_DATA={given} is no folder")
    return folder


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Lets Ctrl-C interrupt: a process that was started in the background ignores it, and so would its tests."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def untouched_generators() -> Iterator[None]:
    """Fail the test if it moved or seeded the global generator of Python, numpy or torch."""
    before = _generator_states()
    yield
    changed = [name for name, state in _generator_states().items() if state != before[name]]
    if changed:
        pytest.fail(f"the global generator of {', '.join(changed)} was used; pass a random_state or a generator")


def _generator_states() -> dict[str, object]:
    kind, key, *rest = np.random.get_state()  # noqa: NPY002  (the guarded one)
    return {
        "random": random.getstate(),
        "numpy": (kind, key.tobytes(), *rest),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
