"""Many small autoencoders in one batched pass."""

from __future__ import annotations

__all__ = ["Backbone", "MemberReconstruction", "Members", "Wrapped"]

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latente.anomaly.gradients import gradient_shape, halved, oriented_gradients
from latente.anomaly.moments import robust_moments
from latente.anomaly.views import Views
from latente.autoencoder import AutoencoderModule
from latente.data import Schema
from latente.objectives import Batch, Losses, Objective, Progress
from latente.objectives.trimmed import kept

GRADIENTS = 4.0  # variance of a picture's gradients, in all, relative to that of its pixels
WIDEST_ODD = 16  # columns; MKL rounds products of fewer differently from row to row


class Backbone(nn.Module, abc.ABC):
    """One or several autoencoders of the same samples.

    They see values no farther than `farthest` standard deviations from the mean; what lies beyond is their `excess`.

    Args:
        values: of a sample.
    """

    farthest: float
    shift: Tensor
    factor: Tensor

    def __init__(self, values: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(values))
        self.register_buffer("factor", torch.ones(values))

    def learn_scale(self, x: Tensor, schema: Schema) -> None:
        """Sets shift and factor: columns of a table have unit variance, values of images and signals on average.

        Args:
            x: (n, *sample_shape), scaled.
            schema: of the data.
        """
        values = x.flatten(1).double().cpu().numpy()
        if schema.kind == "table":
            mean, spread, _ = robust_moments(values)
        else:
            mean = values.mean(0)
            spread = np.full_like(mean, np.sqrt(values.var(0).mean()))
        self.shift.copy_(torch.from_numpy(mean))
        self.factor.copy_(torch.from_numpy(1 / np.where(spread > 1e-9, spread, 1.0)))

    def excess(self, x: Tensor) -> Tensor:
        """Returns (n,): how far samples (n, *sample_shape) lie beyond what the members see, 0 where they do not.

        It is sum_j log(|u_j| / farthest) over the values with |u_j| > farthest, u in standard deviations: it grows
        without end and fits into float32 for every x that does.
        """
        return self.beyond(x).sum(1).float()

    def beyond(self, x: Tensor) -> Tensor:
        """Returns (n, values): what each value adds to the `excess` of samples (n, *sample_shape), in float64."""
        u = (x.flatten(1).double() - self.shift) * self.factor
        return (u.abs() / self.farthest).clamp(min=1).log()

    def within(self, x: Tensor) -> Tensor:
        """Returns samples (n, *sample_shape) with values no farther off than the members see."""
        reach = self.farthest / self.factor
        return x.flatten(1).clamp(self.shift - reach, self.shift + reach).view_as(x)

    @property
    @abc.abstractmethod
    def members(self) -> int:
        """How many there are."""

    @abc.abstractmethod
    def views(self, x: Tensor) -> Views:
        """Returns what each member makes of samples (n, *sample_shape), scaled."""


class Wrapped(Backbone):
    """Fitted autoencoders, one or several of the same data, each with a scale of its own.

    Args:
        modules: of the autoencoders.
        schemas: of the autoencoders; samples come in the scale of the first.
    """

    farthest = 100.0

    def __init__(self, modules: Sequence[AutoencoderModule], schemas: Sequence[Schema]) -> None:
        super().__init__(schemas[0].size)
        self.own, first = nn.ModuleList(modules), schemas[0]
        self._scales = [
            (
                torch.from_numpy(np.asarray(schema.factor / first.factor, dtype=np.float32)),
                torch.from_numpy(np.asarray((first.shift - schema.shift) * schema.factor, dtype=np.float32)),
            )
            for schema in schemas
        ]

    @property
    def members(self) -> int:
        return len(self.own)

    def views(self, x: Tensor) -> Views:
        return self.views_of([x] * len(self.own))

    def views_of(self, samples: Sequence[Tensor]) -> Views:
        """Returns the views of samples, for each member its own (n, *sample_shape)."""
        own = [
            self.within(x) * factor.to(x.device) + shift.to(x.device)
            for x, (factor, shift) in zip(samples, self._scales, strict=True)
        ]
        modules: tuple[AutoencoderModule, ...] = tuple(self.own)  # type: ignore[arg-type]
        codes = [module.encode(x).mode for module, x in zip(modules, own, strict=True)]
        rebuilt = [module.decode(z).flatten(1) for module, z in zip(modules, codes, strict=True)]
        flat = torch.stack([x.flatten(1) for x in own])
        return Views(flat, torch.stack(rebuilt), torch.stack(codes).flatten(2), modules, tuple(own))


