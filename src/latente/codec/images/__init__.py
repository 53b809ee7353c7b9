"""The learned image codec: transforms, context model, what they are trained for, and streams."""

from __future__ import annotations

__all__: list[str] = []
