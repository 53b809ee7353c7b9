"""Arrays as small integer streams, and back, under a bound."""

from __future__ import annotations

__all__: list[str] = []
