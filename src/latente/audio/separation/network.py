"""The network that divides a mixture's spectrum among its sources."""

from __future__ import annotations

__all__ = ["MaskNetwork"]

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.audio.spectra import istft, stft

N_FFT, HOP = 512, 256
FLOOR = 1e-3  # of the signal's level: quieter bins look alike
DILATIONS = (1, 2, 4, 8, 16, 1, 2, 4)
NEAR = 62  # frames to either side (2 s at 8 kHz) whose mean power is the level that a frame is held against
WINDOW_POWER = 0.375 * N_FFT  # of the Hann window: the power of a bin where the signal's mean square is 1
SILENCE = 1e-8  # of full scale; quieter than any recording


class Block(nn.Module):
    """x + f(x), f narrowing the channels, looking to both sides, and widening them again."""

    def __init__(self, channels: int, bottleneck: int, dilation: int) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv1d(channels, bottleneck, 1),
            nn.BatchNorm1d(bottleneck),
            nn.PReLU(),
            nn.Conv1d(bottleneck, bottleneck, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm1d(bottleneck),
            nn.PReLU(),
            nn.Conv1d(bottleneck, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.f(x)


class MaskNetwork(nn.Module):
    """Estimates a mask for each source: x_hat_s = istft(m_s stft(x)), m = softmax over the sources, so sum m_s = 1.

    The frequencies of the log-magnitude spectrum are the channels of one-dimensional convolutions over time: an encoder
    (a matrix to `channels`), blocks of dilated convolutions at `bottleneck` channels, a decoder to the masks. The phase
    is the mixture's. The input's level does not matter: each frame is held against that of the 2 s around it.

    Args:
        sources: how many.
        channels: of the blocks' input and output.
        bottleneck: channels inside a block.
        dilations: of each block's convolution, in frames of 256 samples.

    Source: Luo & Mesgarani (2019), "Conv-TasNet" (the separator; here on a Fourier transform); Grais & Plumbley (2017),
    "Single channel audio source separation using convolutional denoising autoencoders".

    Example:
        >>> MaskNetwork(2, 16, 8)(torch.randn(3, 4000)).shape
        torch.Size([3, 2, 4000])
    """

    generator: torch.Generator | None = None  # the trainer's; nothing here is random

    def __init__(
        self, sources: int, channels: int = 256, bottleneck: int = 96, dilations: tuple[int, ...] = DILATIONS
    ) -> None:
        super().__init__()
        bins = N_FFT // 2 + 1
        self.sources, self.dilations = sources, tuple(dilations)
        self.normalise = nn.BatchNorm1d(bins)
        self.encoder = nn.Conv1d(bins, channels, 1)
        self.blocks = nn.Sequential(*(Block(channels, bottleneck, d) for d in dilations))
        self.decoder = nn.Sequential(nn.BatchNorm1d(channels), nn.PReLU(), nn.Conv1d(channels, bins * sources, 1))

    @property
    def reach(self) -> int:
        """Samples to either side that decide about a sample."""
        return N_FFT + HOP * (NEAR + sum(self.dilations))

    def masks(self, spectrum: Tensor) -> Tensor:
        """Returns (batch, sources, bins, frames): between 0 and 1, adding up to 1.

        Args:
            spectrum: (batch, bins, frames) complex.
        """
        magnitude = spectrum.abs()
        power = magnitude.square().mean(1, keepdim=True) / WINDOW_POWER
        level = F.avg_pool1d(power, 2 * NEAR + 1, 1, NEAR, count_include_pad=False).sqrt() + SILENCE
        x = torch.log(magnitude / level + FLOOR * N_FFT**0.5)
        h = self.decoder(self.blocks(self.encoder(self.normalise(x))))
        return h.float().unflatten(1, (self.sources, -1)).softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (batch, sources, n), which add up to x.

        Args:
            x: (batch, n).
        """
        spectrum = stft(x, N_FFT, HOP)
        return istft(self.masks(spectrum) * spectrum[:, None], x.shape[1], HOP)
