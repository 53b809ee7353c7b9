"""What is learned from an archive: an autoencoder of its samples, and what its codes are like."""

from __future__ import annotations

__all__ = ["Archive", "learn"]

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.codec.arrays.tiles import to_tiles
from latente.codec.models import Model, hash_tensors, id_of
from latente.data import DataSpec
from latente.estimators import Autoencoder
from latente.networks import MLP, LinearPath
from latente.training import Trainer

MOST = 1 << 16  # tiles that are learned from at most
PROBES = 32  # samples at which the decoder's slopes are measured
BATCH = 4096
PATIENCE = 10  # epochs; a tenth of the samples is held out
Field = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Archive:
    """A fitted autoencoder and how its codes are quantised.

    Attributes:
        tile: shape of a sample.
        mean: mean sample, flat.
        scale: by which deviations from it are divided.
        slopes: for each latent dimension, the length of the decoded change for a change of 1.
        spreads: for each latent dimension, the mean magnitude of the archive's codes.
        autoencoder: of the deviations.
    """

    tile: tuple[int, ...]
    mean: Field
    scale: float
    slopes: Field
    spreads: Field
    autoencoder: Autoencoder

    def codes(self, deviations: Field) -> Field:
        """Codes (n, latent_dim) of deviations (n, values) from the mean sample."""
        return self.autoencoder.transform((deviations / self.scale).astype(np.float32)).astype(np.float64)

    def decoded(self, codes: Field) -> Field:
        """Deviations that codes stand for; in float64, so that machines differ in the last digits of float32 only."""
        module, pieces = self._double, []
        with torch.inference_mode():
            for start in range(0, len(codes), BATCH):
                pieces.append(module.decode(torch.from_numpy(codes[start : start + BATCH])).double().numpy())
        return np.concatenate(pieces).reshape(len(codes), -1) * self.scale

    @cached_property
    def _double(self) -> Any:
        return copy.deepcopy(self.autoencoder.module_).cpu().double().eval()

    @cached_property
    def model(self) -> Model:
        """The tensors, as streams refer to them: by their hash, of which the id is the beginning."""
        from latente.estimators.saving import described

        tensors, description = described(self.autoencoder)
        for told in ("training", "latent_size"):  # how it came about is not needed to decode
            description.pop(told, None)
        kept = {f"autoencoder.{name}": value.detach().cpu().numpy() for name, value in tensors.items()}
        text = json.dumps(description, sort_keys=True, default=_plain).encode()
        own = {"mean": self.mean, "scale": np.array([self.scale]), "slopes": self.slopes, "spreads": self.spreads}
        shape = np.array(self.tile, np.int64)
        every = {**kept, **own, "tile": shape, "description": np.frombuffer(text, np.uint8)}
        return Model(id_of("archive", hash_tensors(every)), every)

    @classmethod
    def of(cls, model: Model) -> Archive:
        """The archive whose tensors these are.

        Raises:
            ValueError: when they are none of an archive.
        """
        tensors: Mapping[str, NDArray[Any]] = model.tensors
        try:
            stored = json.loads(tensors["description"].tobytes())
            autoencoder = _revived(stored, tensors)
            tile = tuple(int(n) for n in tensors["tile"])
            scale = float(tensors["scale"][0])
            return cls(tile, tensors["mean"], scale, tensors["slopes"], tensors["spreads"], autoencoder)
        except KeyError as error:
            raise ValueError(f"the model {model.id!r} is none of an archive of arrays: it lacks {error}") from error


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _revived(stored: dict[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Autoencoder:
    from latente.estimators.saving import restored
    from latente.persistence import Stored

    prefix = "autoencoder."
    weights = {
        n.removeprefix(prefix): torch.from_numpy(np.array(t)) for n, t in tensors.items() if n.startswith(prefix)
    }
    blank = {"format": 1, "versions": {}, "training": {}, "tensors": [], "sha256": ""}  # the hash is checked elsewhere
    return restored("the archive's model", weights, Stored.model_validate({**blank, **stored}), {})


def learn(
    arrays: list[Field], tile: tuple[int, ...], autoencoder: Autoencoder | None, latent_dim: int, seed: Any
) -> Archive:
    """Learns from the arrays of an archive.

    Args:
        arrays: float64, finite everywhere, each with at least as many axes as the tile has.
        tile: shape of a sample.
        autoencoder: a description to be fitted; None for a default.
        latent_dim: size of the code of the default.
        seed: decides everything random.
    """
    tiles = np.concatenate([to_tiles(x, tile).reshape(-1, int(np.prod(tile))) for x in arrays])
    tiles = tiles[:: max(1, -(-len(tiles) // MOST))]
    mean = tiles.mean(axis=0)
    deviations = tiles - mean
    deviations -= deviations.mean(axis=1, keepdims=True)  # the level of a sample is sent on its own
    scale = float(deviations.std()) or 1.0
    size = max(1, min(latent_dim, tiles.shape[1], len(tiles) - 1))
    model = autoencoder if autoencoder is not None else _default(size, seed)
    model.fit((deviations / scale).astype(np.float32))
    first = Archive(tile, mean, scale, np.ones(1), np.ones(1), model)
    codes = first.codes(deviations)
    return Archive(tile, mean, scale, _slopes(first, codes), np.abs(codes - codes.mean(axis=0)).mean(axis=0), model)


def _default(size: int, seed: Any) -> Autoencoder:
    network = LinearPath(MLP((256, 128), normalization="layer"))
    return Autoencoder(
        size,
        network=network,
        data=DataSpec(kind="table", scale="none"),
        trainer=Trainer(patience=PATIENCE, verbose=False),
        random_state=seed,
    )


def _slopes(archive: Archive, codes: Field) -> Field:
    """Mean length of the decoder's derivative along every latent dimension, at some of the codes."""
    some = codes[:: max(1, len(codes) // PROBES)]
    step = np.maximum(codes.std(axis=0), 1e-6) / 4
    found = []
    for j, h in enumerate(step):
        change = np.zeros(codes.shape[1])
        change[j] = h
        difference = archive.decoded(some + change) - archive.decoded(some - change)
        found.append(np.sqrt((difference**2).sum(axis=1).mean()) / (2 * h))
    return np.maximum(np.array(found), 1e-12)
