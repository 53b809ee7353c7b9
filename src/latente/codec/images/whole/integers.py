"""The entropy model of whole pictures in integers, the same on every machine; see `exact`."""

from __future__ import annotations

__all__ = ["WholeContext", "whole_tensors"]

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.codec.images.exact import UNITS, Affine, Layer, Numbers, to_fixed
from latente.codec.images.integers import (
    ASINH,
    HIDDEN,
    LOW,
    PARTS,
    QUALITIES,
    SPAN,
    STATE,
    VALUE,
    VALUE_BITS,
    asinh_table,
)
from latente.codec.images.quality import ANCHORS
from latente.codec.images.tables import SCALES, Tables, tables_of
from latente.codec.images.whole.network import WholeModule, weight_of

MOST_VALUES, MOST_CLUSTERS, MOST_WIDTH, MOST_GROUPS = 1024, 256, 1024, 64
FAR = 64 << UNITS  # magnitude of the logarithms that are stored
Symbols = NDArray[np.int64]
Coder = Callable[[Numbers, NDArray[np.uint8], slice], Symbols]


def whole_tensors(module: WholeModule, counts: NDArray[Any] | None = None) -> dict[str, NDArray[Any]]:
    """Returns the integers that a model stores of a trained module.

    Args:
        module: trained.
        counts: of symbols like those that will come, see `tables_of`.
    """
    real: dict[str, Any] = {
        name: tensor.detach().double().cpu().numpy() for name, tensor in module.state_dict().items()
    }
    weights = weight_of(torch.linspace(0, 1, QUALITIES + 1, dtype=torch.float64), module.channels).numpy()
    frequencies, reach = tables_of(counts)
    found: dict[str, NDArray[Any]] = {
        "start": to_fixed(real["start.rows"]).astype(np.int32),
        "clusters": to_fixed(real["clusters.weight"]).astype(np.int32),
        "spreads": to_fixed(real["spreads"]).astype(np.int32),
        "steps": to_fixed(np.log2(6 / (weights * np.log(2))) / 2).astype(np.int32),
        "sizes": np.array(module.sizes, np.int32),
        "asinh": to_fixed(np.arcsinh(np.arange(ASINH) / 2.0**VALUE_BITS)).astype(np.uint16),
        "frequencies": frequencies,
        "reach": reach,
    }
    for name in sorted(real):
        if name.endswith(".weight") and name.startswith(("heads", "updates")):
            prefix = name.removesuffix(".weight")
            found |= Layer.of(real[name], real.get(f"{prefix}.bias")).tensors(prefix)
    return {f"whole.{name}": tensor for name, tensor in found.items()}


def _table(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...], largest: int) -> NDArray[np.int64]:
    """Integers of a model; raises ValueError where they are not what they should be."""
    found = tensors[f"whole.{name}"]
    if found.dtype != np.int32 or found.shape != shape or np.abs(found.astype(np.int64)).max() > largest:
        raise ValueError(f"the model's {name} are not integers of the shape {shape} below {largest}")
    return found.astype(np.int64)


