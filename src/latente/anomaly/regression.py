"""Each column's linear regression on all others."""

from __future__ import annotations

__all__ = ["Regression"]

from dataclasses import dataclass

import torch
from torch import Tensor

SHRINKAGES = (1e-3, 1e-2, 0.03, 0.1, 0.3)  # of the correlations towards 0
RIDGE = 1e-6
BETTER = 1e-3  # how much smaller a logarithm must be for more shrinkage
MOST_LEVERAGE = 0.95
PER_MAD = 1.4826  # standard deviations in a median absolute deviation of a normal distribution
FINEST = 1e-3  # of a residual's scale, in standard deviations of its column


@dataclass(frozen=True)
class Regression:
    """Each column's linear regression on all others, by the inverse of their correlations.

    With P the inverse of C = (1 - a) correlations + a I and u a standardised row, the residual of column j is
    (P u)_j / P_jj. The shrinkage a is the one of 0.001, 0.01, 0.03, 0.1 and 0.3 whose leave-one-out residuals have the
    smallest mean log scale. Source: Allen (1974), "The relationship between variable selection and data augmentation
    and a method for prediction", for residuals without the row itself.

    Attributes:
        mean: (columns,).
        spread: (columns,), standard deviations, 1 for constant columns.
        weights: (columns, columns): the residuals of standardised rows u are u @ weights.
        residual: (n, columns), of each row by a regression without it, standardised.
        middle: (columns,), the medians of those.
        scale: (columns,), their median absolute deviations times 1.4826, at least 0.001.
    """

    mean: Tensor
    spread: Tensor
    weights: Tensor
    residual: Tensor
    middle: Tensor
    scale: Tensor

    @staticmethod
    def of(x: Tensor) -> Regression:
        """Returns the regressions of columns (n, columns)."""
        x = x.double()
        mean, spread = x.mean(0), x.std(0, correction=0)
        spread = torch.where(spread > 1e-9, spread, 1.0)
        u = (x - mean) / spread
        correlations = u.T @ u / len(u)
        best = Regression(mean, spread, *_shrunk(u, correlations, SHRINKAGES[0]))
        for shrinkage in SHRINKAGES[1:]:
            found = Regression(mean, spread, *_shrunk(u, correlations, shrinkage))
            if found.scale.log().mean() < best.scale.log().mean() - BETTER:
                best = found
        return best

    def standardised(self, x: Tensor) -> Tensor:
        """Returns u (n, columns) of rows (n, columns)."""
        return (x.double() - self.mean) / self.spread


def _shrunk(u: Tensor, correlations: Tensor, shrinkage: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns weights, leave-one-out residuals, their medians and their scales; see `Regression`.

    The leverage of a row in column j's regression is that in all columns, u' P u / n, less (P u)_j^2 / (n P_jj).
    """
    eye = torch.eye(len(correlations), dtype=u.dtype)
    precision = torch.linalg.inv((1 - shrinkage) * correlations + (shrinkage + RIDGE) * eye)
    diagonal = precision.diagonal()
    pulled = u @ precision
    leverage = ((u * pulled).sum(1, keepdim=True) - pulled.square() / diagonal) * ((1 - shrinkage) / len(u))
    residual = pulled / diagonal / (1 - leverage.clamp(0, MOST_LEVERAGE))
    middle = residual.median(0).values
    scale = PER_MAD * (residual - middle).abs().median(0).values
    return precision / diagonal, residual, middle, scale.clamp(min=FINEST)
