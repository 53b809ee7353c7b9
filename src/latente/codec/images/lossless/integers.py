"""The networks in integers: encoder and decoder get the very same numbers on any machine.

Products of matrices are numpy's, of whole numbers in float32: at build it is checked that no sum of products, in
whatever order it is formed, reaches 2^24, below which float32 holds every integer. Sums become steps of an activation
by one product with a stored float32 factor and a rounding, each a single operation that IEEE 754 defines to the bit.
"""

from __future__ import annotations

__all__ = ["StepIntegers", "tensors_of"]

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.lossless.classes import FRACTION, SCALES
from latente.codec.images.lossless.lattice import Step
from latente.codec.images.lossless.units import ACTIVATION, GAIN, SLOW, UNIT, WEIGHT

if TYPE_CHECKING:
    from latente.codec.images.lossless.network import StepNetwork

EXACT = 1 << 24
FINE = 12  # bits behind the point of linear means
FAR = 511  # magnitude of what is left of a colour, as another one sees it
MOST_WIDTH = 512  # hidden units
REACH = 510  # magnitude of a difference of two pixels of a plane
BLOCK = 1 << 13  # positions at a time
Numbers = NDArray[np.float32]
Integers = NDArray[np.int64]


def _quantised(weight: Any) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Integers of a unit's weights, and the step of each unit."""
    real = weight.detach().double().flatten(1).numpy()
    step = np.maximum(np.abs(real).max(1), 1e-9) / WEIGHT
    return np.rint(real / step[:, None]).astype(np.int8), step


def tensors_of(network: StepNetwork, prefix: str) -> dict[str, NDArray[Any]]:
    """Returns the integers of a step's network, by name.

    Args:
        network: trained.
        prefix: of the names.
    """
    import torch

    weights, step = _quantised(torch.cat([w.flatten(1) for w in network.windows], dim=1))
    # each window's weights were rounded with a step of their own while training; one step for all is what is stored
    bias = network.bias.detach().double().numpy()
    if network.places is not None:
        bias = bias[:, None, None] + network.places.detach().double().numpy()
    unit = (step / UNIT).reshape(-1, *[1] * (bias.ndim - 1))
    direct = torch.cat([d.flatten(1) for d in network.direct], dim=1).detach().double().numpy() * SLOW
    found: dict[str, NDArray[Any]] = {
        "first.weight": weights, "first.bias": np.rint(bias / unit).astype(np.int32),
        "first.factor": (step / UNIT * ACTIVATION).astype(np.float32),
        "direct": np.clip(np.rint(direct * 2**FINE), -16000, 16000).astype(np.int16),
    }  # fmt: skip
    layers = {"second": network.second} | {f"hidden{c + 1}": layer for c, layer in enumerate(network.hidden)}
    for name, layer in layers.items():
        weights, step = _quantised(layer.weight)
        rounded = layer.bias.detach().double().numpy() * ACTIVATION / step  # type: ignore[operator]
        bias = np.rint(rounded).astype(np.int32)
        found |= {f"{name}.weight": weights, f"{name}.bias": bias, f"{name}.factor": step.astype(np.float32)}
    for c, layer in enumerate(network.heads):
        weights, step = _quantised(layer.weight)
        units = np.array([2.0**FINE, 4, 2 / np.log(2)])[: len(step)]  # of mean, log2 of scale, log odds of the spike
        zero = np.array([0.0, 16, 16])[: len(step)]
        found[f"head{c}.weight"] = weights
        found[f"head{c}.factor"] = (step / ACTIVATION * units).astype(np.float32)
        offset = layer.bias.detach().double().numpy()  # type: ignore[operator]
        found[f"head{c}.bias"] = (offset * units + zero).astype(np.float32)
    for c, slope in enumerate(network.slopes):
        found[f"slope{c + 1}"] = np.rint(slope.detach().double().numpy() * 2**FINE).astype(np.int32)
    return {prefix + name: tensor for name, tensor in found.items()}


class _Dense:
    """floor(W x + b), exact."""

    def __init__(self, weight: NDArray[np.int8], largest: Sequence[int] | int, bias: Any = 0) -> None:
        limits = np.broadcast_to(np.asarray(largest, np.float64), weight.shape[1:])
        added = np.abs(np.asarray(bias, np.float64)).max(initial=0.0)  # of int32, INT_MIN would stay negative
        reached = (np.abs(weight.astype(np.float64)) @ limits).max(initial=0.0) + added
        if not reached < EXACT:
            raise ValueError(f"a layer's sums may reach {reached:.3g}, but are exact only below 2^24")
        self.weight = weight.astype(np.float32)
        self.bias = np.asarray(bias, np.float32)

    def __call__(self, x: Numbers) -> Numbers:
        return np.matmul(self.weight, x)


