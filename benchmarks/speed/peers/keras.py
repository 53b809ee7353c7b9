"""Keras 3 on JAX or PyTorch: Sequential, compile, fit(x, x)."""

from __future__ import annotations

__all__ = ["fit"]

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from speed.measure import Fitted
from speed.peers.modules import flat_unit
from speed.task import Task


def build(task: Task, size: int) -> keras.Sequential:
    """The dense mirror, with a sigmoid at the end."""
    hidden, mirror = task.hidden, tuple(reversed(task.hidden))
    layers = [keras.layers.Dense(width, task.activation) for width in hidden]
    layers.append(keras.layers.Dense(task.latent))
    layers += [keras.layers.Dense(width, task.activation) for width in mirror]
    layers.append(keras.layers.Dense(size, "sigmoid"))
    return keras.Sequential([keras.Input((size,)), *layers])


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    keras.utils.set_random_seed(0)
    data = flat_unit(x)
    model, batch_size = build(task, data.shape[1]), task.batch or 32
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    # predict_on_batch, since predict within fit would give the model another data loop
    fitted = Fitted(
        lambda x: np.concatenate([model.predict_on_batch(part) for part in np.array_split(flat_unit(x), 10)]),
        notes={"batch": batch_size, "precision": "float32"},
    )
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: after_epoch(fitted))
    model.fit(data, data, batch_size=batch_size, epochs=task.epochs or 10, verbose=0, callbacks=[callback])
    return fitted
