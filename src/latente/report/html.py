"""Markup from small pieces. Plain strings are text and are escaped; only `Html` is taken as it is."""

from __future__ import annotations

__all__ = ["Html", "breakable", "join", "tag", "text"]

import html
from collections.abc import Iterable


class Html(str):
    """A string that is markup already."""

    __slots__ = ()


VOID = frozenset({"br", "img", "meta"})


def text(value: object) -> Html:
    """Returns the value as text: markup stays, the rest is escaped, without characters that no page may hold."""
    if isinstance(value, Html):
        return value
    kept = "".join(c for c in str(value) if c in "\t\n" or ord(c) >= 32)
    return Html(html.escape(kept, quote=True))


def breakable(name: str) -> Html:
    """Returns a name that may be broken after its underscores, points, slashes and hyphens.

    Example:
        >>> breakable("a_b<")
        'a_<wbr>b&lt;'
    """
    return Html("".join(text(c) + ("<wbr>" if c in "_./-" else "") for c in name))


def join(pieces: Iterable[object], between: str = "") -> Html:
    """Returns the pieces one after the other, those that are None left out."""
    return Html(between.join(text(piece) for piece in pieces if piece is not None))


def tag(name: str, /, *children: object, **attributes: str | int | float | bool | None) -> Html:
    """Returns an element.

    Args:
        name: of the element.
        children: text (escaped), markup, or None (left out).
        attributes: `class_` stands for class, `_` for `-`; None and False are left out, True is written bare.

    Example:
        >>> tag("p", "a < b", tag("b", "!"), class_="note")
        '<p class="note">a &lt; b<b>!</b></p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    opening = f"<{name}{written}>"
    return Html(opening if name in VOID else f"{opening}{join(children)}</{name}>")


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(value)}"'
