"""Which value of a row is wrong, learned from values that were made wrong."""

from __future__ import annotations

__all__ = ["Localiser"]

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latente.anomaly.regression import Regression
from latente.training.threads import computing_with

NETWORKS, HIDDEN = 2, 128
STEPS, BATCH, VALUES = 900, 128, 1 << 15  # rows of each network in a step, fewer where they hold more values than this
RATE, DECAY = 6e-3, 1e-3  # the learning rate's peak, and AdamW's weight decay
MOVES = (2.0, 20.0)  # from and to, in scales of residuals
FAR, FARTHEST = 0.25, 10.0  # that many of the moves may be as large as 10 standard deviations
NOISE = 0.3  # of all values in training, in scales of residuals
CELLS, EDGE, WIDTH = 512, 10.0, 0.3  # of the densities, over asinh(residual)
DRAWN = 50  # steps whose random numbers are drawn together


@dataclass(frozen=True)
class Localiser:
    """Small networks that say which value of a row is wrong, if one is.

    One value of a training row is moved up or down by 2 to 20 robust scales of its residual (a quarter of them by up to
    10 standard deviations of its column), uniformly on a logarithmic scale, and the networks learn which: cross-entropy
    over columns is least for the probability p_j that it was column j. They see asinh of the row, u, and of e, the
    residuals of each column's linear regression on the others over their scale. The logits are a multiple of
    -log f_j(e_j), f_j the density of column j's residuals, plus the output of a network with two hidden layers. Learned
    from less than some hundred rows, probabilities are nearer to 0 and 1 than they should be.
    Sources: Fellegi, Holt (1976), "A systematic approach to automatic edit and imputation", for the problem, error
    localisation; Clark, Luong, Le, Manning (2020), "ELECTRA: Pre-training text encoders as discriminators rather than
    generators", for learning it from replaced values.

    Attributes:
        regression: of the training rows.
        densities: (columns, 512), minus log f_j over cells of asinh(e_j).
        weights: of the networks.
    """

    regression: Regression
    densities: Tensor
    weights: tuple[Tensor, ...]

    @staticmethod
    def of(
        x: Tensor,
        regression: Regression,
        seed: int = 0,
        moves: tuple[float, float] = MOVES,
        far: float = FAR,
    ) -> Localiser:
        """Returns networks trained on rows.

        Args:
            x: (n, columns), of the regression.
            regression: of x.
            seed: decides the weights' first values and the moves.
            moves: from and to which size, in scales.
            far: the fraction of moves that may be as large as 10 standard deviations.
        """
        generator = torch.Generator().manual_seed(seed)
        u = regression.standardised(x).float()
        e = ((regression.residual - regression.middle) / regression.scale).float()
        localiser = Localiser(regression, _densities(e), _first_weights(u.shape[1], generator))
        with torch.inference_mode(False), torch.enable_grad(), computing_with(1):  # steps are too small for more
            localiser._train(u, e, localiser._moves(len(u), moves, far, generator), generator)
        return localiser

    def __call__(self, x: Tensor) -> Tensor:
        """Returns (n, columns): log p_j of rows (n, columns), the networks' geometric mean."""
        known = self.regression
        u = known.standardised(x)
        e = (u @ known.weights - known.middle) / known.scale
        with torch.inference_mode():
            logits = self._logits(u.float().expand(NETWORKS, -1, -1), e.float().expand(NETWORKS, -1, -1))
            return logits.double().log_softmax(2).mean(0).log_softmax(1)

    def _train(self, u: Tensor, e: Tensor, moves: Iterator[tuple[Tensor, ...]], generator: torch.Generator) -> None:
        optimiser = torch.optim.AdamW([w.requires_grad_() for w in self.weights], RATE, weight_decay=DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
        scale = self.regression.scale.float()
        spilled = (self.regression.weights * self.regression.scale[:, None] / self.regression.scale).float()
        for index, column, move in moves:
            change = NOISE * torch.randn((*index.shape, u.shape[1]), generator=generator)
            change.scatter_(2, column[..., None], move[..., None])
            logits = self._logits(u[index] + change * scale, e[index] + change @ spilled)
            loss = functional.cross_entropy(logits.flatten(0, 1), column.flatten())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        for weight in self.weights:
            weight.requires_grad_(False)

    def _moves(
        self, rows: int, moves: tuple[float, float], far: float, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yields for each step rows, columns and by how many scales these move, (NETWORKS, m) each."""
        columns = len(self.densities)
        size = (DRAWN, NETWORKS, max(16, min(BATCH, VALUES // (NETWORKS * columns))))
        usual = math.log(moves[1] / moves[0])
        farthest = (FARTHEST / moves[0] / self.regression.scale.float()).log().clamp(min=usual)
        for _ in range(STEPS // DRAWN):
            column = torch.randint(columns, size, generator=generator)
            kind, sign, part = (torch.rand(size, generator=generator) for _ in range(3))
            move = moves[0] * (part * torch.where(kind < far, farthest[column], usual)).exp() * (sign - 0.5).sign()
            yield from zip(torch.randint(rows, size, generator=generator), column, move, strict=True)

    def _logits(self, u: Tensor, e: Tensor) -> Tensor:
        """Returns (NETWORKS, n, columns) for what each network sees, (NETWORKS, n, columns) each."""
        first, first_bias, second, second_bias, last, last_bias, sharpness = self.weights
        e = e.asinh()
        hidden = functional.silu(torch.baddbmm(first_bias, torch.cat([e / 2, u.asinh()], 2), first))
        hidden = functional.silu(torch.baddbmm(second_bias, hidden, second))
        return torch.baddbmm(last_bias, hidden, last) + sharpness * self._improbable(e)

    def _improbable(self, place: Tensor) -> Tensor:
        """Returns -log f_j, interpolated between the middles of cells, of residuals as asinh(e) (..., columns)."""
        place = ((place + EDGE) * (CELLS / (2 * EDGE)) - 0.5).clamp(0, CELLS - 1.001)
        cell = place.long()
        start = cell + CELLS * torch.arange(len(self.densities))
        values = self.densities.flatten()
        return torch.lerp(values[start], values[start + 1], place - cell)


def _first_weights(columns: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Returns random hidden layers and a last one of zeros, so that training begins at the densities."""

    def layer(a: int, b: int) -> Tensor:
        return torch.randn((NETWORKS, a, b), generator=generator) / math.sqrt(a)

    def none(*size: int) -> Tensor:
        return torch.zeros(NETWORKS, *size)

    return (
        layer(2 * columns, HIDDEN), none(1, HIDDEN), layer(HIDDEN, HIDDEN), none(1, HIDDEN), none(HIDDEN, columns),
        none(1, columns), torch.ones(NETWORKS, 1, 1),
    )  # fmt: skip


def _densities(e: Tensor) -> Tensor:
    """Returns (columns, CELLS): minus the log density of residuals e (n, columns), at middles of cells of asinh(e).

    A column's histogram is smoothed by a normal kernel over asinh(e), so that tails are smoothed more than the middle;
    one further residual is spread over all cells.
    """
    size = 2 * EDGE / CELLS
    cell = ((e.asinh() + EDGE) / size).long().clamp(0, CELLS - 1)
    counts = torch.zeros(e.shape[1], CELLS).scatter_add_(1, cell.T, torch.ones_like(e.T))
    reach = math.ceil(4 * WIDTH / size)
    kernel = (-0.5 * (torch.arange(-reach, reach + 1) * size / WIDTH).square()).exp()
    smooth = functional.conv1d(counts[:, None], (kernel / kernel.sum())[None, None], padding=reach)[:, 0]
    middle = (torch.arange(CELLS) + 0.5) * size - EDGE
    return middle.cosh().log() - ((smooth + 1 / CELLS) / ((len(e) + 1) * size)).log()
