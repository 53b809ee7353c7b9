"""Vector quantisation."""

from __future__ import annotations

__all__ = ["VQ"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.bottlenecks.base import Bottleneck, BottleneckModule
from latente.latent import Latent
from latente.parts import is_integer, is_number

WIDEST_GROUP = 4  # values that are quantised together by themselves


class _VQ(BottleneckModule):
    """Splits h into groups of `code_dim` values and replaces each by the nearest entry of its group's codebook."""

    codebook: Tensor
    counts: Tensor
    sums: Tensor
    started: Tensor

    def __init__(self, latent_dim: int, part: VQ) -> None:
        super().__init__()
        self.features = self.latent_dim = latent_dim
        code_dim = part.group_size(latent_dim)
        self.part, self.groups = part, latent_dim // code_dim
        shape = (self.groups, part.codebook_size, code_dim)
        self.register_buffer("codebook", torch.randn(shape))
        self.register_buffer("counts", torch.ones(shape[:2]))  # running number of members of each entry
        self.register_buffer("sums", self.codebook.clone())  # running sum of its members
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self._placed = False  # whether `started` is known to be True; to ask a GPU in every step is to wait for it

    def nearest(self, vectors: Tensor) -> Tensor:
        """Returns (groups, batch): the index of the entry nearest to each of the vectors (groups, batch, code_dim)."""
        with torch.autocast(vectors.device.type, enabled=False):  # neighbours are closer than bfloat16 can tell
            squared = self.codebook.square().sum(2).unsqueeze(1) - 2 * vectors @ self.codebook.transpose(1, 2)
            return squared.argmin(2)

    def lookup(self, codes: Tensor) -> Tensor:
        """Returns (batch, latent_dim): the entries that codes (batch, groups) stand for."""
        return self.codebook[torch.arange(self.groups, device=codes.device), codes].flatten(1)

    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        vectors = h.unflatten(1, (self.groups, -1)).transpose(0, 1)  # (groups, batch, code_dim)
        if self.training:
            self._start(vectors.detach(), generator)
        codes = self.nearest(vectors.detach()).T
        quantised = self.lookup(codes)
        penalty = self.part.commitment * (h - quantised).square().sum(1)
        if self.training:
            self._update(vectors.detach(), codes.T, generator)
        rate = h.new_full((len(h),), self.groups * math.log(self.part.codebook_size))
        z = quantised + (h - h.detach())  # exactly the entry; the gradient passes straight through
        return Latent(z=z, mode=quantised, rate=rate, penalty=penalty, codes=codes)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._placed = False

    @torch.no_grad()
    def _start(self, vectors: Tensor, generator: torch.Generator | None) -> None:
        """Places the codebook by k-means on the first batch."""
        if self._placed:
            return
        self._placed = True
        if self.started:
            return
        centres = _draw(vectors, self.part.codebook_size, generator)
        for _ in range(10):
            self.codebook.copy_(centres)
            counts, sums = self._members(vectors, self.nearest(vectors))
            centres = torch.where(counts.unsqueeze(2) > 0, sums / counts.clamp(min=1).unsqueeze(2), centres)
        self.codebook.copy_(centres)
        mean_count = vectors.shape[1] / self.part.codebook_size
        self.counts.fill_(mean_count)
        self.sums.copy_(centres * mean_count)
        self.started.fill_(True)

    @torch.no_grad()
    def _update(self, vectors: Tensor, codes: Tensor, generator: torch.Generator | None) -> None:
        """Moves every entry to the running mean of its members; restarts entries that nobody uses."""
        counts, sums = self._members(vectors, codes)
        decay = self.part.decay
        self.counts.mul_(decay).add_(counts, alpha=1 - decay)
        self.sums.mul_(decay).add_(sums, alpha=1 - decay)
        mean_count = vectors.shape[1] / self.part.codebook_size
        dead = self.counts < self.part.restart_below * mean_count
        fresh = _draw(vectors, self.part.codebook_size, generator)
        self.counts.masked_fill_(dead, mean_count)
        self.sums.copy_(torch.where(dead.unsqueeze(2), fresh * mean_count, self.sums))
        self.codebook.copy_(self.sums / self.counts.unsqueeze(2))

    def _members(self, vectors: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns how many vectors each entry has, (groups, size), and their sums, (groups, size, code_dim)."""
        counts = torch.zeros_like(self.counts).scatter_add_(1, codes, torch.ones_like(codes, dtype=vectors.dtype))
        index = codes.unsqueeze(2).expand_as(vectors)
        return counts, torch.zeros_like(self.sums).scatter_add_(1, index, vectors)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        codes = torch.multinomial(self.counts, n, replacement=True, generator=generator).T
        return self.lookup(codes)


@dataclass
class VQ(Bottleneck, name="vq"):
    """Replaces each group of `code_dim` latent values by the nearest entry of the group's codebook.

    The codebook is placed by k-means on the first batch, follows the running mean of its members (exponential moving
    average), and restarts entries that nobody uses. The rate is groups * log(codebook_size), constant, so the loss
    leaves it out; `sample` draws every group from how often its entries are used. Source: van den Oord, Vinyals,
    Kavukcuoglu (2017), "Neural discrete representation learning".

    Args:
        codebook_size: entries of each codebook.
        code_dim: values that are quantised together; divides latent_dim. "auto" is the largest of 4, 3, 2, 1 that does.
        commitment: weight of ||h - quantised||^2 in the loss.
        decay: of the running means, in (0, 1).
        restart_below: an entry is restarted when it is used less often than this fraction of the mean.

    Raises:
        ValueError: by `build`, for a setting that makes no sense or does not fit the latent size.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
        >>> model = Autoencoder(4, bottleneck=VQ(16, code_dim=2), trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.module_.encode(X).codes.shape, model.sample(3, random_state=0).shape
        (torch.Size([200, 2]), (3, 8))
    """

    codebook_size: int = 256
    code_dim: int | str = "auto"
    commitment: float = 0.25
    decay: float = 0.99
    restart_below: float = 0.01

    def group_size(self, latent_dim: int) -> int:
        """Returns how many values are quantised together.

        Args:
            latent_dim: the size of the code.

        Raises:
            ValueError: for a code_dim that does not divide it.
        """
        if self.code_dim == "auto":
            return max(size for size in range(1, WIDEST_GROUP + 1) if latent_dim % size == 0)
        if not is_integer(self.code_dim, low=1) or latent_dim % int(self.code_dim):
            raise ValueError(
                f"VQ: code_dim must divide latent_dim={latent_dim}; got code_dim={self.code_dim!r}. "
                f"Allowed: auto, {', '.join(str(d) for d in range(1, latent_dim + 1) if latent_dim % d == 0)}"
            )
        return int(self.code_dim)

    def build(self, latent_dim: int) -> BottleneckModule:
        self.group_size(latent_dim)
        if not is_integer(self.codebook_size, low=2) or not is_number(self.commitment, low=0):
            raise ValueError(
                f"VQ: codebook_size must be an integer of at least 2 and commitment at least 0; got {self!r}"
            )
        if not (is_number(self.decay, 0, 1) and 0 < self.decay < 1 and is_number(self.restart_below, 0, 1)):
            raise ValueError(f"VQ: decay must be in (0, 1) and restart_below in [0, 1]; got {self!r}")
        return _VQ(latent_dim, self)


def _draw(vectors: Tensor, n: int, generator: torch.Generator | None) -> Tensor:
    """Returns (groups, n, code_dim): random vectors of the batch, slightly shaken so that no two are equal."""
    choice = torch.randint(vectors.shape[1], (n,), generator=generator, device=vectors.device)
    if vectors.shape[1] >= n:
        choice = torch.randperm(vectors.shape[1], generator=generator, device=vectors.device)[:n]
    spread = vectors.std(dim=1, keepdim=True, correction=0)
    noise = torch.randn((len(vectors), n, vectors.shape[2]), generator=generator, device=vectors.device)
    return vectors[:, choice] + 0.01 * spread * noise