class Members(Backbone):
    """Autoencoders with one hidden layer on each side, whose matrices are multiplied together.

    u = clip((x - shift) * factor), z = W2 silu(W1 u + b1) + b2, u_hat = W4 silu(W3 z + b3) + b4 for each member; a
    member with a smaller code than others has zeros in its place. Where `picture` is given, u holds the pixels at half
    their resolution (small pictures: all), and beside them how strongly the picture changes in which direction, see
    `oriented_gradients`, with `GRADIENTS` times as much variance in all. Compressed members see asinh(u) in place of u.

    Args:
        values: of a sample.
        hidden_features: width of the hidden layers.
        latent_dims: (members,), the size of each member's code.
        generator: draws the weights.
        picture: (channels, h, w) of the samples where u holds gradients, else None.
        compressed: how many members see asinh(u): those in the middle, so that both halves, and each of several
            folds, have some.
    """

    farthest = 10.0
    generator: torch.Generator | None = None  # the trainer's; decides the noise
    active: Tensor
    gradient_shift: Tensor
    gradient_factor: Tensor

    def __init__(
        self,
        values: int,
        hidden_features: int,
        latent_dims: Sequence[int],
        generator: torch.Generator | None = None,
        picture: tuple[int, int, int] | None = None,
        compressed: int = 0,
    ) -> None:
        super().__init__(values)
        self.picture, first = picture, (len(latent_dims) - compressed) // 2
        self.compressed = slice(first, first + compressed)
        if picture is not None:
            histograms = math.prod(gradient_shape(*picture[1:]))
            self.register_buffer("gradient_shift", torch.zeros(histograms))
            self.register_buffer("gradient_factor", torch.ones(()))
            values = halved(torch.zeros(1, *picture)).numel() + histograms
        members, codes = len(latent_dims), max(latent_dims)
        sizes = (values, hidden_features, codes, hidden_features, values)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for a, b in pairwise(sizes):
            self.weights.append(torch.randn((members, a, b), generator=generator) / math.sqrt(a))
            self.biases.append(torch.zeros(members, 1, b))
        active = torch.arange(codes) < torch.tensor(list(latent_dims))[:, None]
        self.register_buffer("active", active[:, None].float())

    @property
    def members(self) -> int:
        return len(self.active)

    def learn_scale(self, x: Tensor, schema: Schema) -> None:
        super().learn_scale(x, schema)
        if self.picture is not None:
            pixels, histograms = (part.double() for part in self._looked_at(self._clipped(x.flatten(1))))
            total, wanted = (part.var(0, correction=0).sum() for part in (histograms, pixels))
            self.gradient_shift.copy_(histograms.mean(0))
            self.gradient_factor.copy_((GRADIENTS * wanted / total).sqrt() if total > 1e-9 else torch.ones(()))

    def standardised(self, x: Tensor) -> Tensor:
        """Returns u (n, values) of samples (n, values)."""
        u = self._clipped(x)
        if self.picture is None:
            return u
        pixels, histograms = self._looked_at(u)
        return torch.cat([pixels, (histograms - self.gradient_shift) * self.gradient_factor], 1)

    def seen(self, u: Tensor) -> Tensor:
        """Returns (members, n, values): what each member sees of standardised samples, its own or (1, n, values)."""
        own, every = self.compressed, u.expand(self.members, -1, -1)
        if own.start == own.stop:
            return every
        near = (u if len(u) == 1 else u[own]).asinh().expand(own.stop - own.start, -1, -1)
        return torch.cat([every[: own.start], near, every[own.stop :]])

    def spread(self, seen: Tensor) -> Tensor:
        """Returns standardised values (members, n, values) of what members see or rebuild: the inverse of `seen`."""
        own = self.compressed
        return seen if own.start == own.stop else torch.cat([seen[: own.start], seen[own].sinh(), seen[own.stop :]])

    def _clipped(self, x: Tensor) -> Tensor:
        return ((x - self.shift) * self.factor).clamp(-self.farthest, self.farthest)

    def _looked_at(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the pixels (n, values) and the histograms (n, values) of standardised pictures (n, values)."""
        shape = self.picture or (1, 1, u.shape[1])
        pictures = (u + self.shift * self.factor).unflatten(1, shape)  # with the mean picture, whose edges count
        return halved(u.unflatten(1, shape)).flatten(1), oriented_gradients(pictures).flatten(1)

    def encode(self, u: Tensor) -> Tensor:
        """Returns the codes (members, n, latent_dim) of u (members, n, values)."""
        return self._layer(nn.functional.silu(self._layer(u, 0)), 1) * self.active

    def decode(self, z: Tensor) -> Tensor:
        """Returns u_hat (members, n, values)."""
        return self._layer(nn.functional.silu(self._layer(z, 2)), 3)

    def views(self, x: Tensor) -> Views:
        return self.views_of(self.standardised(x.flatten(1))[None])

    def views_of(self, u: Tensor) -> Views:
        """Returns the views of standardised samples (members, n, values), each member its own, or (1, n, values)."""
        u = self.seen(u)
        z = self.encode(u)
        return Views(u, self.decode(z), z)

    def _layer(self, x: Tensor, index: int) -> Tensor:
        weight, bias = self.weights[index], self.biases[index]
        missing = WIDEST_ODD - weight.shape[2]
        if self.training or missing <= 0:
            return torch.baddbmm(bias, x, weight)
        wide = torch.baddbmm(nn.functional.pad(bias, (0, missing)), x, nn.functional.pad(weight, (0, missing)))
        return wide[:, :, : weight.shape[2]]


@dataclass
class MemberReconstruction(Objective, name="member_reconstruction"):
    """The mean squared error of each member, over values and members; samples are (batch, members, values).

    Args:
        noise: standard deviation of what is added to the standardised input in training.
        trim: the fraction of each member's batch, with the largest errors, that is left out.
        held_trim: the same where nothing is trained.
    """

    noise: float = 0.2
    trim: float = 0.0
    held_trim: float = 0.5

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        u = batch.x.transpose(0, 1)
        noisy = u
        if module.training and self.noise:
            noisy = u + self.noise * torch.randn(u.shape, generator=module.generator, device=u.device)
        error = (module.decode(module.encode(noisy)) - u).square().mean(2)  # (members, batch)
        trim = self.trim if module.training else self.held_trim
        weighted = error * kept(error, trim) if trim else error
        zero = torch.zeros(len(batch), device=u.device)
        return Losses(weighted.mean(0), error.mean(0), zero, zero)
