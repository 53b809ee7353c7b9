"""Numbers and things in words."""

from __future__ import annotations

__all__ = ["Words", "count", "db", "joined", "noise_words", "number", "percent", "plural", "times"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latente.corruptions import Corruption, GaussianNoise, Masking, SaltAndPepper, Speckle, SwapNoise
from latente.data import Schema


def number(value: float) -> str:
    """Returns three significant digits, without an exponent where that is readable.

    Example:
        >>> number(7.914), number(68.77), number(1234.5), number(0.01234), number(1e-7)
        ('7.91', '68.8', '1,230', '0.0123', '1e-07')
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}".replace(".00e", "e")
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")  # 9.996 is 10.0, not 10.00
    return f"{rounded:,.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def count(value: int) -> str:
    """Returns an integer with its thousands apart, e.g. 2,837,296."""
    return f"{value:,}"


def percent(fraction: float) -> str:
    """Returns a fraction in per cent.

    Example:
        >>> percent(0.885), percent(0.0042), percent(0.99986)
        ('88%', '0.42%', '99.99%')
    """
    if fraction and abs(fraction) < 0.01:
        return f"{100 * fraction:.2g}%"
    return f"{100 * fraction:.2f}%" if 0.995 < fraction < 1 else f"{100 * fraction:.0f}%"


def times(ratio: float) -> str:
    """Returns a ratio, e.g. "1.32 times"."""
    return f"{ratio:.2f} times" if ratio < 10 else f"{number(ratio)} times"


def db(value: float) -> str:
    """Returns decibels, e.g. "19.5 dB"."""
    return f"{value:.1f} dB" if math.isfinite(value) else "∞ dB"


def plural(n: int, noun: str) -> str:
    """Returns "1 epoch", "2 epochs"."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def joined(items: Sequence[str]) -> str:
    """Returns "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def noise_words(corruption: Corruption | None) -> str:
    """Returns what a corruption does, in words; its repr where it is none of the usual ones.

    Example:
        >>> noise_words(SaltAndPepper((0.1, 0.3)))
        'salt and pepper on 10% to 30% of the values'
    """
    match corruption:
        case GaussianNoise(sigma=level):
            return f"Gaussian noise with a standard deviation of {_level(level, '{:g}')}"
        case Speckle(sigma=level):
            return f"speckle with a standard deviation of {_level(level, '{:g}')}"
        case SaltAndPepper(amount=level):
            return f"salt and pepper on {_level(level, '{:.0%}')} of the values"
        case Masking(amount=level):
            return f"masking of {_level(level, '{:.0%}')} of the values"
        case SwapNoise(amount=level):
            return f"{_level(level, '{:.0%}')} of the values swapped with those of other samples"
        case _:
            return repr(corruption)


def _level(level: Any, form: str) -> str:
    return " to ".join(form.format(value) for value in (level if isinstance(level, (tuple, list)) else (level,)))


@dataclass(frozen=True)
class Words:
    """What things of this data are called.

    Attributes:
        one: a sample, e.g. "image".
        many: samples.
        value: an element of a sample, e.g. "pixel".
        unit: of the squared error, e.g. "squared grey levels".
        scale: what one unit is, in words.
    """

    one: str
    many: str
    value: str
    unit: str
    scale: str

    @staticmethod
    def of(schema: Schema) -> Words:
        """Returns the words for the data that the schema describes."""
        one, value = {"image": ("image", "pixel"), "signal": ("signal", "point")}.get(schema.kind, ("row", "column"))
        if schema.kind == "image" and schema.sample_shape[0] > 1:
            value = "pixel and channel"
        if schema.scale == "standard":
            unit, scale = "squared standard deviations", f"each {_scaled_thing(schema)} scaled to variance 1"
        elif schema.bounds:
            low, high = (f"{bound:g}" for bound in schema.bounds)
            what = ("grey" if schema.sample_shape[0] == 1 else "colour") if schema.kind == "image" else "value"
            unit, scale = (
                f"squared {what} levels" if what != "value" else "squared values",
                f"{what} from {low} to {high}",
            )
        else:
            unit, scale = "squared values", "in the data's own units"
        return Words(one, f"{one}s", value, unit, scale)

    @property
    def per(self) -> str:
        """ "per image"."""
        return f"per {self.one}"

    @property
    def a(self) -> str:
        """The sample with its article, e.g. "an image"."""
        return f"an {self.one}" if self.one[0] in "aeiou" else f"a {self.one}"


def _scaled_thing(schema: Schema) -> str:
    return "column" if schema.kind == "table" else "channel"
