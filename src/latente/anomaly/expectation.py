"""What the values of a table's row say of each other."""

from __future__ import annotations

__all__ = ["Expectation"]

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from latente.anomaly.localisation import Localiser
from latente.anomaly.regression import Regression

WIDEST = 2000  # columns for which values are predicted from each other
ROWS, VALUES = 10_000, 1 << 22  # that are kept, at most


@dataclass(frozen=True)
class Expectation:
    """Training rows of a table, and what is learned from them when it is first asked for.

    Attributes:
        rows: (n, columns), scaled.
    """

    rows: Tensor

    @staticmethod
    def of(x: Tensor) -> Expectation | None:
        """Returns what is to be known of rows (n, columns) in random order; None for very many columns."""
        columns = x.shape[1]
        return None if columns > WIDEST else Expectation(x[: min(ROWS, VALUES // columns)].float().clone())

    @cached_property
    def regression(self) -> Regression:
        """Each column's linear regression on all others."""
        return Regression.of(self.rows)

    @cached_property
    def localiser(self) -> Localiser:
        """Networks that say which value is wrong; trained in two to five seconds of CPU time, more for wide tables."""
        return Localiser.of(self.rows, self.regression)

    def repaired(self, x: Tensor, wrong: Tensor) -> Tensor:
        """Returns (n, columns): every value as the others predict it once they are repaired themselves.

        With e what `self(x)` predicts and p_k the probability that value k is the wrong one, the others are taken for
        x_k + p_k (e_k - x_k). Since predictions are linear, that is the mean over which value is wrong, of what is
        predicted with this one replaced.

        Args:
            x: (n, columns).
            wrong: (n, columns), p_k; rows add up to 1.
        """
        return self(x + wrong * (self(x) - x))

    def __call__(self, x: Tensor) -> Tensor:
        """Returns (n, columns): every value as the others of its row predict it, within its column's range."""
        known = self.regression
        left = known.standardised(x) @ known.weights * known.spread
        return (x.double() - left).clamp(self.rows.amin(0), self.rows.amax(0)).float()
