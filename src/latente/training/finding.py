"""One thing that was found about a training run or a model, and the order in which findings are told."""

from __future__ import annotations

__all__ = ["SEVERITIES", "SUSPICION", "Finding", "ranked"]

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

SEVERITIES = ("warning", "note", "good")  # the gravest first
SUSPICION = "suspicion"  # a cause that counts only where something is found that it explains


@dataclass(frozen=True)
class Finding:
    """One thing that was found about a training run or a fitted model.

    Attributes:
        name: what it is, in a few words, e.g. "worse than PCA"; the same words for the same thing every time.
        severity: "good"; "note" for what one should know; "warning" for what one should change. A check may return a
            "suspicion", which `ranked` makes one of these or drops.
        message: what was found, with the numbers.
        advice: what to change; empty where there is nothing to change.
        change: the same for `model.set_params(**change)`, where arguments of the estimator say it; else empty.
        explains: names of the findings that follow from this one.
        epoch: when it was first seen, from 1; None for what does not belong to an epoch.

    Example:
        >>> print(Finding("worse than PCA", "warning", "The error is 5, PCA's 4.", "Train longer."))
        warning: worse than PCA. The error is 5, PCA's 4. Train longer.
    """

    name: str
    severity: str
    message: str
    advice: str = ""
    change: dict[str, Any] = field(default_factory=dict)
    explains: tuple[str, ...] = ()
    epoch: int | None = None

    def __str__(self) -> str:
        return f"{self.severity}: {self.name}. {self.message}" + (f" {self.advice}" if self.advice else "")

    @staticmethod
    def from_dict(description: dict[str, Any]) -> Finding:
        """Makes the finding that `dataclasses.asdict` described.

        Args:
            description: that dictionary.
        """
        return Finding(**{**description, "explains": tuple(description["explains"])})


def ranked(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns findings in the order in which they should be read: the gravest first, causes before symptoms.

    A cause is at least as grave as what it explains; a suspicion that explains nothing is dropped. What such a cause
    explains comes after all that nothing explains, and its advice becomes a word on where it comes from: there is one
    thing to change. Otherwise findings keep their order, so causes should be looked for from the data on.

    Args:
        found: of a name given twice the later one counts.

    Example:
        >>> cause = Finding("too cold", SUSPICION, "4 degrees.", "Heat.", explains=("ice",))
        >>> symptom = Finding("ice", "warning", "On the lake.", "Wait.")
        >>> [str(finding) for finding in ranked([symptom, cause])]
        ['warning: too cold. 4 degrees. Heat.', 'warning: ice. On the lake. It follows from: too cold.']
        >>> ranked([cause])
        ()
    """
    by_name: dict[str, Finding] = {}
    for finding in found:
        by_name.pop(finding.name, None)
        by_name[finding.name] = finding
    kept = _settled(list(by_name.values()))
    because = {name: cause.name for cause in reversed(kept) for name in cause.explains}
    told = [
        replace(f, advice=f"It follows from: {because[f.name]}.") if f.name in because and f.severity != "good" else f
        for f in kept
    ]
    return tuple(sorted(told, key=lambda f: (SEVERITIES.index(f.severity), f.name in because)))


def _settled(found: list[Finding]) -> list[Finding]:
    """Returns the findings with causes made as grave as what they explain, and idle suspicions left out."""
    grave = {f.name: f.severity for f in found if f.severity in SEVERITIES[:-1]}
    settled = []
    for finding in found:
        reasons = [grave[name] for name in finding.explains if name in grave]
        reasons += [finding.severity] if finding.severity != SUSPICION else []
        if reasons:
            settled.append(replace(finding, severity=min(reasons, key=SEVERITIES.index)))
    return settled
