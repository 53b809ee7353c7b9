"""One measurement, as it is handed to a fresh process."""

from __future__ import annotations

__all__ = ["Task"]

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Task:
    """What one process does.

    Attributes:
        work: the letter of the work.
        case: the part of the work, rows of one case are compared with each other.
        library: an adapter in peers/ ("keras-jax" is keras with the backend jax), or "floor".
        variant: what distinguishes two rows of a library.
        mode: "steady", "total", "curve", "memory", "idle", "file", "encode", "reconstruct" or "score"; see child.py.
        data: see data.rows_of.
        rows: training rows; None takes all.
        hidden: widths of the fully connected layers from the data to the code; the decoder is the mirror.
        channels: of strided 3x3 convolutions before them; () has none.
        latent: the size of the code.
        batch: samples in a step; None takes the library's default.
        epochs: passes; None takes the library's default.
        precision: latente's, and the floor's.
        rate: latente's peak learning rate; None takes its default.
        activation: of hidden units, where the library offers it.
        natural: the library's own defaults instead of `hidden` and the common learning rate, where it has such.
        target: the error at which a curve ends.
        limit: CPU seconds after which training is stopped.
        path: of a file to train on.
    """

    work: str
    case: str
    library: str
    variant: str = ""
    mode: str = "steady"
    data: str = "fashion-mnist"
    rows: int | None = None
    hidden: tuple[int, ...] = (512, 256)
    channels: tuple[int, ...] = ()
    latent: int = 32
    batch: int | None = None
    epochs: int | None = None
    precision: str = "auto"
    rate: float | None = None
    activation: str = "silu"
    natural: bool = False
    target: float | None = None
    limit: float = 600.0
    path: str = ""

    @property
    def name(self) -> str:
        """Library and variant, as tables show them."""
        return f"{self.library} {self.variant}".strip()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies the row; repeats share it."""
        return self.work, self.case, self.library, self.variant

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Task:
        values = json.loads(text)
        return Task(**{**values, "hidden": tuple(values["hidden"]), "channels": tuple(values["channels"])})
