"""The architecture as a drawing: every layer as wide as it is."""

from __future__ import annotations

__all__ = ["draw_architecture"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from latente.report.html import Html, join, tag
from latente.report.layers import Layer

PITCH, TALL, TOP, SIDE, LINE = 50, 150, 26, 30, 17  # pixels: between layers, tallest layer, above, beside, of text


@dataclass(frozen=True)
class Box:
    """Where a layer is drawn: its middle and its size, in pixels."""

    x: float
    width: float
    height: float

    @property
    def top(self) -> float:
        return TOP + (TALL - self.height) / 2


def draw_architecture(layers: Sequence[Layer], corrupted: bool = False) -> Html:
    """Returns an <svg>: samples grey, encoder, code and decoder in their colours, heights after the number of values.

    Feature maps are as high as their longer side and as thick as they are many.

    Args:
        layers: from the sample to the reconstruction.
        corrupted: whether the sample is corrupted first while training.
    """
    drawn = [layers[0], *layers] if corrupted else list(layers)
    boxes = [_box(layer, i, layers) for i, layer in enumerate(drawn)]
    width = 2 * SIDE + PITCH * (len(drawn) - 1)
    lines = max(len(_lines(layer)) for layer in drawn)
    height = TOP + TALL + 12 + LINE * lines
    names = _names(drawn, corrupted)
    flows = [_flow(a, b) for a, b in pairwise(boxes)]
    if corrupted:
        flows[0] = _arrow(boxes[0], boxes[1])
    pieces = [_draw(layer, box, i) for i, (layer, box) in enumerate(zip(drawn, boxes, strict=True))]
    labels = [_label(layer, box, name) for layer, box, name in zip(drawn, boxes, names, strict=True)]
    if corrupted:  # x has the shape of x̃, which says it
        labels[0] = _name(boxes[0], names[0])
    alt = "From left to right: " + "; ".join(f"{layer.operation}: {layer.label}" for layer in layers)
    return tag(
        "svg", *flows, *pieces, *labels, viewBox=f"0 0 {width} {height}", role="img", aria_label=alt,
        class_="drawn", style=f"min-width:{0.68 * width:.0f}px;max-width:{1.5 * width:.0f}px",
    )  # fmt: skip


def _box(layer: Layer, i: int, layers: Sequence[Layer]) -> Box:
    x = SIDE + PITCH * i
    if len(layer.shape) > 1:
        longest = max(max(other.shape[1:], default=1) for other in layers if len(other.shape) > 1)
        height = TALL * (0.2 + 0.8 * max(layer.shape[1:]) / longest)
        return Box(x, 4 + 3 * math.log2(layer.shape[0]), height)
    most = max(other.values for other in layers)
    return Box(x, 8, max(6.0, TALL * math.log(layer.values + 1) / math.log(most + 1)))


def _draw(layer: Layer, box: Box, i: int) -> Html:
    """Draws a layer as a bar, or as overlapping sheets where it has channels."""
    role = "sample" if i == 0 else layer.role
    sheets = min(6, 1 + int(math.log2(layer.shape[0]))) if len(layer.shape) > 1 else 1
    if sheets == 1:
        return _bar(box.x - box.width / 2, box, role, box.width)
    step = box.width / sheets
    return join(_bar(box.x - box.width / 2 + step * n, box, f"{role} sheet", step + 2) for n in range(sheets))


def _bar(left: float, box: Box, role: str, width: float) -> Html:
    return tag("rect", x=f"{left:.1f}", y=f"{box.top:.1f}", width=f"{width:.1f}", height=f"{box.height:.1f}",
               class_=role, rx="1.5")  # fmt: skip


def _flow(a: Box, b: Box) -> Html:
    """Draws the funnel between two layers."""
    left, right = a.x + a.width / 2, b.x - b.width / 2
    points = [(left, a.top), (right, b.top), (right, b.top + b.height), (left, a.top + a.height)]
    return tag("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_="flow")


def _arrow(a: Box, b: Box) -> Html:
    """Draws the arrow of the corruption."""
    left, right, y = a.x + a.width / 2 + 5, b.x - b.width / 2 - 3, TOP + TALL / 2
    neck = right - 7
    corners = [(left, -2), (neck, -2), (neck, -7), (right, 0), (neck, 7), (neck, 2), (left, 2)]
    points = " ".join(f"{x:.1f},{y + dy:.1f}" for x, dy in corners)
    return tag("polygon", points=points, class_="sample")


def _names(drawn: Sequence[Layer], corrupted: bool) -> list[str]:
    """Returns what stands above each layer."""
    names = ["z" if layer.role == "code" else "" for layer in drawn]
    names[0], names[-1] = "x", "x̂"
    if corrupted:
        names[1] = "x̃"
    return names


def _label(layer: Layer, box: Box, name: str) -> Html:
    """Writes the name above a layer and its shape below: a number, or how many maps of which size."""
    below = [tag("text", line, x=f"{box.x:.1f}", y=TOP + TALL + 20 + LINE * n) for n, line in enumerate(_lines(layer))]
    return join([_name(box, name) if name else None, *below])


def _name(box: Box, name: str) -> Html:
    return tag("text", name, x=f"{box.x:.1f}", y=TOP - 10)


def _lines(layer: Layer) -> list[str]:
    """Returns what stands below a layer."""
    size, shape = "×".join(map(str, layer.shape[1:])), layer.shape
    if len(shape) < 2:
        return [str(layer.values)]
    return [size] if shape[0] == 1 else [f"{shape[0]} ×", size]
