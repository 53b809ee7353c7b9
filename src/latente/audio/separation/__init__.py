"""A mixture taken apart: the sources of a recording, or the speech under noise."""

from __future__ import annotations

__all__: list[str] = []
