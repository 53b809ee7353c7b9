"""What happened during training, epoch by epoch."""

from __future__ import annotations

__all__ = ["Callback", "EpochRecord", "History"]

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from latente.training.finding import Finding


@dataclass(frozen=True)
class EpochRecord:
    """One epoch; losses are means over samples (per sample, summed over its elements), rates in nats.

    Attributes:
        epoch: from 1.
        loss: of the training samples, averaged while the weights moved.
        distortion: part of the loss.
        rate: nats, unweighted.
        penalty: all other costs, weighted.
        validation_loss: of held-out samples after the epoch, or None.
        validation_distortion: likewise.
        validation_rate: likewise.
        seconds: wall time of the epoch.
        learning_rate: at the end of the epoch.
        extra: what else the objective reported.
        first_loss: of the epoch's first batch, before its update; in the first epoch that of the untrained network.
        highest_loss: the highest mean loss of a batch.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = [[float(i), float(i % 7)] for i in range(50)]
        >>> record = Autoencoder(1, trainer=Trainer(epochs=2), random_state=0).fit(X).history_.records[-1]
        >>> record.epoch, record.loss == record.distortion, record.rate  # a deterministic code has no rate
        (2, True, 0.0)
    """

    epoch: int
    loss: float
    distortion: float
    rate: float
    penalty: float
    validation_loss: float | None
    validation_distortion: float | None
    validation_rate: float | None
    seconds: float
    learning_rate: float
    extra: dict[str, float] = field(default_factory=dict)
    first_loss: float | None = None
    highest_loss: float | None = None


Callback = Callable[[EpochRecord], bool | None]
"""Called after every epoch with its record; returning True stops training."""


@dataclass
class History:
    """A small table of epochs.

    Attributes:
        records: one for each epoch.
        stopped: why training ended: "finished", "early stopping", "callback" or "interrupted".
        best_epoch: the epoch whose weights were kept.
        precision: what the arithmetic ran in, "float32" or "bfloat16".
        batch_size: the number of samples in a step.
        threads: how many computed.
        samples: that were trained on; 0, like the next three, where it is not known.
        planned: epochs that the run was to have.
        steps: of an epoch.
        learning_rate: the peak of the schedule.
        weight_scale: typical size of a weight before training, the median over matrices of their root mean square.
        findings: what these numbers show to be wrong, causes before symptoms; brought up to date after every epoch.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = [[float(i), float(i % 7)] for i in range(50)]
        >>> history = Autoencoder(1, trainer=Trainer(epochs=2), random_state=0).fit(X).history_
        >>> history.column("epoch"), history.stopped
        ([1, 2], 'finished')
    """

    records: list[EpochRecord] = field(default_factory=list)
    stopped: str = "finished"
    best_epoch: int = 0
    precision: str = "float32"
    batch_size: int = 0
    threads: int = 0
    samples: int = 0
    planned: int = 0
    steps: int = 0
    learning_rate: float = 0.0
    weight_scale: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> list[Any]:
        """Returns one column, e.g. "loss", as a list over epochs.

        Args:
            name: of an attribute of EpochRecord.
        """
        return [getattr(record, name) for record in self.records]

    @property
    def seconds(self) -> float:
        """Wall time of all epochs."""
        return sum(self.column("seconds"))

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready description."""
        return asdict(self)

    @staticmethod
    def from_dict(description: dict[str, Any]) -> History:
        """Makes the history that `to_dict` described.

        Args:
            description: that dictionary.
        """
        records = [EpochRecord(**record) for record in description["records"]]
        findings = [Finding.from_dict(finding) for finding in description.get("findings", [])]
        return History(**{**description, "records": records, "findings": findings})

    def __repr__(self) -> str:
        lines = [f"{'epoch':>5} {'loss':>12} {'validation':>12} {'distortion':>12} {'rate':>9} {'seconds':>8}"]
        shown = self.records if len(self.records) <= 12 else [*self.records[:3], None, *self.records[-8:]]
        for record in shown:
            if record is None:
                lines.append("  ...")
                continue
            held = "" if record.validation_loss is None else f"{record.validation_loss:.6g}"
            lines.append(
                f"{record.epoch:>5} {record.loss:>12.6g} {held:>12} {record.distortion:>12.6g} "
                f"{record.rate:>9.4g} {record.seconds:>8.2f}"
            )
        ran = f"{self.stopped}, {self.seconds:.1f} s, batches of {self.batch_size}, {self.precision}"
        return "\n".join([*lines, f"{ran}, weights of epoch {self.best_epoch}"])
