"""Reading a header's fields: what is missing or of another form is an `AlteredError`, never a surprise later on."""

from __future__ import annotations

__all__ = ["take_integer", "take_list", "take_number", "take_object", "take_text"]

import math
from collections.abc import Collection, Mapping
from typing import Any

from latente.codec.errors import AlteredError
from latente.parts import is_integer, is_number


def take_integer(fields: Mapping[str, Any], name: str, low: int = 0, high: int = (1 << 63) - 1) -> int:
    """Returns an integer in [low, high].

    Args:
        fields: the header, or an object in it.
        name: of the field.
        low: the smallest that is allowed.
        high: the largest.

    Raises:
        AlteredError: when it is missing or anything else.

    Example:
        >>> take_integer({"rows": 3}, "rows", 1)
        3
    """
    value = _take(fields, name)
    if not is_integer(value, low, high):
        raise AlteredError(f"the header's {name!r} must be an integer in [{low}, {high}]; got {_short(value)}")
    return value


def take_number(fields: Mapping[str, Any], name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Returns a finite number in [low, high]; see `take_integer`.

    Example:
        >>> take_number({"bound": 0.5}, "bound", 0)
        0.5
    """
    value = _take(fields, name)
    if not is_number(value, low, high):
        raise AlteredError(f"the header's {name!r} must be a number in [{low}, {high}]; got {_short(value)}")
    return float(value)


def take_text(fields: Mapping[str, Any], name: str, allowed: Collection[str] = ()) -> str:
    """Returns a text, one of the allowed ones where there are any; see `take_integer`.

    Example:
        >>> take_text({"mode": "a"}, "mode", ("a", "b"))
        'a'
    """
    value = _take(fields, name)
    if not isinstance(value, str) or (allowed and value not in allowed):
        wanted = f"one of {', '.join(map(repr, allowed))}" if allowed else "a text"
        raise AlteredError(f"the header's {name!r} must be {wanted}; got {_short(value)}")
    return value


def take_list(fields: Mapping[str, Any], name: str, kind: type | tuple[type, ...], longest: int = 1 << 20) -> list[Any]:
    """Returns a list whose items are all of one kind; True and False are no numbers. See `take_integer`.

    Example:
        >>> take_list({"shape": [2, 3]}, "shape", int)
        [2, 3]
    """
    value = _take(fields, name)
    if not isinstance(value, list) or len(value) > longest or not all(_is(item, kind) for item in value):
        raise AlteredError(f"the header's {name!r} is not the list that it must be; got {_short(value)}")
    return value


def take_object(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Returns an object of fields; see `take_integer`.

    Example:
        >>> take_object({"array": {"rows": 3}}, "array")
        {'rows': 3}
    """
    value = _take(fields, name)
    if not isinstance(value, dict):
        raise AlteredError(f"the header's {name!r} must be an object; got {_short(value)}")
    return value


def _is(item: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(item, kind) and (not isinstance(item, bool) or kind is bool)


def _take(fields: Mapping[str, Any], name: str) -> Any:
    if name not in fields:
        raise AlteredError(f"the header lacks {name!r}")
    return fields[name]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
