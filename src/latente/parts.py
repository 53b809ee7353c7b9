"""Value objects: the small descriptions from which an autoencoder is built.

A part (a network, a corruption, a bottleneck, ...) is a dataclass that only stores what it was given. It compares by
value, its repr recreates it, it has scikit-learn's `get_params` and `set_params`, a short string names it
(`"salt_and_pepper:0.25"`), and it goes to JSON and back. What it describes is made when a model is fitted.
"""

from __future__ import annotations

__all__ = ["Part", "did_you_mean", "is_integer", "is_number", "resolve"]

import dataclasses
import difflib
import math
import numbers
import os
import re
from collections.abc import Iterable
from typing import Any, ClassVar, Self, TypeVar

P = TypeVar("P", bound="Part")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns " Did you mean 'x'?" for the nearest known word, or an empty string.

    Example:
        >>> did_you_mean("gausian", ["gaussian", "masking"])
        " Did you mean 'gaussian'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    """Returns whether the value is a finite number, Python's or numpy's, in [low, high]; True and False are none.

    Example:
        >>> [is_number(value, low=0) for value in (0.5, -1, "0.5", float("nan"), True)]
        [True, False, False, False, False]
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value) and low <= value <= high


def is_integer(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    """Returns whether the value is an integer, Python's or numpy's, in [low, high]; True and False are none.

    Args:
        value: anything.
        low: the smallest that is allowed.
        high: the largest.

    Example:
        >>> [is_integer(value, low=1) for value in (3, 0, 2.0, True)]
        [True, False, False, False]
    """
    return isinstance(value, numbers.Integral) and is_number(value, low, high)


class Part:
    """The base of every value object.

    A subclass declared with `family="..."` opens a family with a registry of its own; one declared with `name="..."`
    is a member that a short string can name. Members are dataclasses.

    Example:
        >>> from latente.corruptions import Corruption, SaltAndPepper
        >>> Corruption.from_string("salt_and_pepper:0.25")
        SaltAndPepper(amount=0.25, low=None, high=None)
        >>> SaltAndPepper(0.25) == Corruption.from_string("salt_and_pepper:amount=0.25")
        True
    """

    family: ClassVar[str] = ""
    short_name: ClassVar[str] = ""
    variadic: ClassVar[bool] = False  # the short string's positional values all go to the first field
    registry: ClassVar[dict[str, type[Part]]] = {}
    families: ClassVar[dict[str, type[Part]]] = {}

    def __init_subclass__(cls, *, family: str | None = None, name: str | None = None) -> None:
        super().__init_subclass__()
        if family is not None:
            cls.family, cls.registry = family, {}
            Part.families[family] = cls
        if name is not None:
            cls.short_name = name
            cls.registry[name] = cls

    @classmethod
    def field_names(cls) -> list[str]:
        """Returns the names of the constructor's arguments, in their order."""
        return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the constructor's arguments by name; with `deep`, also those of nested parts as `name__argument`."""
        params = {name: getattr(self, name) for name in self.field_names()}
        if deep:
            for name, value in list(params.items()):
                if isinstance(value, Part):
                    params |= {f"{name}__{key}": inner for key, inner in value.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Sets constructor arguments by name (`name__argument` for those of a nested part) and returns self.

        Args:
            params: by name.

        Raises:
            ValueError: for a name that is no argument of this part, or one inside an argument that is no part.
        """
        for key, value in sorted(params.items(), key=lambda item: "__" in item[0]):  # a new part before what is in it
            name, _, rest = key.partition("__")
            if name not in self.field_names():
                known = ", ".join(self.field_names()) or "none"
                hint = did_you_mean(name, self.field_names())
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has: {known}.{hint}")
            if not rest:
                setattr(self, name, value)
                continue
            inner = getattr(self, name)
            if not isinstance(inner, Part):
                raise ValueError(f"{type(self).__name__}: {name} is {inner!r}, which has no {rest!r}; set {name} first")
            inner.set_params(**{rest: value})
        return self

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Makes a member of this family from its short string.

        The form is `name`, `name:value,value` or `name:argument=value,...`; `a..b` is a range (a, b).

        Args:
            text: the short string.

        Raises:
            ValueError: for an unknown name or argument, with the names that exist, or an argument that is given twice.
        """
        name, _, rest = text.strip().partition(":")
        name = name.strip().lower().replace("-", "_")
        if name not in cls.registry:
            known = ", ".join(sorted(cls.registry))
            raise ValueError(f"unknown {cls.family} {name!r}; known: {known}.{did_you_mean(name, cls.registry)}")
        part_class = cls.registry[name]
        return part_class(**_arguments(part_class, text, rest))  # type: ignore[return-value]

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready description; functions and modules are recorded by name only."""
        params = {key: _to_json(value) for key, value in self.get_params(deep=False).items()}
        return {"part": self.family, "name": self.short_name, "params": params}

    @staticmethod
    def from_dict(description: dict[str, Any]) -> Part:
        """Makes the part that `to_dict` described; sequences come back as tuples, functions and modules as None.

        Args:
            description: that dictionary.

        Raises:
            ValueError: for a family, name or argument that this version does not know.
        """
        family = Part.families.get(str(description.get("part")))
        part_class = family.registry.get(str(description.get("name"))) if family else None
        if part_class is None:
            raise ValueError(f"unknown part {description.get('part')!r} / {description.get('name')!r} in the file")
        params = {key: _from_json(value) for key, value in description.get("params", {}).items()}
        unknown = set(params) - set(part_class.field_names())
        if unknown:
            raise ValueError(f"{part_class.__name__} has no parameter {sorted(unknown)[0]!r}; the file names it")
        return part_class(**params)


def resolve(value: Any, family: type[P], default: P | None = None) -> P | None:
    """Returns the part that the user meant: a part as it is, the default for None, a string parsed.

    Raises:
        TypeError: for anything else, with what is allowed.
        ValueError: for a string that names no part of the family.

    Args:
        value: a part, a short string or None.
        family: the base class of what is allowed.
        default: for None.

    Example:
        >>> from latente.corruptions import Corruption
        >>> resolve("gaussian:0.3", Corruption), resolve(None, Corruption)
        (GaussianNoise(sigma=0.3, clip=False), None)
    """
    if value is None:
        return default
    if isinstance(value, str):
        return family.from_string(value)
    if isinstance(value, family):
        return value
    known = ", ".join(sorted(part.__name__ for part in family.registry.values()))
    if len(family.registry) == 1:
        raise TypeError(
            f"{family.family} must be {known}(...) (an instance, not a class), its short string or None; got {value!r}"
        )
    raise TypeError(
        f"{family.family} must be one of {known} (an instance, not a class), or a short string such as "
        f"{next(iter(family.registry), '')!r}; got {value!r}"
    )


def _arguments(part_class: type[Part], text: str, rest: str) -> dict[str, Any]:
    """Reads the arguments after the colon of a short string."""
    fields = part_class.field_names()
    tokens = [token.strip() for token in rest.split(",") if token.strip()]
    positional = [_literal(token) for token in tokens if "=" not in token]
    arguments: dict[str, Any] = {}
    if positional and part_class.variadic:
        arguments[fields[0]] = tuple(positional)
    elif len(positional) > len(fields):
        raise ValueError(f"{text!r} gives {len(positional)} values; {part_class.short_name!r} takes {len(fields)}")
    else:
        arguments |= dict(zip(fields, positional, strict=False))
    for token in tokens:
        key, equals, value = (piece.strip() for piece in token.partition("="))
        if equals and key not in fields:
            hint = did_you_mean(key, fields)
            known = ", ".join(fields) or "no arguments"
            raise ValueError(f"{text!r}: {part_class.short_name!r} has no argument {key!r}; it has {known}.{hint}")
        if equals and key in arguments:
            raise ValueError(f"{text!r} gives {key!r} twice")
        if equals:
            arguments[key] = _literal(value)
    return arguments


def _literal(text: str) -> Any:
    """Reads a number, a range a..b, true, false or none; anything else stays a string."""
    if ".." in text:
        low, _, high = text.partition("..")
        return (_literal(low), _literal(high))
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _to_json(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a numpy scalar
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return {"object": f"{type(value).__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}"}


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return Part.from_dict(value) if "part" in value else None
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    return value
