"""The model of whole pictures as tensors, and what encoder and decoder run."""

from __future__ import annotations

__all__ = ["FORMAT", "WholeModel", "whole_model_of"]

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.damage import telling_damage
from latente.codec.entropy.tables import PRECISION
from latente.codec.images.whole.integers import MOST_VALUES, WholeContext, whole_tensors
from latente.codec.images.whole.mixture import Mixture
from latente.codec.images.whole.network import WholeModule
from latente.codec.models import Model

FORMAT = 2  # of image models; 1 are those of `images.model`
LARGEST = 1 << 16  # magnitude of what is stored of the transform
NOISE = 24  # part of a step's square that counts as variance of a coefficient when a cluster is chosen
Pictures = NDArray[np.uint8]
Reals = NDArray[np.float32]
Clusters = NDArray[np.intp]


def whole_model_of(
    module: WholeModule, mixture: Mixture, shape: tuple[int, int, int], shares: NDArray[np.int64], id: str,
    counts: NDArray[Any] | None = None,
) -> Model:  # fmt: skip
    """Returns the tensors of a trained module and its transform; matrices are stored in 16 bits.

    Args:
        module: trained.
        mixture: the transform.
        shape: (height, width, channels) of pictures.
        shares: (K,), how many pictures were in each cluster.
        id: the model's name; see `ModelRef`.
        counts: of symbols, see `tables_of`.
    """
    frequencies = 1 + np.floor(shares / shares.sum() * ((1 << PRECISION) - len(shares))).astype(np.int64)
    frequencies[frequencies.argmax()] += (1 << PRECISION) - frequencies.sum()
    tensors: dict[str, NDArray[Any]] = {
        "format": np.array([FORMAT], np.int32),
        "whole.shape": np.array(shape, np.int32),
        "whole.shares": frequencies.astype(np.int32),
        "whole.basis": mixture.basis.astype(np.float16),
        "whole.turns": mixture.turns.astype(np.float16),
        "whole.means": mixture.means,
    }
    return Model(id, tensors | whole_tensors(module, counts))


class WholeModel:
    """What encoder and decoder run.

    Args:
        model: the tensors, as `whole_model_of` made them, of format 2.

    Attributes:
        context: the entropy model.
        shape: (height, width, channels) of pictures.
        shares: (K,), frequencies of clusters, which sum to 2^24.

    Raises:
        AlteredError: for tensors that are no such model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        with telling_damage(f"the model {model.id!r} makes no sense"):
            self.context = WholeContext(model.tensors)
            self.shape = _shape(model.tensors)
            clusters, size = self.context.shape
            if size != self.shape[0] * self.shape[1] * self.shape[2]:
                raise ValueError(f"{size} coefficients are not those of pictures of {self.shape}")
            self.shares = _shares(model.tensors["whole.shares"], clusters)
            self._check_transform(clusters, size)

    def check(self) -> None:
        """Does nothing: all parts are made at once."""

    def _check_transform(self, clusters: int, size: int) -> None:
        """Raises ValueError where the transform is none."""
        turned = self.model.tensors["whole.turns"].shape[-1:]
        wanted = {"basis": (size, size), "means": (clusters, size), "turns": (clusters, *turned, *turned)}
        for name, shape in wanted.items():
            found = self.model.tensors[f"whole.{name}"]
            if found.dtype.kind != "f" or found.shape != shape or not (np.abs(found) <= LARGEST).all():
                raise ValueError(f"the model's {name} are not finite real numbers of the shape {shape}")
        if turned and turned[0] > size:
            raise ValueError("the model turns more directions than there are")

    @cached_property
    def mixture(self) -> Mixture:
        """The transform."""
        basis, means, turns = (self.model.tensors[f"whole.{n}"].astype(np.float32) for n in ("basis", "means", "turns"))
        spreads = np.exp2(self.model.tensors["whole.spreads"] / 4096.0).astype(np.float32)
        return Mixture(basis, means, turns, spreads * np.float32(np.pi / np.sqrt(3)))

    def nearest(self, x: Reals, quality: int) -> Clusters:
        """Returns (n,), the cluster of each picture.

        Args:
            x: (n, D), pictures.
            quality: from 0 to QUALITIES.
        """
        return self.mixture.nearest(x, self.context.step(quality) ** 2 / NOISE)

    def analyse(self, x: Reals, clusters: Clusters, quality: int) -> NDArray[np.float64]:
        """Returns (n, D) coefficients in steps.

        Args:
            x: (n, D), pictures.
            clusters: (n,).
            quality: from 0 to QUALITIES.
        """
        return self.mixture.coefficients(x, clusters).astype(np.float64) / self.context.step(quality)

    def synthesise(self, values: NDArray[np.float64], clusters: Clusters, quality: int) -> Reals:
        """Returns (n, D) pictures, values not yet limited to [0, 255].

        Args:
            values: (n, D), coefficients in steps.
            clusters: (n,).
            quality: from 0 to QUALITIES.
        """
        return self.mixture.values((values * self.context.step(quality)).astype(np.float32), clusters)

    def limited(self, x: Reals) -> Pictures:
        """Returns pictures (n, height, width, channels).

        Args:
            x: (n, D), values.
        """
        return np.clip(np.rint(x), 0, 255).astype(np.uint8).reshape(len(x), *self.shape)


def _shape(tensors: Mapping[str, NDArray[Any]]) -> tuple[int, int, int]:
    found = tensors["whole.shape"]
    if found.shape != (3,) or found.dtype != np.int32 or found.min() < 1 or found.max() > MOST_VALUES:
        raise ValueError("the model's pictures have no shape")
    height, width, channels = (int(n) for n in found)
    if channels not in (1, 3):
        raise ValueError(f"the model's pictures have {channels} channels")
    return height, width, channels


def _shares(found: NDArray[Any], clusters: int) -> NDArray[np.int64]:
    if found.dtype != np.int32 or found.shape != (clusters,) or found.min() < 1:
        raise ValueError("the model's clusters have no frequencies")
    wide = found.astype(np.int64)
    if int(wide.sum()) != 1 << PRECISION:
        raise ValueError("the frequencies of the model's clusters do not sum to 2^24")
    return wide
