"""Missing cells of a table, filled in by a denoising autoencoder."""

from __future__ import annotations

__all__ = ["Imputation", "Imputer"]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from latente.data import ArraySource
from latente.data.checks import check_samples
from latente.denoising.opening import in_memory, mapped
from latente.estimators.fitted import read_checked
from latente.estimators.params import PartParams
from latente.nn import dense_block
from latente.objectives import Batch, Losses, Objective, Progress
from latente.parts import is_integer, is_number, resolve
from latente.training import History, Trainer, seed_of, seeded

HIDDEN = (0.1, 0.6)  # of the known cells of a row, in training
SEEN = 0.1  # weight of a cell that was not hidden
MOST_EPOCHS, LARGEST_BATCH = 100, 64
SMALL, DROPOUT = 1000, 0.3  # a table of fewer rows is learned by heart without dropout
AT_ONCE = 65_536  # rows
ROUNDING = 1e-12  # of a column's largest absolute value: less spread is rounding, as in 0.1 + 0.2 beside 0.3


class _Filler(nn.Module):
    """A row and which of its cells are visible -> the row: a linear map plus a network, which begins at 0."""

    generator: torch.Generator | None = None  # the trainer's; decides what is hidden

    def __init__(self, columns: int, hidden_features: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.linear = dense_block(2 * columns, columns)
        layers: list[nn.Module] = []
        wide = 2 * columns
        for features in hidden_features:
            layers += [dense_block(wide, features, "silu"), nn.Dropout(dropout)]
            wide = features
        last = nn.Linear(wide, columns)
        nn.init.zeros_(last.weight)
        self.network = nn.Sequential(*layers, last)

    def leave_out(self, flat: Tensor, unknown: Tensor) -> None:
        """Takes out what was the same in all of training: such inputs change nothing, and such columns come out as 0.

        Args:
            flat: (columns,) booleans: whether all values were one. Which of them are missing may still tell something.
            unknown: (columns,) booleans: whether all cells were missing.
        """
        layers = [layer for layer in self.network.modules() if isinstance(layer, nn.Linear)]
        linear = next(layer for layer in self.linear.modules() if isinstance(layer, nn.Linear))
        with torch.no_grad():
            for layer in (linear, layers[0]):
                layer.weight[:, torch.cat([flat, unknown])] = 0.0
            for layer in (linear, layers[-1]):
                layer.weight[flat], layer.bias[flat] = 0.0, 0.0

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        x = torch.cat([torch.where(visible, x, 0.0), visible.to(x)], dim=1)
        return self.linear(x) + self.network(x)


@dataclass
class Imputation(Objective, name="imputation"):
    """loss = the squared error of known cells that were hidden, plus a little of those that were not; NaN is unknown.

    Source: Gondara, Wang (2018), "MIDA: Multiple imputation using denoising autoencoders".

    Example:
        >>> x = torch.tensor([[1.0, float("nan")], [2.0, 4.0]])
        >>> module = _Filler(2, (8,), dropout=0.0).eval()
        >>> Imputation()(module, Batch(x, x), Progress()).loss.isfinite()
        tensor([True, True])
    """

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        generator = module.generator if module.training else torch.Generator(batch.x.device).manual_seed(0)
        known = ~batch.x.isnan()
        u = torch.rand((2, *batch.x.shape), generator=generator, device=batch.x.device)
        visible = known & (u[0] >= HIDDEN[0] + (HIDDEN[1] - HIDDEN[0]) * u[1, :, :1])
        weight = known * torch.where(visible, SEEN, 1.0)
        out = module(batch.x, visible).float()
        error = (out - torch.where(known, batch.x, 0.0)).square() * weight
        loss = error.sum(1) * batch.x.shape[1] / weight.sum(1).clamp(min=1)
        zero = torch.zeros_like(loss)
        return Losses(loss, loss, zero, zero)


class Imputer(PartParams, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fills in cells that are NaN from the other cells of their row; all others stay as they are.

    Columns are standardised by what is known of them. The network learns to restore cells that were hidden at random,
    at rates that change from row to row, beside those that are missing already. Cells should be missing independently
    of their values. A column that held one value in `fit` is filled with it, one without any known cell with 0; what
    such a column holds later says nothing about the others.

    Args:
        hidden_features: widths of the hidden layers.
        dropout: of their outputs, in [0, 1); "auto" is 0.3 for tables of less than 1,000 rows, else 0.
        trainer: how to train; None for batches of at most 64 and the usual number of epochs, at most 100.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        mean_: (columns,) of the known cells.
        std_: (columns,) of the known cells; 1 for columns without spread.
        module_: the trained network.
        history_: a table of the epochs.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(500, 1)) * [1.0, 2.0, -3.0]
        >>> holed = np.where(rng.random(X.shape) < 0.2, np.nan, X)
        >>> filled = Imputer(random_state=0).fit_transform(holed)
        >>> rows = np.isnan(holed).sum(1) < 3  # something is known
        >>> bool(np.abs(filled - X)[rows].mean() < 0.1)
        True
    """

    mean_: NDArray[np.float64]
    std_: NDArray[np.float64]
    module_: _Filler
    history_: History
    n_features_in_: int

    def __init__(
        self,
        hidden_features: Sequence[int] = (256, 256, 256),
        *,
        dropout: float | str = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_features, self.dropout = hidden_features, dropout
        self.trainer, self.random_state = trainer, random_state

    def fit(self, X: Any, y: Any = None, *, resume: bool = False) -> Self:
        """Trains on a table X (n, columns), NaN where a cell is missing, and returns self.

        Args:
            X: at least 2 rows; a frame or an array of numbers, or the path of one.
            y: ignored.
            resume: whether to go on from the newest checkpoint in the trainer's folder.

        Raises:
            TypeError: for columns that are not numbers; each is named.
            ValueError: for a table that cannot be trained on.
        """
        self._trainer().check()
        several = isinstance(self.hidden_features, Sequence)
        if not several or not all(is_integer(width, low=1) for width in self.hidden_features):
            raise ValueError(f"hidden_features must be integers of at least 1; got {self.hidden_features!r}")
        if self.dropout != "auto" and (not is_number(self.dropout, 0, 1) or self.dropout == 1):
            raise ValueError(f"dropout must be in [0, 1) or 'auto'; got {self.dropout!r}")
        table, rounding = self._table(X, reset=True)
        check_samples(len(table))
        known = ~np.isnan(table)
        self.mean_, spread = _moments(table, known)
        flat = spread <= rounding * np.where(known, np.abs(table), 0).max(0)
        self.std_ = np.where(flat, 1.0, spread)
        rows = torch.from_numpy(((table - self.mean_) / self.std_)[known.any(1)].astype(np.float32))
        if len(rows) < 2:
            raise ValueError("fewer than 2 rows have a known cell; there is nothing to learn from")
        seed, trainer = seed_of(self.random_state), self._trainer(len(rows))
        self.module_ = self._network(seed, len(rows)).to(trainer.resolve_device())
        source = ArraySource(rows, device=trainer.resolve_device())
        kept, held = source.split(trainer.held_out, seed) if trainer.held_out else (source, None)
        self.history_ = trainer.fit(self.module_, kept, Imputation(), validation=held, seed=seed, resume=resume)
        self.module_.leave_out(torch.from_numpy(flat), torch.from_numpy(~known.any(0)))
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Returns the table (n, columns) with every NaN filled in.

        Args:
            X: (n, columns), as in `fit`.

        Raises:
            NotFittedError: before `fit`.
            TypeError, ValueError: for a table that is not like that of `fit`.
        """
        check_is_fitted(self, "module_")
        table, _ = self._table(X, reset=False)
        missing = np.isnan(table)
        for low in range(0, len(table), AT_ONCE):
            part = slice(low, low + AT_ONCE)
            if missing[part].any():
                table[part] = np.where(missing[part], self._filled(table[part]), table[part])
        return table

    def save(self, path: str | Path) -> Path:
        """Writes the imputer to a folder of safetensors and JSON, and returns its path."""
        from latente.denoising.saving import save_imputer

        check_is_fitted(self, "module_")
        return save_imputer(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Imputer:
        """Returns the imputer in a folder; it fills in bit for bit what the saved one did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.denoising.saving import load_imputer

        return load_imputer(path)

    def _table(self, X: Any, reset: bool) -> tuple[NDArray[np.float64], float]:
        """Returns a copy of X, or of what is at that path, as floats (n, columns), NaN where a cell is missing.

        With it comes how much of a column's largest absolute value may be rounding; in single precision it is more.
        """
        rows = read_checked(self, mapped(X), reset)
        if rows.ndim != 2:
            raise ValueError(f"an Imputer takes a table (n, columns); X has shape {rows.shape}")
        table = np.array(in_memory(rows), np.float64)
        infinite = np.argwhere(np.isinf(table))
        if len(infinite):
            row, column = infinite[0]
            where = f"row {row}, column {column if rows.columns is None else repr(rows.columns[column])}"
            raise ValueError(
                f"X contains {len(infinite)} infinite values, the first at {where}; set missing cells to NaN"
            )
        return table, max(ROUNDING, float(np.finfo(rows.dtype).eps)) if rows.dtype.kind == "f" else ROUNDING

    def _trainer(self, rows: int = 1) -> Trainer:
        trainer = resolve(self.trainer, Trainer, Trainer()) or Trainer()
        epochs = min(MOST_EPOCHS, trainer.resolve_epochs(rows)) if trainer.epochs == "auto" else trainer.epochs
        batch = min(LARGEST_BATCH, trainer.resolve_batch_size(rows)) if trainer.batch_size == "auto" else None
        decay = 0.0 if trainer.weight_decay == "auto" else trainer.weight_decay
        return replace(trainer, epochs=epochs, batch_size=batch or trainer.batch_size, weight_decay=decay)

    def _network(self, seed: int, rows: int = 0) -> _Filler:
        automatic = DROPOUT if rows < SMALL else 0.0
        dropout = automatic if self.dropout == "auto" else float(self.dropout)
        with seeded(seed):
            return _Filler(self.n_features_in_, tuple(self.hidden_features), dropout)

    def _filled(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        device = next(self.module_.parameters()).device
        x = torch.from_numpy(((table - self.mean_) / self.std_).astype(np.float32)).to(device)
        self.module_.eval()
        with torch.inference_mode():
            out = self.module_(x, ~x.isnan())
        return out.cpu().numpy().astype(np.float64) * self.std_ + self.mean_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _moments(table: NDArray[np.float64], known: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns mean and standard deviation (columns,) of the known cells; 0 and 0 where there are none.

    A mean that rounding took out of the range of its column is moved back: that of equal values is exactly theirs.
    """
    count = np.maximum(known.sum(0), 1)
    low, high = np.where(known, table, np.inf).min(0), np.where(known, table, -np.inf).max(0)
    mean = np.where(known, table, 0).sum(0) / count
    mean = np.where(known.any(0), np.minimum(np.maximum(mean, low), high), 0.0)
    return mean, np.sqrt((np.where(known, table - mean, 0) ** 2).sum(0) / count)
