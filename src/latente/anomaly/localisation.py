"""Which value of a row is wrong, learned from values that were made wrong."""

from __future__ import annotations

__all__ = ["Localiser"]

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from latente.anomaly.densities import asinh, densities_of, improbable
from latente.anomaly.regression import Regression
from latente.training.threads import computing_with

HIDDEN = 128
BATCH, VALUES = 256, 1 << 16  # rows of each network in a step, fewer where they hold more values than this
STEPS, STEPS_A_ROW = (300, 900), 2  # the fewest and the most, and how many a training row allows
FEW, NETWORKS = 600, (4, 2)  # networks where there are fewer steps than that, and where not
NOISE, NOISE_POWER, NOISIEST = 1.5, 0.25, 1.0  # of all values, in scales of residuals: 1.5 / n^(1/4), and at most
RATE, DECAY = 6e-3, 1e-3  # the learning rate's peak, and AdamW's weight decay
MOVES = (2.0, 20.0)  # from and to, in scales of residuals
FAR, FARTHEST = 0.25, 10.0  # that many of the moves may be as large as 10 standard deviations
SHIFTED, LARGEST, SHARPEST = 3.0, 50.0, 4.0  # what units of a network mean to a residual, and how far they reach
DRAWN = 50  # steps whose random numbers are drawn together
FOLDS, JUDGED = 8, 1 << 16  # two networks do without the same fold of the rows; values that judge temperatures
TEMPERATURES = torch.logspace(-1, 3, 41, base=2.0)  # from 0.5 to 8


