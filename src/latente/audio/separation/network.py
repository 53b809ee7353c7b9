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
STEADY = 12  # frames to either side (0.4 s) whose mean a bin is held against: what sounds on is told from what moves
BESIDE = 2  # bins to either side whose mean a bin is held against: harmonics stand out
BRIEF = 3  # frames to either side, the same at the pace of syllables
DETAILS = 3  # of these a mask may follow
BANDS = 32  # of frequency, each with its own gates, in between they are interpolated


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

    So narrow a network cannot carry every harmonic through. What stands out of a bin's surroundings in time and in
    frequency is therefore computed, d_k = x - mean(x around it), and a gate of each band, source and frame says how far
    the mask follows it: logit_s = decoder_s + sum_k gate_sk d_k. No gate depends on the pitch that it lets through.

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
    bands: Tensor

    def __init__(
        self, sources: int, channels: int = 256, bottleneck: int = 96, dilations: tuple[int, ...] = DILATIONS
    ) -> None:
        super().__init__()
        bins = N_FFT // 2 + 1
        self.sources, self.dilations = sources, tuple(dilations)
        self.normalise = nn.BatchNorm1d(bins)
        self.encoder = nn.Conv1d(bins, channels, 1)
        self.moving = nn.Conv1d(bins, channels, 1, bias=False)
        self.blocks = nn.Sequential(*(Block(channels, bottleneck, d) for d in dilations))
        self.decoder = nn.Sequential(nn.BatchNorm1d(channels), nn.PReLU(), nn.Conv1d(channels, bins * sources, 1))
        self.gates = nn.Conv1d(channels, DETAILS * (sources - 1) * BANDS, 1)  # of a softmax only differences matter
        for weights in self.gates.parameters():
            nn.init.zeros_(weights)
        bands = F.interpolate(torch.eye(BANDS)[None], size=bins, mode="linear", align_corners=True)[0]
        self.register_buffer("bands", bands.T[:, :, None].contiguous(), persistent=False)

    @property
    def reach(self) -> int:
        """Samples to either side that decide about a sample."""
        return N_FFT + HOP * (NEAR + STEADY + sum(self.dilations))

    def masks(self, spectrum: Tensor) -> Tensor:
        """Returns (batch, sources, bins, frames): between 0 and 1, adding up to 1.

        Args:
            spectrum: (batch, bins, frames) complex.
        """
        magnitude = spectrum.abs()
        power = magnitude.square().mean(1, keepdim=True) / WINDOW_POWER
        level = F.avg_pool1d(power, 2 * NEAR + 1, 1, NEAR, count_include_pad=False).sqrt() + SILENCE
        x = self.normalise(torch.log(magnitude / level + FLOOR * N_FFT**0.5))
        details = _details(x.detach())
        h = self.blocks(self.encoder(x) + self.moving(details[:, 0]))
        h = self.decoder[:2](h)
        logits = self.decoder[2](h).float().unflatten(1, (self.sources, -1))
        return (logits + self._followed(h, details)).softmax(1)

    def _followed(self, h: Tensor, details: Tensor) -> Tensor:
        """Returns (batch, sources, bins, frames): what the gates let through; of the last source nothing."""
        gates = self.gates(h).unflatten(1, (self.sources - 1, DETAILS, BANDS))
        wide = F.conv1d(gates.flatten(0, 2), self.bands).float().unflatten(0, gates.shape[:3])
        return F.pad((wide * details[:, None]).sum(2), (0, 0, 0, 0, 0, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Returns (batch, sources, n), which add up to x.

        Args:
            x: (batch, n).
        """
        spectrum = stft(x, N_FFT, HOP)
        return istft(self.masks(spectrum) * spectrum[:, None], x.shape[1], HOP)


def _details(x: Tensor) -> Tensor:
    """Returns (batch, DETAILS, bins, frames): how far each bin is above the mean of what surrounds it.

    Args:
        x: (batch, bins, frames).
    """
    beside = F.avg_pool1d(x.transpose(1, 2), 2 * BESIDE + 1, 1, BESIDE, count_include_pad=False).transpose(1, 2)
    steady, brief = (F.avg_pool1d(x, 2 * n + 1, 1, n, count_include_pad=False) for n in (STEADY, BRIEF))
    return torch.stack([x - steady, x - brief, x - beside], 1)
