"""Tiny pictures of one size, each coded as a whole: what `ImageCodec.fit` makes of thousands of them."""

from __future__ import annotations

__all__: list[str] = []
