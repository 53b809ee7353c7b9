"""The one module: encoder, bottleneck, decoder, corruption, distortion."""

from __future__ import annotations

__all__ = ["AutoencoderModule"]

import torch
from torch import Tensor, nn

from latente.bottlenecks import BottleneckModule
from latente.corruptions import Bounds, Corruption
from latente.distortions import DistortionModule
from latente.latent import Latent
from latente.nn import Clip

OUTPUTS: dict[str, type[nn.Module]] = {"identity": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "clip": Clip}


class AutoencoderModule(nn.Module):
    """x --corruption--> x~ --encoder--> h --bottleneck--> z --decoder--> x_hat.

    Args:
        encoder: (batch, *sample_shape) -> (batch, features).
        bottleneck: (batch, features) -> Latent.
        decoder: (batch, latent_dim) -> (batch, *sample_shape), before the output activation.
        distortion: the cost of x_hat against x; learned variances are trained and saved with the module.
        corruption: acts on x in training mode only, or when `corrupt` is called; None for none.
        output: what maps the decoder's output to the data's range: identity, sigmoid, tanh or clip (to the bounds).
        bounds: the smallest and largest value of scaled data, or None.

    Attributes:
        generator: where corruption and bottleneck take their randomness from; None is torch's global one.

    Example:
        >>> from latente.bottlenecks import Deterministic
        >>> from latente.distortions import SquaredError
        >>> parts = nn.Linear(5, 2), Deterministic().build(2), nn.Linear(2, 5)
        >>> module = AutoencoderModule(*parts, distortion=SquaredError().build((5,)))
        >>> x_hat, latent = module(torch.zeros(3, 5))
        >>> x_hat.shape, latent.z.shape
        (torch.Size([3, 5]), torch.Size([3, 2]))
    """

    generator: torch.Generator | None = None

    def __init__(
        self,
        encoder: nn.Module,
        bottleneck: BottleneckModule,
        decoder: nn.Module,
        *,
        distortion: DistortionModule,
        corruption: Corruption | None = None,
        output: str = "identity",
        bounds: Bounds = None,
    ) -> None:
        super().__init__()
        self.encoder, self.bottleneck, self.decoder = encoder, bottleneck, decoder
        self.distortion, self.corruption, self.bounds = distortion, corruption, bounds
        self.output = OUTPUTS[output](*(bounds or ()) if output == "clip" else ())

    def corrupt(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Returns x~, or x where there is no corruption.

        Args:
            x: (batch, *sample_shape).
            generator: the source of randomness; None is the module's own.
        """
        return x if self.corruption is None else self.corruption(x, generator or self.generator, self.bounds)

    def features(self, x: Tensor) -> Tensor:
        """Returns h (batch, features) in float32; corrupts x first when training."""
        return self.encoder(self.corrupt(x) if self.training else x).float()

    def encode(self, x: Tensor) -> Latent:
        """Returns the latent variables of x; corrupts x first when training."""
        return self.bottleneck(self.features(x), self.generator)

    def decode(self, z: Tensor) -> Tensor:
        """Returns x_hat (batch, *sample_shape) in the scaled data's range.

        Args:
            z: (batch, latent_dim).
        """
        return self.output(self.decoder(z).float())

    def distort(self, z: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns (batch,): the distortion of decoding z against the target.

        Args:
            z: (batch, latent_dim).
            target: (batch, *sample_shape).
            mask: of the target's shape, True where a cell is known; None when all are.
        """
        raw = self.decoder(z).float()
        return self.distortion(raw if self.distortion.from_logits else self.output(raw), target, mask)

    def forward(self, x: Tensor) -> tuple[Tensor, Latent]:
        """Returns x_hat and the latent variables of x."""
        latent = self.encode(x)
        return self.decode(latent.z), latent

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))
