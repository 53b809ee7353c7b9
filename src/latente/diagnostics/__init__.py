"""What is good and what is wrong about a fitted model, in numbers and in words."""

from __future__ import annotations

__all__ = ["Evidence", "Finding", "Passed", "diagnose", "judge", "pass_through", "scaled"]

from latente.diagnostics.diagnose import diagnose, judge
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding
from latente.diagnostics.passed import Passed, pass_through, scaled
