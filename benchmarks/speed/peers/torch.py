"""Plain PyTorch as people write it: DataLoader of float32, Adam, one loss.item() a batch."""

from __future__ import annotations

__all__ = ["fit", "fitted_module", "scaled"]

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from speed.measure import Fitted
from speed.peers.modules import flat_unit, networks
from speed.task import Task

EPOCHS, BATCH = 20, 128  # where the task leaves them to the library
CHUNKS = "slices"  # the variant that uses a model without a DataLoader


def scaled(x: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How this data is scaled, and the way back: pictures to [0, 1] (no way back), tables to unit variance."""
    if x.dtype == np.uint8:
        return flat_unit, lambda rows: rows
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-8
    return lambda x: ((x - mean) / std).astype(np.float32), lambda rows: rows * std + mean


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    torch.manual_seed(0)
    scale, back = scaled(x)
    data = torch.from_numpy(scale(x))
    encoder, decoder = networks(task, data.shape[1], bounded=x.dtype == np.uint8)
    model = nn.Sequential(encoder, decoder)
    loader = DataLoader(TensorDataset(data), batch_size=task.batch or BATCH, shuffle=True)
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=1e-3), nn.MSELoss()
    fitted = fitted_module(encoder, decoder, scale, back, chunks=task.variant == CHUNKS)
    fitted.notes = {"batch": task.batch or BATCH, "precision": "float32"}
    for _ in range(task.epochs or EPOCHS):
        model.train()
        total = 0.0
        for (batch,) in loader:
            optimizer.zero_grad()
            loss = criterion(model(batch), batch)
            loss.backward()
            optimizer.step()
            total += loss.item()
        after_epoch(fitted)
    return fitted


def fitted_module(encoder: nn.Module, decoder: nn.Module, scale: Any, back: Any, chunks: bool = False) -> Fitted:
    """The functions of a trained pair of modules.

    Args:
        encoder, decoder: the modules.
        scale, back: see `scaled`.
        chunks: slices of a tensor instead of what people write, a DataLoader, which collects row by row.
    """

    @torch.no_grad()
    def run(module: nn.Module, x: Any) -> Any:
        module.eval()
        data = torch.from_numpy(scale(x))
        if chunks:
            return torch.cat([module(batch) for batch in data.split(1024)]).numpy()
        return torch.cat([module(batch) for (batch,) in DataLoader(TensorDataset(data), batch_size=1024)]).numpy()

    return Fitted(lambda x: back(run(nn.Sequential(encoder, decoder), x)), lambda x: run(encoder, x))