class _Head:
    """Means (in 1/64) and log2 scales of a group's coefficients."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], k: int, width: int, size: int) -> None:
        hidden, out, direct = (Layer.read(tensors, f"whole.heads.{k}.{name}") for name in ("hidden", "out", "direct"))
        between = len(hidden.weight)
        if not 0 < between <= MOST_WIDTH:
            raise ValueError(f"the model's head {k} is too wide: {between}")
        for layer, shape in ((hidden, (between, width)), (out, (2 * size, between)), (direct, (size, width))):
            if layer.weight.shape != shape:
                raise ValueError(f"the model's head {k} has a weight {layer.weight.shape}; wanted {shape}")
        self.hidden = Affine(hidden, STATE, HIDDEN, relu=True)
        self.out, self.direct, self.size = Affine(out, self.hidden.bound), Affine(direct, STATE), size
        if self.out.bound + self.direct.bound >= 1 << 50:
            raise ValueError("the model's means are too large to be exact")

    def __call__(self, state: Numbers, expected: Numbers) -> tuple[Numbers, NDArray[np.uint8]]:
        found = self.out(self.hidden(np.maximum(state, 0.0)))
        mean = (found[:, : self.size] + self.direct(state)) * 2.0 ** (VALUE_BITS - UNITS)
        mean = np.clip(np.floor(mean + 0.5), -VALUE, VALUE)
        scale = np.clip(found[:, self.size :] + expected - LOW, 0, SPAN).astype(np.int32)
        return mean, ((scale * (2 * (SCALES - 1)) + SPAN) // (2 * SPAN)).astype(np.uint8)


class WholeContext:
    """Runs the groups in integers, for the encoder and the decoder alike.

    Args:
        tensors: of a model, as `whole_tensors` made them.

    Attributes:
        tables: with which symbols are coded.
        shape: (clusters, coefficients).

    Raises:
        KeyError, ValueError: for tensors that are no such model, or whose sums might not be exact.

    Example:
        >>> context = WholeContext(whole_tensors(WholeModule(torch.ones(2, 9))))
        >>> def nothing(mean, which, part):  # a coder of zeros only
        ...     return np.zeros(mean.shape, np.int64)
        >>> context.run(np.array([0, 1, 1]), QUALITIES // 2, nothing).shape
        (3, 9)
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.shape = clusters, size = _sized(tensors["whole.spreads"], MOST_CLUSTERS, MOST_VALUES)
        self.width = width = _sized(tensors["whole.start"], ANCHORS, MOST_WIDTH)[1]
        self._start = _table(tensors, "start", (ANCHORS, width), STATE // 2)
        self._clusters = _table(tensors, "clusters", (clusters, width), STATE // 2)
        self._spreads = _table(tensors, "spreads", (clusters, size), FAR)
        self._steps = _table(tensors, "steps", (QUALITIES + 1,), FAR)
        sizes = tensors["whole.sizes"]
        if sizes.dtype != np.int32 or sizes.ndim != 1 or not 0 < len(sizes) <= MOST_GROUPS or sizes.min() < 1:
            raise ValueError("the model's groups make no sense")
        if int(sizes.sum(dtype=np.int64)) != size:
            raise ValueError("the model's groups are not of all coefficients")
        self.sizes: list[int] = sizes.tolist()
        self.tables = Tables(tensors["whole.frequencies"], tensors["whole.reach"])
        self._asinh = asinh_table(tensors["whole.asinh"])
        self._heads = [_Head(tensors, k, width, n) for k, n in enumerate(self.sizes)]
        self._updates = [self._update(tensors, k, n) for k, n in enumerate(self.sizes[:-1])]

    def _update(self, tensors: Mapping[str, NDArray[Any]], k: int, size: int) -> Affine:
        layer = Layer.read(tensors, f"whole.updates.{k}")
        if layer.weight.shape != (self.width, 2 * size):
            raise ValueError(f"the model's update {k} has a weight of shape {layer.weight.shape}")
        return Affine(layer, self._asinh.bound)

    def step(self, quality: int) -> float:
        """Returns the step of coefficients.

        Args:
            quality: from 0 to QUALITIES.
        """
        return float(np.exp2(self._steps[quality] / 2.0**UNITS))

    def run(self, clusters: NDArray[np.intp], quality: int, coder: Coder) -> NDArray[np.float64]:
        """Returns all coefficients in steps, (n, D).

        Args:
            clusters: (n,), of the pictures.
            quality: from 0 to QUALITIES.
            coder: called for each group with means in 1/64 and tables, (n, size), and which coefficients it has;
                returns the symbols.
        """
        below = min(quality // PARTS, ANCHORS - 2)
        share = quality - below * PARTS
        row = (self._start[below] * (PARTS - share) + self._start[below + 1] * share + PARTS // 2) // PARTS
        state = (row + self._clusters[clusters]).astype(np.float64)
        values, first = np.empty((len(clusters), self.shape[1])), 0
        for k, size in enumerate(self.sizes):
            part = slice(first, first + size)
            expected = (self._spreads[clusters, part] - self._steps[quality]).astype(np.float64)
            mean, which = self._heads[k](state, expected)
            known = mean + coder(mean, which, part) * 2.0**VALUE_BITS
            values[:, part], first = known * 2.0**-VALUE_BITS, first + size
            if k < len(self._updates):
                cut = np.clip(known, -VALUE, VALUE)
                log = self._asinh(np.abs(cut))
                state += self._updates[k](np.concatenate([np.copysign(log, cut), log], axis=1))
                np.clip(state, -STATE, STATE, out=state)
        return values


def _sized(tensor: NDArray[Any], *largest: int) -> tuple[int, int]:
    """The shape of a matrix; raises ValueError for anything else, or one that is too large."""
    if tensor.ndim != 2 or not all(0 < n <= most for n, most in zip(tensor.shape, largest, strict=True)):
        raise ValueError(f"a tensor of the model has the shape {tensor.shape}; at most {largest} is allowed")
    return tensor.shape[0], tensor.shape[1]
