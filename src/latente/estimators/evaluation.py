"""How good a fitted autoencoder is, held against the simplest alternatives."""

from __future__ import annotations

__all__ = ["Evaluation"]

from dataclasses import dataclass


@dataclass(frozen=True)
class Evaluation:
    """Errors of reconstructions in the units of the scaled data.

    Attributes:
        error: mean over samples of ||x - x_hat||^2, summed over a sample's elements.
        mse: the same for each element.
        mean_error: the error when every sample is replaced by the mean sample.
        pca_error: the error of PCA at the same latent size.
        explained_variance: 1 - error / error of the mean of these very samples.
        rate: mean nats that the code carries, by the bottleneck's own account; 0 where it has none.
        active_units: latent units that vary over these samples.
        latent_dim: all latent units.
        samples: how many samples were measured.
    """

    error: float
    mse: float
    mean_error: float
    pca_error: float
    explained_variance: float
    rate: float
    active_units: int
    latent_dim: int
    samples: int

    @property
    def beats_pca(self) -> bool:
        """Whether the error is below that of PCA at the same latent size."""
        return self.error < self.pca_error

    def __str__(self) -> str:
        exact = self.pca_error <= 1e-9 * self.mean_error
        against = (
            "PCA at the same size loses nothing"
            if exact
            else (f"PCA at the same size {self.pca_error:.4g} (ratio {self.error / self.pca_error:.2f})")
        )
        return (
            f"error {self.error:.4g} a sample ({self.mse:.4g} a value), {against}, mean sample {self.mean_error:.4g}, "
            f"explained variance {self.explained_variance:.1%}, {self.active_units} of {self.latent_dim} latent units "
            f"active, {self.samples} samples"
        )
