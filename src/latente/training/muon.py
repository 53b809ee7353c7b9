"""Muon: steps of weight matrices whose singular values are all about the same."""

from __future__ import annotations

__all__ = ["Muon", "orthogonalized"]

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latente.training.adam import USUAL_BETA2, Adam

MOMENTUM = 0.95
LIKE_ADAM = 0.2  # the root mean square of Adam's steps, in learning rates
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of a polynomial that brings singular values near 1 quickly
ITERATIONS = 5


class Muon:
    """Momentum, made orthogonal, for matrices and filters; Adam for biases, scales and other vectors.

    M <- 0.95 M + 0.05 G and W <- W - 0.2 sqrt(max(n, m)) rate O(0.95 M + 0.05 G), for a gradient G of n rows and m
    columns (filters: an output or, of transposed convolutions, an input channel is a row), with O of `orthogonalized`.
    No direction of a matrix is then learned slower because its gradient is small. Steps are as large as Adam's usually
    are, so that the same learning rates suit. Sources: Jordan et al. (2024), "Muon: an optimizer for hidden layers in
    neural networks"; Liu et al. (2025), "Muon is scalable for LLM training", for the size of steps.

    Args:
        parameters: what is trained; those without a gradient in a step are left alone.
        betas: of Adam.
        weight_decay: matrices w lose learning_rate * weight_decay * w in each step.

    Attributes:
        adam: for what is no matrix.
        matrices: the others.
        momenta: M of each.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        betas: tuple[float, float] = (0.9, USUAL_BETA2),
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters, self.weight_decay = list(parameters), weight_decay
        self.matrices = [p for p in self.parameters if p.ndim > 1 and p.numel()]
        self.momenta = [torch.zeros_like(p, memory_format=torch.preserve_format) for p in self.matrices]
        matrices = {id(p) for p in self.matrices}
        self.adam = Adam([p for p in self.parameters if id(p) not in matrices], betas)

    @torch.no_grad()
    def step(self, learning_rate: float, scale: Tensor | None = None, skip: Tensor | None = None) -> None:
        """Moves the parameters by their gradients.

        Args:
            learning_rate: of this step.
            scale: what the gradients are divided by, a tensor of one value; None for 1.
            skip: a tensor of one value; where it is 1.0 nothing changes. None for never.
        """
        self.adam.step(learning_rate, scale, skip)
        groups: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = {}
        for p, momentum in zip(self.matrices, self.momenta, strict=True):
            if p.grad is not None:
                update = self._update(p.grad if scale is None else p.grad / scale, momentum, skip).flatten(1)
                groups.setdefault(tuple(update.shape), []).append((p, update))
        going = learning_rate if skip is None else learning_rate * (1 - skip)
        for shape, group in groups.items():
            steps = going * LIKE_ADAM * max(shape) ** 0.5 * orthogonalized(torch.stack([update for _, update in group]))
            for (p, _), step in zip(group, steps, strict=True):
                p.mul_(1 - going * self.weight_decay).sub_(step.view(p.shape))

    def _update(self, gradient: Tensor, momentum: Tensor, skip: Tensor | None) -> Tensor:
        """Returns the matrix that is made orthogonal, after taking up the gradient."""
        if skip is None:
            momentum.lerp_(gradient, 1 - MOMENTUM)
        else:
            gradient = torch.where(skip > 0, momentum, gradient)  # what is not finite must not get into it
            momentum.lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM)

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Returns the tensors that `load` takes, by name."""
        return self.adam.state() | {f"momentum.{i}": momentum for i, momentum in enumerate(self.momenta)}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        """Copies what `state` returned."""
        self.adam.load(state)
        for i, momentum in enumerate(self.momenta):
            momentum.copy_(state[f"momentum.{i}"])


def orthogonalized(x: Tensor) -> Tensor:
    """Returns matrices (..., n, m) of the singular vectors of x, with singular values from about 0.7 to 1.2.

    Five iterations x <- a x + (b S + c S^2) x with S = x x', from x of norm 1 (Jordan et al. 2024); very small singular
    values stay smaller.

    Args:
        x: (..., n, m).

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> values = torch.linalg.svdvals(orthogonalized(torch.randn(8, 20, generator=generator)))
        >>> bool(values.min() > 0.6), bool(values.max() < 1.3)
        (True, True)
    """
    a, b, c = COEFFICIENTS
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
