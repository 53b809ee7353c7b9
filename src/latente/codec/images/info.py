"""What a stream of pictures says of itself."""

from __future__ import annotations

__all__ = ["ImageInfo"]

from dataclasses import dataclass

from latente.codec.models import ModelRef


@dataclass(frozen=True)
class ImageInfo:
    """What a stream of pictures says of itself.

    Attributes:
        shape: (pictures, height, width, channels).
        compressed_bytes: of the whole stream.
        model: that decoding needs: its id, its hash and whether it is embedded; None where it needs none.
        quality: in [0, 1]; None where nothing was lost.

    Example:
        >>> ImageInfo((1, 512, 768, 3), 24_576, ModelRef("photos-1", "0" * 32), 0.5).bits_per_pixel
        0.5
    """

    shape: tuple[int, int, int, int]
    compressed_bytes: int
    model: ModelRef | None = None
    quality: float | None = None

    @property
    def bits_per_pixel(self) -> float:
        """Bits of the stream for each pixel."""
        return 8 * self.compressed_bytes / (self.shape[0] * self.shape[1] * self.shape[2])

    @property
    def exact(self) -> bool:
        """Whether every pixel comes back."""
        return self.quality is None
