"""How much may be lost: what the user states, and what it means for one set of values."""

from __future__ import annotations

__all__ = ["Bound", "Target", "six_digits"]

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from latente.codec.errors import AlteredError
from latente.codec.fields import take_number, take_text
from latente.parts import is_number

Mode = Literal["lossless", "absolute", "relative", "psnr", "snr", "quality"]
MODES = ("lossless", "absolute", "relative", "psnr", "snr", "quality")


@dataclass(frozen=True)
class Target:
    """What is allowed for one set of values; without either, they are kept exactly.

    Attributes:
        max_error: largest absolute error of a value.
        mse: largest mean squared error.

    Example:
        >>> Target().exact, Target(max_error=0.5).exact
        (True, False)
    """

    max_error: float | None = None
    mse: float | None = None

    @property
    def exact(self) -> bool:
        """Whether nothing may be lost."""
        return not self.max_error and not self.mse

    def of_those_there(self, share: float) -> Target:
        """Returns the target for values of which only a share is there, so that it holds for the mean of these.

        Args:
            share: in [0, 1]; the others stand in for what is missing.
        """
        return self if not self.mse or not share else replace(self, mse=self.mse * share)


@dataclass(frozen=True)
class Bound:
    """What the user allows to be lost.

    Attributes:
        mode: "lossless"; "absolute" and "relative" bound every error, the second in units of the range (the largest
            finite value less the smallest); "psnr" and "snr" bound the mean squared error, in decibels under the
            squared range or the mean square; "quality" in [0, 1] stands for a relative bound of 10^(-1 - 4 quality).
        value: the bound; 0 for "lossless".

    Raises:
        ValueError: for a mode or a value that makes no sense.

    Example:
        >>> Bound("relative", 0.01).target(low=0, high=50, power=1)
        Target(max_error=0.5, mse=None)
        >>> print(Bound("psnr", 60))
        PSNR of at least 60 dB
    """

    mode: Mode = "lossless"
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}")
        if self.mode == "relative" and is_number(self.value, low=1) and self.value > 1:
            raise ValueError(
                f"a relative max_error is at most 1, the whole range; got {self.value!r}. For an error in the data's "
                "own unit give relative=False (on the command line --absolute)"
            )
        high = 1 if self.mode == "quality" else 300 if self.mode in ("psnr", "snr") else math.inf
        if not is_number(self.value, 0, high):
            name = "max_error" if self.mode in ("absolute", "relative") else self.mode
            upper = "" if high == math.inf else f" and at most {high}"
            raise ValueError(f"{name} must be a finite number of at least 0{upper}; got {self.value!r}")

    @classmethod
    def of(
        cls,
        *,
        max_error: float | None = None,
        relative: bool = True,
        psnr: float | None = None,
        snr: float | None = None,
        quality: float | None = None,
        lossless: bool = False,
    ) -> Bound:
        """Returns the bound that these arguments state; without any it is lossless.

        Raises:
            ValueError: when they contradict each other, or a value makes no sense.

        Args:
            max_error: largest error of a value; 0 is lossless.
            relative: whether max_error is in units of the range.
            psnr: peak signal-to-noise ratio in dB.
            snr: signal-to-noise ratio in dB.
            quality: in [0, 1].
            lossless: whether nothing may be lost.
        """
        given = {"max_error": max_error, "psnr": psnr, "snr": snr, "quality": quality, "lossless": lossless or None}
        stated = {name: value for name, value in given.items() if value is not None}
        if len(stated) > 1:
            raise ValueError(f"state one bound only; got {' and '.join(stated)}. Leave out all but one")
        if max_error is not None:
            return cls("relative" if relative else "absolute", max_error)
        for mode, value in (("psnr", psnr), ("snr", snr), ("quality", quality)):
            if value is not None:
                return cls(mode, value)  # type: ignore[arg-type]
        return cls()

    @property
    def lossless(self) -> bool:
        """Whether nothing may be lost."""
        return self.mode == "lossless" or (self.mode in ("absolute", "relative") and self.value == 0)

    def target(self, low: float, high: float, power: float) -> Target:
        """Returns what the bound means for values; nothing may be lost where they have no range.

        Args:
            low: the smallest finite value.
            high: the largest.
            power: the mean square of the finite values.
        """
        span = high - low
        if self.lossless or not span > 0:
            return Target()
        if self.mode == "absolute":
            return Target(max_error=self.value)
        if self.mode in ("relative", "quality"):
            share = self.value if self.mode == "relative" else 10 ** (-1 - 4 * self.value)
            error = share * span if math.isfinite(span) else share * high - share * low
            return Target(max_error=error) if math.isfinite(error) else Target()
        top = span * span if self.mode == "psnr" else power
        mse = top / 10 ** (self.value / 10)
        return Target(mse=mse) if math.isfinite(mse) and mse > 0 else Target()

    def to_json(self) -> list[Any]:
        """Returns the bound as a file's header holds it."""
        return [self.mode, self.value]

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Bound:
        """Returns the bound in a header's field "bound"; raises AlteredError for anything else."""
        stated = fields.get("bound")
        if not isinstance(stated, list) or len(stated) != 2:
            raise AlteredError("the header's 'bound' must be a mode and a value")
        named = dict(zip(("bound", "value"), stated, strict=True))
        mode, value = take_text(named, "bound", MODES), take_number(named, "value", 0)
        try:
            return cls(mode, value)  # type: ignore[arg-type]
        except ValueError as error:
            raise AlteredError(f"the header's 'bound' makes no sense: {error}") from error

    def __str__(self) -> str:
        return {
            "lossless": "lossless",
            "absolute": f"error of at most {self.value:g}",
            "relative": f"error of at most {self.value:g} of the range",
            "psnr": f"PSNR of at least {self.value:g} dB",
            "snr": f"SNR of at least {self.value:g} dB",
            "quality": f"quality {self.value:g} (error of at most {10 ** (-1 - 4 * self.value):.3g} of the range)",
        }[self.mode if not self.lossless else "lossless"]


def six_digits(error: float) -> float:
    """Returns an error in six digits, never less than it is, so that what is within it is so as shown, too.

    Example:
        >>> six_digits(0.1234561), six_digits(0.25)
        (0.123457, 0.25)
    """
    shown = float(f"{error:.6g}")
    return shown if shown >= error else float(f"{error + 10.0 ** (math.floor(math.log10(error)) - 5):.6g}")
