"""What a score sees of samples: themselves, what the members rebuild, and their codes."""

from __future__ import annotations

__all__ = ["Views"]

from dataclasses import dataclass

from torch import Tensor

from latente.autoencoder import AutoencoderModule


@dataclass(frozen=True)
class Views:
    """Samples as each of several autoencoders, the members, sees them.

    Attributes:
        x: (members, n, values), scaled and flattened; members may share memory.
        x_hat: (members, n, values), rebuilt.
        z: (members, n, latent_dim), the codes.
        modules: the members as modules with bottlenecks, () where they have none.
        samples: for each module (n, *sample_shape), what it sees.
        index: (members, n), which training samples these are; None for new samples.
    """

    x: Tensor
    x_hat: Tensor
    z: Tensor
    modules: tuple[AutoencoderModule, ...] = ()
    samples: tuple[Tensor, ...] = ()
    index: Tensor | None = None

    @property
    def residual(self) -> Tensor:
        """(members, n, values): x - x_hat."""
        return self.x - self.x_hat
