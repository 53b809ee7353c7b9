"""What SourceSeparator and AudioDenoiser share: settings checked, a network made, trained and applied."""

from __future__ import annotations

__all__ = ["MaskEstimator"]

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from latente.audio.separation.applying import FLOAT_BITS, divide, divided_pieces
from latente.audio.separation.network import MaskNetwork
from latente.audio.signals import Signal, as_signal, check_rate
from latente.data import Source
from latente.estimators.params import PartParams
from latente.objectives import Objective
from latente.parts import is_integer, is_number, resolve
from latente.training import History, Trainer, seed_of, seeded

RATE, BATCH = 2e-3, 16
STEPS = 10_000  # of a training whose epochs are left open
EPOCH = 1600  # mixtures in an epoch


class MaskEstimator(PartParams, BaseEstimator):
    """Settings of the network and the training; see the classes."""

    shipped: ClassVar[str]
    network_: MaskNetwork
    sources_: tuple[str, ...]
    history_: History

    channels: int
    bottleneck: int
    sample_rate: int
    seconds: float
    trainer: Trainer | None
    random_state: Any

    def _check(self) -> None:
        """Raises ValueError for settings that make no sense."""
        name = type(self).__name__
        for setting in ("channels", "bottleneck"):
            if not is_integer(getattr(self, setting), low=1):
                raise ValueError(f"{name}: {setting} must be an integer of at least 1; got {getattr(self, setting)!r}")
        check_rate(self.sample_rate)
        if not is_number(self.seconds, 0.1, 60):
            raise ValueError(f"{name}: seconds must be a number from 0.1 to 60; got {self.seconds!r}")
        self._trainer().check()

    def _trainer(self) -> Trainer:
        trainer = resolve(self.trainer, Trainer, Trainer()) or Trainer()
        batch = BATCH if trainer.batch_size == "auto" else int(trainer.batch_size)
        epochs = max(1, STEPS * batch // EPOCH) if trainer.epochs == "auto" else trainer.epochs
        rate = RATE if trainer.learning_rate == "auto" else trainer.learning_rate
        decay = 0.0 if trainer.weight_decay == "auto" else trainer.weight_decay
        return replace(trainer, batch_size=batch, epochs=epochs, learning_rate=rate, weight_decay=decay)

    def _count(self) -> int:
        """Returns the mixtures of an epoch."""
        return EPOCH

    def _learn(self, names: tuple[str, ...], source: Source, objective: Objective, seed: int, resume: bool) -> Self:
        trainer, held = self._trainer(), None
        if trainer.held_out:
            source, held = source.split(trainer.held_out, seed)
        network = self._network(len(names), seed).to(trainer.resolve_device())
        self.history_ = trainer.fit(network, source, objective, validation=held, seed=seed, resume=resume)
        self.network_, self.sources_ = network.eval(), names
        return self

    def _network(self, sources: int, seed: int) -> MaskNetwork:
        with seeded(seed):
            return MaskNetwork(sources, int(self.channels), int(self.bottleneck))

    def _device(self) -> str:
        return str(self._trainer().resolve_device())

    def _seed(self) -> int:
        return seed_of(self.random_state)

    @property
    def _samples(self) -> int:
        return round(self.seconds * self.sample_rate)

    def _divided(self, signal: Any, sample_rate: Any, name: str) -> NDArray[np.float32]:
        """Returns (sources + 1, ...) of a signal."""
        check_is_fitted(self, "network_")
        rate, bits = check_rate(sample_rate), _bits(signal)
        return divide(self.network_, as_signal(signal, name), rate, int(self.sample_rate), bits)

    def _pieces(self, pieces: Iterator[Signal], sample_rate: Any, bits: int) -> Iterator[NDArray[np.float32]]:
        check_is_fitted(self, "network_")
        if not is_integer(bits, 8, FLOAT_BITS):
            raise ValueError(f"bits must be an integer from 8 to {FLOAT_BITS}; got {bits!r}")
        return divided_pieces(self.network_, pieces, check_rate(sample_rate), int(self.sample_rate), bits)

    def save(self, path: str | Path) -> Path:
        """Writes the model to a folder of safetensors and JSON, and returns its path.

        Args:
            path: of the folder.
        """
        from latente.audio.separation.saving import save

        check_is_fitted(self, "network_")
        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Returns the model in a folder; it answers as the saved one did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of another kind.
        """
        from latente.audio.separation.saving import load

        model: Self = load(path, cls)
        return model

    @classmethod
    def pretrained(cls) -> Self:
        """Returns the model that comes with latente."""
        return cls.load(Path(__file__).with_name("models") / cls.shipped)


def _bits(signal: Any) -> int:
    """Returns the bits of the grid that an array's samples lie on."""
    dtype = np.asarray(signal).dtype
    return min(FLOAT_BITS, max(16, 8 * dtype.itemsize)) if dtype.kind in "iu" else FLOAT_BITS