@dataclass(frozen=True)
class Localiser:
    """Small networks that say which value of a row is wrong, if one is.

    One value of a training row is moved up or down by 2 to 20 robust scales of its residual (a quarter of them by up to
    10 standard deviations of its column), uniformly on a logarithmic scale, and the networks learn which: cross-entropy
    over columns is least for the probability p_j that it was column j. They see asinh of the row, u, and of e, the
    residuals of each column's linear regression on the others over their scale. From two hidden layers come for each
    column a bias b, a shift m and a sharpness s, and the logits are

        b_j + a (-log f_j(e_j)) + k_j log(1 + ((e_j - 3 m_j) exp(s_j))^2),

    with f_j the density of column j's residuals, a and k learned: so a network can say what a column's residual and
    its scale should be, given the row, which takes it about half the steps that b_j alone would.

    Each network does without an eighth of the rows, by which the temperature is chosen that their logits are divided
    by. From few rows there are more networks, of fewer steps, and more noise. Regressions and densities know all rows,
    so from fewer rows than columns the probabilities are too high all the same.

    Sources: Fellegi, Holt (1976), "A systematic approach to automatic edit and imputation", for the problem, error
    localisation; Clark, Luong, Le, Manning (2020), "ELECTRA: Pre-training text encoders as discriminators rather than
    generators", for learning it from replaced values; Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern
    neural networks", for the temperature; Silverman, Young (1987), "The bootstrap: to smooth or not to smooth?", for
    noise that falls with the number of rows.

    Attributes:
        regression: of the training rows.
        densities: (columns, 512), minus log f_j over cells of asinh(e_j).
        weights: of the networks.
        temperature: what logits are divided by.
    """

    regression: Regression
    densities: Tensor
    weights: tuple[Tensor, ...]
    temperature: float = 1.0

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
            x: (n, columns), of the regression, in random order.
            regression: of x.
            seed: decides the weights' first values and the moves.
            moves: from and to which size, in scales.
            far: the fraction of moves that may be as large as 10 standard deviations.
        """
        with torch.inference_mode(False), torch.enable_grad(), computing_with(1):  # steps are too small for more
            return Localiser._learned_from(x, regression, seed, moves, far)

    @staticmethod
    def _learned_from(
        x: Tensor, regression: Regression, seed: int, moves: tuple[float, float], far: float
    ) -> Localiser:
        """Does what `of` says, outside of inference mode."""
        generator = torch.Generator().manual_seed(seed)
        x = x.clone()  # what was made in inference mode has no gradient
        u = regression.standardised(x).float()
        e = ((regression.residual - regression.middle) / regression.scale).float()
        steps = min(max(STEPS[0], STEPS_A_ROW * len(u)), STEPS[1]) // DRAWN * DRAWN
        networks = NETWORKS[0] if steps < FEW else NETWORKS[1]
        localiser = Localiser(regression, densities_of(e), _first_weights(networks, u.shape[1], generator))
        localiser._train(u, e, steps, localiser._moves(steps, len(u), moves, far, generator), generator)
        with torch.no_grad():
            return replace(localiser, temperature=localiser._best_temperature(u, e, moves, far, generator))

    def __call__(self, x: Tensor) -> Tensor:
        """Returns (n, columns): log p_j of rows (n, columns), the networks' geometric mean."""
        known = self.regression
        u = known.standardised(x)
        e = (u @ known.weights - known.middle) / known.scale
        with torch.inference_mode():
            logits = self._logits(u.float().expand(self.networks, -1, -1), e.float().expand(self.networks, -1, -1))
            return (logits.double().log_softmax(2).mean(0) / self.temperature).log_softmax(1)

    @property
    def networks(self) -> int:
        """How many there are."""
        return len(self.weights[0])

    # Training

    def _train(
        self, u: Tensor, e: Tensor, steps: int, moves: Iterator[tuple[Tensor, ...]], generator: torch.Generator
    ) -> None:
        optimiser = torch.optim.AdamW([w.requires_grad_() for w in self.weights], RATE, weight_decay=DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        noise = min(NOISE / len(u) ** NOISE_POWER, NOISIEST)
        for index, column, move in moves:
            change = noise * torch.randn((*index.shape, u.shape[1]), generator=generator)
            logits = self._logits(*self._moved(u, e, change, index, column, move))
            loss = functional.cross_entropy(logits.flatten(0, 1), column.flatten())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        for weight in self.weights:
            weight.requires_grad_(False)

    def _moved(
        self, u: Tensor, e: Tensor, change: Tensor, index: Tensor, column: Tensor, move: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns what networks see of rows after a change (networks, m, columns), of which `column` gets `move`."""
        change.scatter_(2, column[..., None], move[..., None])
        return u[index] + change * self._scale, e[index] + change @ self._spilled

    @property
    def _scale(self) -> Tensor:
        return self.regression.scale.float()

    @property
    def _spilled(self) -> Tensor:
        """(columns, columns): what a scale more in one column adds to all residuals, in their scales."""
        known = self.regression
        return (known.weights * known.scale[:, None] / known.scale).float()

    def _moves(
        self,
        steps: int,
        rows: int,
        moves: tuple[float, float],
        far: float,
        generator: torch.Generator,
        held: bool = False,
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yields for each step rows, columns and by how many scales these move, (networks, m) each.

        Rows are those that a network learns from, or with `held` those it does without.
        """
        columns = len(self.densities)
        size = (DRAWN, self.networks, max(16, min(BATCH, VALUES // (self.networks * columns))))
        usual = math.log(moves[1] / moves[0])
        farthest = (FARTHEST / moves[0] / self._scale).log().clamp(min=usual)
        for _ in range(-(-steps // DRAWN)):
            column = torch.randint(columns, size, generator=generator)
            kind, sign, part = (torch.rand(size, generator=generator) for _ in range(3))
            move = moves[0] * (part * torch.where(kind < far, farthest[column], usual)).exp() * (sign - 0.5).sign()
            yield from zip(self._rows(rows, size, held, generator), column, move, strict=True)

    def _rows(self, rows: int, size: tuple[int, ...], held: bool, generator: torch.Generator) -> Tensor:
        """Returns random indices of rows.

        Row i is in fold i modulo FOLDS; networks 2k and 2k + 1 do without fold k.
        """
        block = rows // FOLDS
        if not block:
            return torch.randint(rows, size, generator=generator)
        own = torch.arange(self.networks)[:, None] // 2
        if held:
            return FOLDS * torch.randint(block, size, generator=generator) + own
        place = torch.randint(block * (FOLDS - 1), size, generator=generator)
        return place // (FOLDS - 1) * FOLDS + (own + 1 + place % (FOLDS - 1)) % FOLDS

    def _best_temperature(
        self, u: Tensor, e: Tensor, moves: tuple[float, float], far: float, generator: torch.Generator
    ) -> float:
        """Returns the temperature of the least Brier score on rows that a pair of networks did without, moved likewise.

        Cross-entropy would let the few mistakes decide that are made with most confidence.
        """
        if len(u) < FOLDS:
            return 1.0
        found = []
        steps = max(1, min(DRAWN, JUDGED // (self.networks * BATCH * u.shape[1])))
        for index, column, move in list(self._moves(DRAWN, len(u), moves, far, generator, held=True))[:steps]:
            index, column, move = (values[::2].repeat_interleave(2, 0) for values in (index, column, move))
            change = torch.zeros((*index.shape, u.shape[1]))
            log_p = self._logits(*self._moved(u, e, change, index, column, move)).log_softmax(2)
            p = (log_p.unflatten(0, (-1, 2)).mean(1) / TEMPERATURES[:, None, None, None]).softmax(3)
            right = p.gather(3, column[::2].expand(len(p), -1, -1)[..., None])[..., 0]
            found.append((p.square().sum(3) - 2 * right).mean((1, 2)))
        return float(TEMPERATURES[torch.stack(found).mean(0).argmin()])

    def _logits(self, u: Tensor, e: Tensor) -> Tensor:
        """Returns (networks, n, columns) for what each network sees, (networks, n, columns) each."""
        first, first_bias, second, second_bias, last, last_bias, plain, own = self.weights
        place = asinh(e)
        hidden = functional.silu(torch.baddbmm(first_bias, torch.cat([place / 2, asinh(u)], 2), first))
        hidden = functional.silu(torch.baddbmm(second_bias, hidden, second))
        bias, shift, sharpness = torch.baddbmm(last_bias, hidden, last).chunk(3, 2)
        left = (e.clamp(-LARGEST, LARGEST) - SHIFTED * shift) * sharpness.clamp(-SHARPEST, SHARPEST).exp()
        return bias + plain * improbable(self.densities, place) + own * left.square().log1p()


def _first_weights(networks: int, columns: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Returns random hidden layers and a last one of zeros, so that training begins at the residuals."""

    def layer(a: int, b: int) -> Tensor:
        return torch.randn((networks, a, b), generator=generator) / math.sqrt(a)

    def none(*size: int) -> Tensor:
        return torch.zeros(networks, *size)

    return (
        layer(2 * columns, HIDDEN), none(1, HIDDEN), layer(HIDDEN, HIDDEN), none(1, HIDDEN), none(HIDDEN, 3 * columns),
        none(1, 3 * columns), none(1, 1) + 0.5, none(1, columns) + 0.5,
    )  # fmt: skip
