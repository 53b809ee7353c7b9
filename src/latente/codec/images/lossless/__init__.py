"""Lossless coding of 8-bit pictures: pixels from coarse to fine, each between pixels that are known."""

from __future__ import annotations

__all__: list[str] = []
