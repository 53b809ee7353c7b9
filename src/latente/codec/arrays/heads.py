"""Headers as few bytes: JSON, deflated with a dictionary of what headers usually hold."""

from __future__ import annotations

__all__ = ["pack_head", "unpack_head"]

import json
from typing import Any

from latente.codec.deflate import deflated, inflated

MOST = 1 << 24  # bytes of JSON
# The likeliest strings stand last. It belongs to version 1 of the format and never changes.
TYPICAL = (
    b'{"kind":"special","lengths":{"mask":,"special":{"kind":"constant","lengths":{"value":{"kind":"bytes","lengths":'
    b'{"bytes":"kind":"palette","colours":"palette":"kind":"integers","base":0,"kind":"steps","base":0.0,"d":1.0,'
    b'"kind":"bits","first":"plan":"lorenzo","unit":"offset":"ratio":"chosen":"patches":,"alone":0,"alone":1,'
    b'"kind":"real","plan":"transform","offset":0.0,"bound":0.0,"ratio":2.3,"trials":{"t":0.,"m":0.,"m0":0.,"l":0.},'
    b'"lengths":{"coefficients":,"bands":,"corrections":0}'
    b'"kind":"real","plan":"autoencoder","scale":,"dims":0,"share":0.0,"inner":{"plan":"multilevel","low":0.0,"bound":0.'
    b'},"check":"trials":{"a":0.,"am":0."lengths":{"codes":8,"residuals":,"factors":0,"weights":0}'
    b'"kind":"real","plan":"multilevel","low":0,"bound":0.,"lengths":{"mean residuals":,"mean factors":0,'
    b'"mean weights":0,"residuals":,"factors":,"weights":}}]}'
    b'{"dtype":"<i4","<u1","<f8","<f4","shape":[1024,"bound":[0.0001,0.01,0.001,true,null],"error":0.0,"blocks":[{'
)


def pack_head(head: dict[str, Any]) -> bytes:
    """A header as bytes.

    Example:
        >>> unpack_head(pack_head({"shape": [3, 4]}))
        {'shape': [3, 4]}
    """
    return deflated(json.dumps(head, separators=(",", ":"), allow_nan=False).encode(), TYPICAL)


def unpack_head(data: bytes) -> dict[str, Any]:
    """The inverse of `pack_head`.

    Raises:
        ValueError: when the bytes are none of a header.
    """
    try:
        text = inflated(data, MOST, TYPICAL)
    except ValueError as error:
        raise ValueError(f"the array's header is damaged: {error}") from error
    head = json.loads(text) if len(text) <= MOST else None
    if not isinstance(head, dict):
        raise ValueError("the array's header is damaged or too large")
    return head
