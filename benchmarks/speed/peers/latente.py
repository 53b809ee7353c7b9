"""latente itself."""

from __future__ import annotations

__all__ = ["fit"]

from collections.abc import Callable
from typing import Any

import latente
from speed.measure import Fitted
from speed.task import Task


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    """Trains on an array or on the path of one."""

    def callback(record: Any) -> None:
        after_epoch(fitted)
        model.module_.train()  # computing an error has put it into evaluation mode

    trainer = latente.Trainer(
        epochs=task.epochs or "auto",
        batch_size=task.batch or "auto",
        precision=task.precision,
        learning_rate=task.rate or latente.Trainer.learning_rate,
        callbacks=[callback],
        verbose=False,
    )
    model = latente.Autoencoder(task.latent, network=_network(task), trainer=trainer, random_state=0)
    fitted = Fitted(_reconstruct(model), lambda x: model.transform(x), lambda x: model.score_samples(x))
    model.fit(x)
    history = model.history_
    fitted.notes = {"batch": history.batch_size, "precision": history.precision, "epochs": len(history)}
    return fitted


def _network(task: Task) -> Any:
    if task.natural:
        return "auto"
    if task.channels:
        return latente.Conv(task.channels, hidden_features=task.hidden, activation=task.activation)
    return latente.MLP(task.hidden, activation=task.activation)


def _reconstruct(model: Any) -> Callable[[Any], Any]:
    def reconstruct(x: Any) -> Any:
        x_hat = model.reconstruct(x)
        return x_hat / 255.0 if x_hat.dtype == "uint8" else x_hat

    return reconstruct
