"""One thing that was found about a model; defined where training can find things too."""

from __future__ import annotations

__all__ = ["SEVERITIES", "SUSPICION", "Finding", "ranked"]

from latente.training.finding import SEVERITIES, SUSPICION, Finding, ranked
