"""How the blocks of a part were coded, counted for the one line that people read."""

from __future__ import annotations

__all__ = ["Method", "Methods"]

from collections import Counter
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Method:
    """How a block was coded.

    Attributes:
        text: how, and after a colon why.
        exact: whether every bit of it comes back.
        model: id and hash of the fitted model that it refers to, or None.

    Example:
        >>> Method("zstd, exact").after("numbers,").text
        'numbers, zstd, exact'
    """

    text: str
    exact: bool = True
    model: str | None = None

    def after(self, first: str) -> Method:
        """Returns this method behind another one."""
        return replace(self, text=f"{first} {self.text}")


class Methods:
    """The methods of all blocks of a part.

    Example:
        >>> methods = Methods()
        >>> for text in ("lorenzo: 3 bits", "transform: 2 bits", "transform: 1 bit"):
        ...     methods.add(Method(text, exact=False))
        >>> methods.text, methods.exact, methods.model
        ('transform (2 of 3 blocks), lorenzo (1 of 3 blocks); of the first: 3 bits', False, None)
    """

    def __init__(self) -> None:
        self._counts = Counter[Method]()

    def add(self, method: Method) -> None:
        """Counts one block more."""
        self._counts[method] += 1

    @property
    def exact(self) -> bool:
        """Whether every bit of all blocks comes back."""
        return all(method.exact for method in self._counts)

    @property
    def model(self) -> str | None:
        """Id and hash of the fitted models that blocks refer to; None for none."""
        return ", ".join(sorted({method.model for method in self._counts if method.model})) or None

    @property
    def text(self) -> str:
        """How blocks were coded, the most common way first, and why the first one was."""
        if sum(self._counts.values()) < 2:
            return next((method.text for method in self._counts), "empty")
        names = Counter[str]()
        for method, count in self._counts.items():
            names[method.text.partition(":")[0]] += count
        total = sum(names.values())
        ways = ", ".join(f"{name} ({count} of {total} blocks)" for name, count in names.most_common())
        why = next(iter(self._counts)).text.partition(": ")[2]
        return ways + (f"; of the first: {why}" if why else "")
