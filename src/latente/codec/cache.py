"""A cache that is bounded by what it holds in bytes, not by the number of its entries."""

from __future__ import annotations

__all__ = ["ByteCache"]

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """Keeps what a function returned, the latest used, up to a number of bytes; threads may share it.

    What is larger than the bound is returned and not kept. Two threads that ask for the same key at once may both make
    its value; all later calls return one of them.

    Args:
        make: makes the value of a key, always the same.
        size: how many bytes a value holds.
        most: bytes that are kept at most.

    Example:
        >>> squares = ByteCache(lambda n: bytes(n), len, most=10)
        >>> [len(squares(n)) for n in (4, 5, 4, 6, 20)], squares.bytes, list(squares.keys())
        ([4, 5, 4, 6, 20], 10, [4, 6])
    """

    def __init__(self, make: Callable[[Key], Value], size: Callable[[Value], int], most: int) -> None:
        self._make, self._size, self._most = make, size, most
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def __call__(self, key: Key) -> Value:
        """Returns the value of a key."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = self._make(key)  # outside of the lock: it takes long, and others need not wait
        size = self._size(value)
        with self._lock:
            if key not in self._kept and size <= self._most:
                self._kept[key], self.bytes = (value, size), self.bytes + size
            while self.bytes > self._most:
                self.bytes -= self._kept.popitem(last=False)[1][1]
        return value

    def keys(self) -> tuple[Key, ...]:
        """Returns the keys whose values are kept, the latest used last."""
        with self._lock:
            return tuple(self._kept)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0
