"""Work done ahead by a thread."""

from __future__ import annotations

__all__ = ["prefetched"]

import threading
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 0.2  # seconds after which a waiting thread looks whether the interpreter wants to end


def prefetched(items: Iterator[T], depth: int = 1) -> Generator[T, None, None]:
    """Yields the items in order, `depth` of them made ahead by a thread.

    What the items raise is raised here. Closing the generator ends the thread and closes the items; the thread starts
    with the first item that is asked for and never outlives the interpreter's main thread.

    Args:
        items: made in the thread, one at a time.
        depth: how many are ready or being made while the consumer is busy with another one.

    Example:
        >>> list(prefetched(iter("abc")))
        ['a', 'b', 'c']
    """
    ready: SimpleQueue[tuple[bool, T | BaseException | None]] = SimpleQueue()
    room, stop = threading.Semaphore(depth), threading.Event()
    worker = threading.Thread(target=_work, args=(items, ready, room, stop), name="latente-prefetch")
    worker.start()
    try:
        while True:
            good, item = ready.get()
            if isinstance(item, BaseException) and not good:
                raise item
            if not good:
                return
            room.release()
            yield item  # type: ignore[misc]
            del item  # or it would be kept while the next one is waited for
    finally:
        stop.set()
        room.release()
        worker.join()


def _work(
    items: Iterator[T],
    ready: SimpleQueue[tuple[bool, T | BaseException | None]],
    room: threading.Semaphore,
    stop: threading.Event,
) -> None:
    """Puts (True, item) into the queue, at last (False, what was raised or None)."""
    try:
        while _wait(room) and not stop.is_set():
            ready.put((True, next(items)))
    except StopIteration:
        ready.put((False, None))
    except BaseException as error:
        ready.put((False, error))
    finally:
        if isinstance(items, Generator):
            items.close()


def _wait(room: threading.Semaphore) -> bool:
    """Returns True when there is room, False when the interpreter ends first."""
    while not room.acquire(timeout=PATIENCE):
        if not threading.main_thread().is_alive():
            return False
    return True
