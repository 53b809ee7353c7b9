"""The works: which measurements each of them has."""

from __future__ import annotations

__all__ = ["MOST_REPEATS", "TITLES", "WORKS", "curve_tasks", "quick", "tasks_of"]

from collections.abc import Callable
from dataclasses import replace

from speed.task import Task

TITLES = {
    "a": "Training a fully connected network: Fashion-MNIST, 784-512-256-32 and the mirror",
    "b": "Training a convolutional network: Fashion-MNIST, latent size 16",
    "c": "A table of 10,000 x 9 (shuttle), latent size 4, the whole fit",
    "d": "A table of 223 x 9 (wbc), latent size 4, the whole fit",
    "e": "CPU seconds to a test error of 10.0 an image: Fashion-MNIST, latent size 16",
    "f": "Memory of a fit on 60,000 x 784 bytes, one epoch",
    "g": "A million rows through a fitted model: table of 32 columns, 32-16-8",
    "h": "A file larger than the memory limit",
}
PEERS = ("pythae", "pyautoencoder", "skorch", "pyod", "sklearn", "keras-jax", "keras-torch")
MOST_REPEATS = {"e": 1, "h": 1}  # a repeat of these takes long, and differences are large
RELU_ONLY = ("sklearn", "pyod")  # PyOD knows no SiLU by name, scikit-learn none at all


def _activation(library: str) -> str:
    return "relu" if library in RELU_ONLY else "silu"


def mlp_training() -> list[Task]:
    tasks = []
    for batch in (128, 1024):
        base = Task("a", f"batch {batch}", "floor", batch=batch, epochs=3)
        tasks += [
            replace(base, precision="float32"),
            replace(base, library="latente", variant="float32", precision="float32"),
            replace(base, library="torch", precision="float32"),
            replace(base, library="latente", variant="bfloat16", precision="bfloat16"),
            replace(base, library="torch", variant="ReLU", activation="relu"),
            replace(base, variant="bfloat16", precision="bfloat16"),
            replace(base, variant="float32 by oneDNN", precision="oneDNN"),
        ]
        tasks += [replace(base, library=name, activation=_activation(name)) for name in PEERS]
    tasks.append(Task("a", "batch 128", "latente", "defaults", epochs=3))
    return tasks


def conv_training() -> list[Task]:
    base = Task("b", "batch 128", "floor", rows=10_000, hidden=(256,), channels=(32, 64), latent=16, batch=128)
    base = replace(base, epochs=3)
    return [
        replace(base, precision="float32"),
        replace(base, library="latente", variant="float32", precision="float32"),
        replace(base, library="torch", precision="float32"),
        replace(base, library="latente", variant="bfloat16", precision="bfloat16"),
        replace(base, library="latente", variant="defaults", batch=None),
        replace(base, library="latente", variant="1 epoch", batch=None, epochs=1),
        replace(base, library="latente", variant="10 epochs", batch=None, epochs=10),
        replace(base, library="latente", variant="40 epochs", batch=None, epochs=40),
        replace(base, library="pythae", variant="ConvNet, 1 epoch", natural=True, epochs=1),
    ]


def table_fit(work: str) -> Callable[[], list[Task]]:
    data, rows = {"c": ("shuttle", 10_000), "d": ("wbc", None)}[work]

    def tasks() -> list[Task]:
        base = Task(work, data, "latente", mode="total", data=data, rows=rows, hidden=(64,), latent=4, natural=True)
        return [
            base,
            replace(base, variant="2 epochs of 64 at 1e-2", epochs=2, batch=64, rate=1e-2),
            replace(base, variant="5 epochs", epochs=5),
            replace(base, variant="20 epochs", epochs=20),
            replace(base, library="pyod", variant="64-4", activation="relu"),
            replace(base, library="pyod", variant="defaults (64-32)", latent=32, activation="relu"),
            replace(base, library="torch", variant="20 epochs"),
            replace(base, library="sklearn", activation="relu"),
        ]

    return tasks


def time_to_error() -> list[Task]:
    base = Task("e", "10.0", "latente", "defaults", "curve", latent=16, natural=True, target=10.0, limit=200.0)
    names = ("torch", "pythae", "pyautoencoder", "skorch", "pyod", "sklearn", "keras-jax", "keras-torch")
    peers = [replace(base, library=n, variant="", activation=_activation(n), epochs=100) for n in names]
    return [base, *(replace(task, hidden=(64,)) if task.library == "pyod" else task for task in peers)]


def memory() -> list[Task]:
    base = Task("f", "60,000 x 784", "latente", mode="memory", epochs=1, batch=128)
    names = ("torch", *PEERS)
    return [
        replace(base, library="idle", variant="import torch", mode="idle"),
        base,
        *(replace(base, library=n, activation=_activation(n)) for n in names),
    ]


def use() -> list[Task]:
    base = Task("g", "", "latente", data="generated:32", hidden=(32, 16), latent=8, batch=256, epochs=1)
    names = {
        "encode": ("torch", "torch slices"),
        "reconstruct": ("torch", "torch slices", "sklearn"),
        "score": ("pyod",),
    }
    tasks = []
    for mode, others in names.items():
        for library, _, variant in (name.partition(" ") for name in ("latente", *others)):
            own = {"library": library, "variant": variant, "activation": _activation(library)}
            tasks.append(replace(base, case=mode, mode=mode, **own))
    return tasks


def big_file() -> list[Task]:
    return [Task("h", "4 GB .npy", "latente", mode="file", epochs=1, batch=1024, limit=1200.0)]


WORKS: dict[str, Callable[[], list[Task]]] = {
    "a": mlp_training,
    "b": conv_training,
    "c": table_fit("c"),
    "d": table_fit("d"),
    "e": time_to_error,
    "f": memory,
    "g": use,
    "h": big_file,
}


def tasks_of(work: str, libraries: tuple[str, ...] = ()) -> list[Task]:
    """The measurements of a work, of these libraries only if any are named."""
    return [task for task in WORKS[work]() if not libraries or task.library in (*libraries, "idle")]


def quick(task: Task) -> Task:
    """The same measurement in small: tells whether it works, and little about speed."""
    if task.mode in ("encode", "reconstruct", "score"):
        return replace(task, rows=100_000)
    if task.data == "fashion-mnist":
        most = 512 if task.library == "pythae" and task.channels else 10_000
        return replace(task, rows=min(most, task.rows or most), epochs=min(2, task.epochs or 2), limit=60.0)
    return task


def curve_tasks(library: str = "latente") -> dict[str, list[tuple[float, Task]]]:
    """For each curve the measurements and where they lie on its axis."""
    table = Task("curves", "rows", library, data="generated:32", hidden=(64, 32), latent=8, batch=256, epochs=3)
    table = replace(table, precision="float32")
    picture = replace(table, data="fashion-mnist", rows=6_000, latent=32)
    counts = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    return {
        "rows": [(n, replace(table, rows=n, epochs=max(3, min(60, 200_000 // n)))) for n in counts],
        "width": [(w, replace(picture, case="width", hidden=(w, w // 2))) for w in (64, 128, 256, 512, 1024, 2048)],
        "latent size": [(k, replace(picture, case="latent size", latent=k)) for k in (2, 8, 32, 128, 512)],
    }
