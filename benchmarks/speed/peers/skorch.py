"""skorch's NeuralNetRegressor(X, X) with Adam at 1e-3 (its default is SGD at 0.01, which hardly moves)."""

from __future__ import annotations

__all__ = ["fit"]

from collections.abc import Callable
from typing import Any

import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback
from torch import nn

from speed.measure import Fitted
from speed.peers.modules import flat_unit, networks
from speed.peers.torch import fitted_module
from speed.task import Task


class Epochs(Callback):
    """Tells the watch after each epoch."""

    def __init__(self, after_epoch: Callable[[Fitted], None], fitted: Fitted) -> None:
        self.after_epoch, self.fitted = after_epoch, fitted

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.after_epoch(self.fitted)


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    torch.manual_seed(0)
    data = flat_unit(x)
    encoder, decoder = networks(task, data.shape[1])
    fitted = fitted_module(encoder, decoder, flat_unit, lambda rows: rows)
    fitted.notes = {"batch": task.batch or 128, "precision": "float32"}
    net = NeuralNetRegressor(
        nn.Sequential(encoder, decoder),
        criterion=nn.MSELoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=task.epochs or 10,
        batch_size=task.batch or 128,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
        callbacks=[("epochs", Epochs(after_epoch, fitted))],
    )
    net.fit(data, data)
    return fitted
