"""The context model in integers: the same numbers on every machine, so that the decoder finds what the encoder coded.

`context_tensors` makes the integers of a trained `ContextModel`, once; a model stores them. `IntegerContext` runs them.
Means are in 1/64 of a step, scales are one of 64 tables, a symbol is a coefficient less its mean, rounded.
"""

from __future__ import annotations

__all__ = ["QUALITIES", "VALUE_BITS", "Decoded", "IntegerContext", "asinh_table", "context_tensors"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.context import TAPS, WIDTH, ContextModel
from latente.codec.images.exact import UNITS, Affine, Layer, Numbers, Table, to_fixed
from latente.codec.images.lapped import CHANNELS
from latente.codec.images.places import Seen, places
from latente.codec.images.quality import ANCHORS
from latente.codec.images.steps import MEANS, STEPS, Step
from latente.codec.images.tables import SCALES, Tables, tables_of

PARTS = 256  # qualities from one anchor to the next
QUALITIES = PARTS * (ANCHORS - 1)  # a stream's quality is one of 0 ... QUALITIES
VALUE_BITS = 6  # means, and so coefficients, are in 1/64
ASINH = 1 << 15  # entries of the table: coefficients up to 512 steps
STATE, HIDDEN, VALUE = 1 << 22, 1 << 24, 1 << 19  # magnitudes to which states, hidden features, coefficients are cut
STRIP = 1 << 17  # numbers of gathered features at a time
LOW, SPAN = -18432, 47104  # log2 of the smallest scale, 2^-4.5, and from there to the largest, 2^7, in 1/4096
Coder = Callable[[Numbers, NDArray[np.uint8], int, NDArray[np.intp]], NDArray[np.int64]]


def context_tensors(model: ContextModel, counts: NDArray[Any] | None = None) -> dict[str, NDArray[Any]]:
    """Returns the integers that a model stores of a trained context model.

    Args:
        model: with real weights.
        counts: of symbols like those that will come, see `tables_of`.
    """
    real: dict[str, Any] = {name: tensor.detach().double().cpu().numpy() for name, tensor in model.state_dict().items()}
    frequencies, reach = tables_of(counts)
    asinh = to_fixed(np.arcsinh(np.arange(ASINH) / 2.0**VALUE_BITS)).astype(np.uint16)
    found: dict[str, Any] = {"start": to_fixed(real["start.rows"]).astype(np.int32), "asinh": asinh}
    found |= {"frequencies": frequencies, "reach": reach}
    for name in sorted(real):
        if name.endswith(".weight"):
            prefix = name.removesuffix(".weight")
            weight = real[name][:, :, 0, 0] if real[name].shape[2:] == (1, 1) else real[name]
            found |= Layer.of(weight, real.get(f"{prefix}.bias")).tensors(prefix)
    return {f"context.{name}": tensor for name, tensor in found.items()}


def asinh_table(values: NDArray[Any]) -> Table:
    """Returns the logarithms of coefficients that a model stores; raises ValueError for anything else.

    Args:
        values: uint16, (ASINH,).
    """
    if values.dtype != np.uint16 or values.shape != (ASINH,):
        raise ValueError("the model's table of logarithms is not one")
    return Table(values)


class _Head:
    """Means (in 1/64) and tables of a step's coefficients; see `context._Head`."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], k: int) -> None:
        read = {name: Layer.read(tensors, f"context.heads.{k}.{name}") for name in ("hidden", "out", "direct")}
        self.hidden = Affine(read["hidden"], STATE, HIDDEN, relu=True)
        self.out, self.direct = Affine(read["out"], self.hidden.bound), Affine(read["direct"], STATE)
        size = len(STEPS[k].channels)
        wanted = {"hidden": (WIDTH, WIDTH), "out": (2 * size, WIDTH), "direct": (size, WIDTH)}
        for name, shape in wanted.items():
            if read[name].weight.shape != shape:
                raise ValueError(f"the model's head {k} has a weight {read[name].weight.shape}; wanted {shape}")
        if self.out.bound + self.direct.bound >= 1 << 50:
            raise ValueError("the model's means are too large to be exact")

    def __call__(self, state: Numbers) -> tuple[Numbers, NDArray[np.uint8]]:
        found = self.out(self.hidden(np.maximum(state, 0.0)))
        channels = found.shape[1] // 2
        mean = found[:, :channels] + self.direct(state)
        mean *= 2.0 ** (VALUE_BITS - UNITS)
        mean += 0.5
        np.floor(mean, out=mean)
        np.clip(mean, -VALUE, VALUE, out=mean)
        scale = np.clip(found[:, channels:] - LOW, 0, SPAN).astype(np.int32)  # nearest of equal parts of the span
        return mean, ((scale * (2 * (SCALES - 1)) + SPAN) // (2 * SPAN)).astype(np.uint8)


class _Update:
    """What coefficients that became known add to the state; see `context._Update`."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], k: int, asinh: Table) -> None:
        self.layer, self.asinh = Layer.read(tensors, f"context.updates.{k}.conv"), asinh
        self.linear = STEPS[k].channels == MEANS
        c, size = len(STEPS[k].channels), TAPS[not self.linear]
        limits = [asinh.bound] * 2 * c + [VALUE << (UNITS - VALUE_BITS - 3)] * (c if self.linear else 0)
        if self.layer.weight.shape != (WIDTH, len(limits), size, size):
            raise ValueError(f"the model's update {k} has a weight of shape {self.layer.weight.shape}")
        self.limits, self._affines = np.array(limits), dict[tuple[tuple[int, int], ...], Affine]()

    def features(self, values: Numbers) -> Numbers:
        """(m + 1, features) of coefficients (m, channels) in 1/64; the last row is that of nothing."""
        m, c = values.shape
        found = np.zeros((m + 1, len(self.limits)))
        cut = np.clip(values, -VALUE, VALUE)
        magnitude = self.asinh(np.abs(cut))
        np.copysign(magnitude, cut, out=found[:m, :c])
        found[:m, c : 2 * c] = magnitude
        if self.linear:
            np.multiply(cut, 2.0 ** (UNITS - VALUE_BITS - 3), out=found[:m, 2 * c :])
        return found

    def affine(self, taps: tuple[tuple[int, int], ...]) -> Affine:
        """The layer for positions that see something through these taps."""
        if taps not in self._affines:
            weight = np.stack([self.layer.weight[:, :, u, v] for u, v in taps], axis=1).reshape(WIDTH, -1)
            flat = Layer(weight, self.layer.bias, self.layer.shift)
            self._affines[taps] = Affine(flat, np.tile(self.limits, len(taps)))
        return self._affines[taps]

    def add(self, state: Numbers, values: Numbers, seen: tuple[Seen, ...]) -> None:
        """Adds what coefficients say to the state, in place."""
        features = self.features(values)
        for group in seen:
            affine = self.affine(group.taps)
            rows = max(1, STRIP // len(affine.weight))
            for start in range(0, len(group.positions), rows):
                part = slice(start, start + rows)
                at = group.positions[part]
                gathered = np.take(features, group.coded[part], axis=0).reshape(len(at), -1)
                total = affine(gathered)
                total += state[at]
                state[at] = np.clip(total, -STATE, STATE, out=total)


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the context model knows at the end.

    Attributes:
        values: float32, (n, CHANNELS, h, w): coefficients in steps.
        state: float32, (n, WIDTH, h, w).
    """

    values: NDArray[np.float32]
    state: NDArray[np.float32]


class IntegerContext:
    """Runs the steps of a context model in integers, for the encoder and the decoder alike.

    Args:
        tensors: of a model, as `context_tensors` made them.

    Attributes:
        tables: with which symbols are coded.

    Raises:
        KeyError, ValueError: for tensors that are no context model, or whose sums might not be exact.

    Example:
        >>> context = IntegerContext(context_tensors(ContextModel()))
        >>> def nothing(mean, which, step, positions):  # a coder of zeros only
        ...     return np.zeros(mean.shape, np.int64)
        >>> context.run(1, 4, 6, QUALITIES // 2, nothing).values.shape
        (1, 120, 4, 6)
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        start = tensors["context.start"]
        self.start = start.astype(np.int64)
        if start.dtype != np.int32 or start.shape != (ANCHORS, WIDTH) or np.abs(self.start).max() > STATE:
            raise ValueError("the model's first state is not one of integers")
        self.tables = Tables(tensors["context.frequencies"], tensors["context.reach"])
        asinh = asinh_table(tensors["context.asinh"])
        self.heads = [_Head(tensors, k) for k in range(len(STEPS))]
        self.updates = [_Update(tensors, k, asinh) for k in range(len(STEPS) - 1)]

    def first(self, quality: int) -> Numbers:
        """The state (WIDTH,) before anything is known.

        Args:
            quality: from 0 to QUALITIES.
        """
        below = min(quality // PARTS, ANCHORS - 2)
        share = quality - below * PARTS
        row = self.start[below] * (PARTS - share) + self.start[below + 1] * share
        return ((row + PARTS // 2) // PARTS).astype(np.float64)

    def run(self, n: int, height: int, width: int, quality: int, coder: Coder) -> Decoded:
        """Returns all coefficients and the state.

        Args:
            n: pictures.
            height: of their grids.
            width: of their grids.
            quality: from 0 to QUALITIES.
            coder: called for each step with means in 1/64, tables, the step's number and its positions, (m, channels)
                and (m,); returns the symbols (m, channels).
        """
        state = np.tile(self.first(quality), (n * height * width, 1))
        values = np.zeros((n * height * width, CHANNELS), np.float32)
        for k, (step, place) in enumerate(zip(STEPS, places(n, height, width), strict=True)):
            if not len(place.positions):
                continue
            mean, which = self.heads[k](state[place.positions])
            symbols = coder(mean, which, k, place.positions)
            known: Numbers = mean + symbols * 2.0**VALUE_BITS
            _store(values, place.positions, step, known)
            if k < len(self.updates):
                self.updates[k].add(state, known, place.seen)
        shape = (n, height, width, -1)
        state *= 2.0**-UNITS
        rows = [part.reshape(shape).transpose(0, 3, 1, 2) for part in (values, state)]
        return Decoded(*(np.ascontiguousarray(part, dtype=np.float32) for part in rows))


def _store(values: NDArray[np.float32], positions: NDArray[np.intp], step: Step, known: Numbers) -> None:
    """Puts coefficients in 1/64 to their places, in steps."""
    values[positions[:, None], np.array(step.channels)] = known * 2.0**-VALUE_BITS
