"""Signals that end training between two steps instead of anywhere."""

from __future__ import annotations

__all__ = ["Interruptions"]

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import torch

from latente.training.processes import Processes


class Interruptions:
    """Inside the block, SIGINT (and SIGTERM, where asked for) only leaves a note; a second SIGINT interrupts at once.

    Outside the main thread, where signals cannot be caught, it does nothing.

    Args:
        terminations: whether SIGTERM is noted too.

    Attributes:
        noted: the signal, or None.
    """

    def __init__(self, terminations: bool) -> None:
        self.wanted = [signal.SIGINT, signal.SIGTERM] if terminations else [signal.SIGINT]
        self.noted: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruptions:
        if threading.current_thread() is threading.main_thread():
            for wanted in self.wanted:
                if signal.getsignal(wanted) in (signal.default_int_handler, signal.SIG_DFL):
                    self._before[wanted] = signal.signal(wanted, self._note)
        return self

    @property
    def terminated(self) -> bool:
        """Whether the process was asked to end."""
        return self.noted == signal.SIGTERM

    def agree(self, processes: Processes, device: torch.device, flag: bool = False) -> bool:
        """Lets what one process noted be noted by all; returns whether the flag is raised in any."""
        if processes.size > 1:
            noted, terminated, flag = processes.any([self.noted is not None, self.terminated, flag], device)
            self.noted = (signal.SIGTERM if terminated else signal.SIGINT) if noted else None
        return flag

    @property
    def exit_code(self) -> int:
        """What a process that a signal ended returns: 128 and the signal's number."""
        return 128 + int(self.noted or 0)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.noted == signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.noted != signal.SIGTERM:  # which asks for more: an exit
            self.noted = signal.Signals(number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wanted, before in self._before.items():
            signal.signal(wanted, before)
