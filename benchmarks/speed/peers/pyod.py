"""PyOD's AutoEncoder: ReLU, batch normalisation, dropout of 0.2, columns standardised, linear output.

Its hidden_neuron_list ends with the bottleneck. Settings are its own (10 epochs, batches of 32) unless the task says.
"""

from __future__ import annotations

__all__ = ["fit"]

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pyod.models.auto_encoder import AutoEncoder

from speed.measure import Fitted
from speed.task import Task

EPS = 1e-8  # what PyOD adds to the standard deviation


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    picture = x.dtype == np.uint8
    own = {"epoch_num": task.epochs, "batch_size": task.batch}
    settings = {name: value for name, value in own.items() if value is not None}
    model = AutoEncoder(hidden_neuron_list=[*task.hidden, task.latent], verbose=0, **settings)

    def flat(x: Any) -> Any:
        return x.reshape(len(x), -1) / 255.0 if picture else x

    @torch.no_grad()
    def reconstruct(x: Any) -> Any:
        was_training = model.model.training
        model.model.eval()
        scaled = torch.from_numpy(((flat(x) - model.X_mean) / (model.X_std + EPS)).astype(np.float32))
        x_hat = torch.cat([model.model(part) for part in scaled.split(1024)]).numpy()
        model.model.train(was_training)
        return x_hat * (model.X_std + EPS) + model.X_mean

    notes = {"batch": model.batch_size, "epochs": model.epoch_num, "precision": "float32"}
    fitted = Fitted(reconstruct, score=lambda x: model.decision_function(flat(x)), notes=notes)
    model.epoch_update = lambda: after_epoch(fitted)  # PyOD's own hook, called after each epoch
    model.fit(flat(x))
    return fitted
