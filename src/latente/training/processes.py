"""One process, or several that torchrun started."""

from __future__ import annotations

__all__ = ["ALONE", "Processes", "current_processes"]

import atexit
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latente.data import Source


@dataclass(frozen=True)
class Processes:
    """What this process is among those that train together.

    Every method is a no-operation in a single process, so that the loop need not know.

    Attributes:
        rank: from 0; only rank 0 writes and shows anything.
        size: how many there are.

    Example:
        >>> Processes().first, Processes(rank=1, size=2).first
        (True, False)
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Returns the sum over all processes, on each of them.

        Args:
            values: of this process, changed in place where there are several.
        """
        if self.size > 1:
            from torch import distributed

            distributed.all_reduce(values)
        return values

    def any(self, flags: list[bool], device: torch.device) -> list[bool]:
        """Returns for each flag whether it is raised in any process.

        Args:
            flags: of this process.
            device: where they are exchanged.
        """
        if self.size == 1:
            return flags
        return [bool(v) for v in self.sum(torch.tensor(flags, dtype=torch.int32, device=device)).tolist()]

    def gather(self, value: Any) -> list[Any]:
        """Returns everybody's value, in the order of ranks."""
        if self.size == 1:
            return [value]
        from torch import distributed

        values = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def from_first(self, value: Any) -> Any:
        """Returns the value that rank 0 has."""
        return self.gather(value)[0]

    def wait(self) -> None:
        """Returns when all processes are here."""
        if self.size > 1:
            from torch import distributed

            distributed.barrier()

    def align(self, module: nn.Module) -> None:
        """Gives all processes the parameters and the buffers of rank 0.

        Buffers are running statistics and codebooks, which are no gradient's business.

        Args:
            module: of this process.
        """
        if self.size > 1:
            from torch import distributed

            with torch.no_grad():
                for tensor in (*module.parameters(), *module.buffers()):
                    distributed.broadcast(tensor.detach(), 0)

    def average(self, parameters: list[nn.Parameter], loss: Tensor) -> Tensor:
        """Replaces the gradients by their means over all processes, and returns the mean of the loss.

        One exchange for all of them. A gradient or a loss that is not finite in one process is so in every one
        afterwards, so that all of them stop.

        Args:
            parameters: in the same order everywhere; one without a gradient counts as a gradient of 0.
            loss: of this process, a scalar.
        """
        if self.size == 1:
            return loss
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        mean = self.sum(torch.cat([*(grad.flatten() for grad in grads), loss.reshape(1)])).div_(self.size)
        *parts, loss = mean.split([*(grad.numel() for grad in grads), 1])
        torch._foreach_copy_(grads, [part.view_as(grad) for part, grad in zip(parts, grads, strict=True)])
        return loss.reshape(())

    def share(self, source: Source) -> Source | None:
        """Returns this process's share of a source, or None when there is too little to share."""
        if self.size == 1:
            return source
        return source.shard(self.rank, self.size) if len(source) >= self.size else None


ALONE = Processes()


def current_processes() -> Processes:
    """Returns the processes that torchrun started or a process group joins, else a single one.

    Under torchrun the group is made at the first call: tensors on GPUs talk through nccl, those on CPUs through gloo.

    Example:
        >>> current_processes()
        Processes(rank=0, size=1)
    """
    from torch import distributed

    if not distributed.is_available():
        return ALONE
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "MASTER_ADDR" not in os.environ:
            return ALONE
        gpus = torch.cuda.is_available() and distributed.is_nccl_available()
        if gpus:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
        atexit.register(_leave)
    return Processes(distributed.get_rank(), distributed.get_world_size())


def _leave() -> None:
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
