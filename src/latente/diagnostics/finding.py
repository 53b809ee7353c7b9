"""One thing that was found about a model."""

from __future__ import annotations

__all__ = ["SEVERITIES", "Finding"]

from dataclasses import dataclass
from typing import Literal

SEVERITIES = ("warning", "note", "good")  # the gravest first


@dataclass(frozen=True)
class Finding:
    """One thing that was found about a fitted model.

    Attributes:
        name: what it is, in a few words, e.g. "worse than PCA"; the same words for the same thing every time.
        severity: "good"; "note" for what one should know; "warning" for what one should change.
        message: what was found, with the numbers.
        advice: what to change; empty where there is nothing to change.
    """

    name: str
    severity: Literal["good", "note", "warning"]
    message: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.name}. {self.message}" + (f" {self.advice}" if self.advice else "")
