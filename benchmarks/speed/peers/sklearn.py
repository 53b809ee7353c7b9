"""scikit-learn's MLPRegressor(X, X): one activation for all layers, the code too; no sigmoid at the end, no codes."""

from __future__ import annotations

__all__ = ["fit"]

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from speed.measure import Fitted
from speed.peers.modules import flat_unit
from speed.task import Task


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    scaler = None if x.dtype == np.uint8 else StandardScaler().fit(x)
    data = flat_unit(x) if scaler is None else scaler.transform(x).astype(np.float32)
    widths = (*task.hidden, task.latent, *reversed(task.hidden))
    model = MLPRegressor(hidden_layer_sizes=widths, batch_size=task.batch or "auto", random_state=0)

    def reconstruct(x: Any) -> Any:
        if scaler is None:
            return model.predict(flat_unit(x))
        return scaler.inverse_transform(model.predict(scaler.transform(x).astype(np.float32)))

    fitted = Fitted(reconstruct, notes={"batch": task.batch or 200, "precision": "float32"})
    if task.epochs is None:  # its own: at most 200 epochs, fewer when the loss stands still
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(data, data)
        fitted.notes["epochs"] = model.n_iter_
        after_epoch(fitted)
        return fitted
    for _ in range(task.epochs):
        model.partial_fit(data, data)  # one pass, the optimiser's state is kept
        after_epoch(fitted)
    return fitted
