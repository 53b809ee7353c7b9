"""pyautoencoder's AE: it gives the model and the loss (half the summed squares), the loop is the user's."""

from __future__ import annotations

__all__ = ["fit"]

from collections.abc import Callable
from typing import Any

import torch
from pyautoencoder.vanilla import AE
from torch.utils.data import DataLoader, TensorDataset

from speed.measure import Fitted
from speed.peers.modules import flat_unit, networks
from speed.peers.torch import fitted_module
from speed.task import Task


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    torch.manual_seed(0)
    data = torch.from_numpy(flat_unit(x))
    encoder, decoder = networks(task, data.shape[1])
    model, batch_size = AE(encoder, decoder), task.batch or 128
    loader = DataLoader(TensorDataset(data), batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    fitted = fitted_module(encoder, decoder, flat_unit, lambda rows: rows)
    fitted.notes = {"batch": batch_size, "precision": "float32"}
    for _ in range(task.epochs or 20):
        model.train()
        total = 0.0
        for (batch,) in loader:
            optimizer.zero_grad()
            loss = model.compute_loss(batch, model(batch), likelihood="gaussian").objective
            loss.backward()
            optimizer.step()
            total += loss.item()
        after_epoch(fitted)
    return fitted
