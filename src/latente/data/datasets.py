"""Torch's map-style data sets, item by item."""

from __future__ import annotations

__all__ = ["DatasetRows"]

import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import Rows

GROUP = 256  # items that are fetched at a time
WORKER_ENDED = (
    "a worker that fetches items of {name} ended. Workers start by importing your script: what it runs must stand "
    'under `if __name__ == "__main__":`. If it does, look for a crash or a lack of memory, or give workers=0'
)


class DatasetRows(Rows):
    """The items of a torch Dataset, or of anything with a length and items; of tuples, such as (x, label), the first.

    Items are arrays, tensors or Pillow images of one shape and dtype. Where the data set has `__getitems__`, it is
    asked for several items at once.

    Args:
        dataset: map-style: it has a length, and items by their index.
        workers: processes that fetch items; 0 fetches them in the thread that reads ahead.

    Raises:
        TypeError: for iterable data sets, and items that are no arrays.
    """

    def __init__(self, dataset: Any, workers: int = 0) -> None:
        from torch.utils.data import IterableDataset

        if isinstance(dataset, IterableDataset) or not (
            hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
        ):
            raise TypeError(
                f"{type(dataset).__name__} is an iterable data set, without a length and items by their index, so it "
                "cannot be shuffled or divided; give a map-style one, or write it to a file first, with "
                "latente.data.NpyWriter"
            )
        self.dataset, self.workers, self.name = dataset, workers, type(dataset).__name__
        if len(dataset) == 0:
            raise ValueError(f"{self.name} is empty: it has no items")
        first = _array(dataset[0], 0, self.name)
        self.shape, self.dtype = (len(dataset), *first.shape), first.dtype
        self._forget()

    def _forget(self) -> None:
        self._loader: Any = None
        self._wanted, self._lock = _Wanted(), threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_loader", "_wanted", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def edges(self) -> NDArray[np.int64]:
        return np.arange(len(self) + 1, dtype=np.int64)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return self.gather(np.array([[start, stop]]))

    def gather(self, ranges: NDArray[np.int64]) -> NDArray[Any]:
        index = [i for start, stop in ranges.tolist() for i in range(start, stop)]
        out, at = np.empty((len(index), *self.shape[1:]), self.dtype), 0
        for items in self._fetched([index[i : i + GROUP] for i in range(0, len(index), GROUP)]):
            together = items.numpy(force=True) if hasattr(items, "detach") else items
            if (
                isinstance(together, np.ndarray)
                and together.dtype == self.dtype
                and together.shape[1:] == self.shape[1:]
            ):
                out[at : at + len(together)] = together
            else:
                for i, item in enumerate(items, at):
                    out[i] = self._same(_array(item, index[i], self.name), index[i])
            at += len(items)
        return out

    def _same(self, values: NDArray[Any], index: int) -> NDArray[Any]:
        if (values.shape, values.dtype) != (self.shape[1:], self.dtype):
            raise ValueError(
                f"item {index} of {self.name} has shape {values.shape} and dtype {values.dtype}, but the first one "
                f"{self.shape[1:]} and {self.dtype}; items must be alike, so resize or convert them in the data set"
            )
        return values

    def _fetched(self, groups: list[list[int]]) -> Iterator[Any]:
        if not self.workers:
            several = getattr(self.dataset, "__getitems__", None)
            yield from (several(group) if several else [self.dataset[i] for i in group] for group in groups)
            return
        with self._lock:
            self._wanted.groups = groups
            self._loader = self._loader or self._started()
            try:
                yield from self._loader
            except RuntimeError as error:
                self._loader = None
                if "DataLoader worker" not in str(error):
                    raise
                raise RuntimeError(WORKER_ENDED.format(name=self.name)) from error

    def _started(self) -> Any:
        from torch.utils.data import DataLoader

        return DataLoader(self.dataset, batch_sampler=self._wanted, collate_fn=list, num_workers=self.workers,
                          persistent_workers=True, multiprocessing_context="forkserver",
                          worker_init_fn=_ignore_interrupts)  # fmt: skip


def _ignore_interrupts(worker: int) -> None:
    """Leaves Ctrl-C, which reaches the workers too, to the process that trains: it may want to end its step first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Wanted:
    """The batch sampler of workers that outlive a single pass: what it asks for is set from outside."""

    groups: Sequence[list[int]] = ()

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)


def _array(item: Any, index: int, name: str) -> NDArray[Any]:
    """Returns an item's values as an array of at least one axis."""
    item = item[0] if isinstance(item, (tuple, list)) and item and hasattr(item[0], "__len__") else item
    item = item.numpy(force=True) if hasattr(item, "detach") else item
    if isinstance(item, dict):
        raise TypeError(
            f"item {index} of {name} is a dictionary with {', '.join(map(repr, item))}; wrap the data set in one whose "
            "items are arrays, or (array, label)"
        )
    values = np.asarray(item)
    if values.dtype.kind not in "biuf" or values.ndim == 0:
        raise TypeError(f"item {index} of {name} is a {type(item).__name__}; needed: an array, a tensor or an image")
    return values