def _activated(sums: Numbers, factor: Numbers) -> Numbers:
    """Sums (units, positions) as steps of activations, in place."""
    sums *= factor[:, None]
    np.rint(sums, out=sums)
    return np.clip(sums, 0, ACTIVATION, out=sums)


def _check(got: Mapping[str, NDArray[Any]], step: Step, colours: int, prefix: str) -> None:
    """Raises ValueError where a network's tensors have other shapes or types than are wanted."""
    width, taps = len(got["first.weight"]), colours * sum(w.shape[0] * w.shape[1] for w in step.windows)
    bias, outputs = got["first.bias"].shape, len(got["head0.weight"])
    if not 0 < width <= MOST_WIDTH:
        raise ValueError(f"the model's {prefix}first.weight has {width} units; at most {MOST_WIDTH} are allowed")
    wanted: dict[str, tuple[Any, tuple[int, ...]]] = {
        "first.weight": (np.int8, (width, taps)), "first.factor": (np.float32, (width,)),
        "first.bias": (np.int32, (width, *bias[1:3])), "direct": (np.int16, (colours, taps)),
        "second.weight": (np.int8, (width, width)), "second.bias": (np.int32, (width,)),
        "second.factor": (np.float32, (width,)),
    }  # fmt: skip
    for c in range(colours):
        inputs, rows = (width // 2, 2) if c else (width, min(max(outputs, 2), 3))
        wanted[f"head{c}.weight"] = (np.int8, (rows, inputs))
        wanted |= {f"head{c}.{name}": (np.float32, (rows,)) for name in ("factor", "bias")}
        if c:
            wanted[f"hidden{c}.weight"] = (np.int8, (inputs, width + 2 * c))
            wanted[f"hidden{c}.bias"], wanted[f"hidden{c}.factor"] = (np.int32, (inputs,)), (np.float32, (inputs,))
            wanted[f"slope{c}"] = (np.int32, (c,))
    for name, (dtype, shape) in wanted.items():
        if got[name].dtype != dtype or got[name].shape != shape:
            raise ValueError(f"the model's {prefix}{name} is {got[name].dtype} {got[name].shape}; wanted {shape}")


class StepIntegers:
    """A step's network.

    Args:
        step: of a level.
        tensors: of the model.
        prefix: of their names.
        colours: 1 or 3.

    Raises:
        KeyError: when one is missing.
        ValueError: when one has a wrong shape, or a sum could be inexact.
    """

    def __init__(self, step: Step, tensors: Mapping[str, NDArray[Any]], prefix: str, colours: int) -> None:
        self.step, self.colours = step, colours
        got = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        _check(got, step, colours, prefix)
        first, direct = got["first.weight"], got["direct"].astype(np.int64)
        high = (direct + 64) >> 7
        rows = np.concatenate([first.astype(np.int64), high, direct - (high << 7)])
        if np.abs(rows).max() > WEIGHT:
            raise ValueError(f"the model's network {prefix!r} has weights out of range")
        self.width, bias = len(first), got["first.bias"]
        self.first = _Dense(rows.astype(np.int8), REACH, bias)
        self.places = bias.ndim == 3
        self.factor = got["first.factor"]
        self.second, self.second_factor = (
            _Dense(got["second.weight"], ACTIVATION, got["second.bias"]),
            got["second.factor"],
        )
        self.heads = [(_Dense(got[f"head{c}.weight"], ACTIVATION), got[f"head{c}.factor"], got[f"head{c}.bias"])
                      for c in range(colours)]  # fmt: skip
        self.hidden = []
        for c in range(1, colours):
            limits = [ACTIVATION] * self.width + [FAR, ACTIVATION] * c
            layer = _Dense(got[f"hidden{c}.weight"], limits, got[f"hidden{c}.bias"])
            self.hidden.append((layer, got[f"hidden{c}.factor"], got[f"slope{c}"].astype(np.int64)))

    def seen(self, known: Sequence[NDArray[np.int16]], rows: int, columns: int) -> tuple[NDArray[np.uint8], Integers]:
        """Returns hidden units (width, positions) and linear means (colours, positions) in 2^-FINE.

        Args:
            known: (n, colours, at least rows, at least columns) of each window's phase.
            rows: of real pixels.
            columns: of real pixels.
        """
        padded = []
        for window, plane in zip(self.step.windows, known, strict=True):
            (top, bottom), (left, right) = window.rows, window.columns
            padded.append(np.pad(plane, ((0, 0), (0, 0), (-top, bottom), (-left, right)), mode="edge"))
        n = len(known[0])
        hidden = np.empty((self.width, n, rows, columns), np.uint8)
        linear = np.empty((self.colours, n, rows, columns), np.int64)
        pictures = max(1, BLOCK // (rows * columns))
        height = max(1, min(rows, BLOCK // columns))
        for p in range(0, n, pictures):
            for i in range(0, rows, height):
                part = slice(p, min(n, p + pictures)), slice(i, min(rows, i + height))
                hidden[:, *part], linear[:, *part] = self._block(padded, part, columns)
        return hidden.reshape(self.width, -1), linear.reshape(self.colours, -1)

    def _block(
        self, padded: Sequence[NDArray[np.int16]], part: tuple[slice, slice], columns: int
    ) -> tuple[Numbers, Integers]:
        """`seen` for some pictures and rows."""
        n, rows = (s.stop - s.start for s in part)
        start = part[1].start

        def at(k: int, i: int, j: int) -> NDArray[np.int16]:
            return padded[k][part[0], :, start + i : start + i + rows, j : j + columns]

        near = [at(*place).astype(np.int32) for place in self.step.nearest]
        average = ((near[0] + near[1] + near[2] + near[3] + 2) >> 2).astype(np.int16)
        parts = []
        for k, window in enumerate(self.step.windows):
            (height, width) = window.shape
            patch = np.empty((self.colours, height, width, n, rows, columns), np.float32)
            for i in range(height):
                for j in range(width):
                    patch[:, i, j] = (at(k, i, j) - average).swapaxes(0, 1)
            parts.append(patch.reshape(-1, n * rows * columns))
        sums = self.first(np.concatenate(parts))
        c, w = self.colours, self.width
        high, low = (sums[w + k * c : w + (k + 1) * c].astype(np.int64) for k in (0, 1))
        linear = (high << 7) + low + (average.astype(np.int64).swapaxes(0, 1).reshape(c, -1) << FINE)
        hidden = sums[:w].reshape(w, n, rows, columns)
        bias = self.first.bias
        hidden += bias[:, None, start : start + rows, :columns] if self.places else bias[:, None, None, None]
        hidden = self._second(_activated(hidden.reshape(w, -1), self.factor))
        return hidden.reshape(w, n, rows, columns), linear.reshape(c, n, rows, columns)

    def _second(self, hidden: Numbers) -> Numbers:
        sums = self.second(hidden)
        sums += self.second.bias[:, None]
        return _activated(sums, self.second_factor)

    def told(self, colour: int, hidden: NDArray[np.uint8], linear: Integers, left: Sequence[Integers]) -> Integers:
        """Returns (2 or 3, positions): mean in 1/FRACTION, index of the scale, index of the spike's probability.

        Args:
            colour: 0 is the brightness.
            hidden: as `seen` returned it.
            linear: the colour's row of what `seen` returned.
            left: of the colours before: pixel less the nearest whole number to its mean.
        """
        n = hidden.shape[1]
        found = np.empty((len(self.heads[colour][1]), n), np.int64)
        for start in range(0, n, BLOCK):
            part = slice(start, start + BLOCK)
            x = hidden[:, part].astype(np.float32)
            if colour:
                x = self._difference(colour, x, [error[part] for error in left])
            layer, factor, bias = self.heads[colour]
            out = layer(x)
            out *= factor[:, None]
            out += bias[:, None]
            found[:, part] = np.rint(out)
        mean = found[0] + linear
        if colour:
            for slope, error in zip(self.hidden[colour - 1][2].tolist(), left, strict=True):
                mean = mean + slope * error
        shift = FINE - FRACTION.bit_length() + 1
        found[0] = (mean + (1 << (shift - 1))) >> shift
        np.clip(found[0], 0 if colour == 0 else -255 * FRACTION, 255 * FRACTION, out=found[0])
        np.clip(found[1], 0, SCALES - 1, out=found[1])
        np.clip(found[2:], 0, 32, out=found[2:])
        return found

    def _difference(self, colour: int, hidden: Numbers, left: Sequence[Integers]) -> Numbers:
        """Hidden units that see what is left of the colours before."""
        layer, factor, _ = self.hidden[colour - 1]
        more = [f for e in left for f in (np.clip(e, -FAR, FAR), np.clip(e * GAIN, -ACTIVATION, ACTIVATION))]
        sums = layer(np.concatenate([hidden, np.stack(more).astype(np.float32)]))
        sums += layer.bias[:, None]
        return _activated(sums, factor)
