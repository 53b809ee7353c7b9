"""Greedy layer-wise pretraining: each layer an autoencoder of the codes below."""

from __future__ import annotations

__all__ = ["Pretraining"]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic
from latente.corruptions import Corruption, resolve_corruption
from latente.data import ArraySource
from latente.distortions import SquaredError
from latente.objectives import Plain
from latente.parts import Part
from latente.training import History, Trainer


@dataclass
class Pretraining(Part, family="pretraining", name="pretraining"):
    """Trains a deep autoencoder's layers one after the other, from the data up.

    Layer i and its mirror form an autoencoder of the codes below, trained with a corruption of its own; its clean codes
    are what the next layer sees. Sources: Hinton & Salakhutdinov (2006); Bengio, Lamblin, Popovici, Larochelle (2007);
    Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010), "Stacked denoising autoencoders".

    Args:
        epochs: passes for each layer, one number or one for each layer.
        corruption: of each layer's input, one or a sequence with one for each layer; None for none.
        trainer: other settings; None for the defaults. Its epochs do not apply.
    """

    epochs: int | Sequence[int] = 5
    corruption: Any = "masking:0.1"
    trainer: Trainer | None = None

    def run(self, module: AutoencoderModule, source: ArraySource, seed: int = 0) -> list[History]:
        """Pretrains the module in place and returns one history for each layer.

        Args:
            module: its encoder and decoder must be `nn.Sequential`s of as many blocks, mirrored.
            source: the scaled training data, in memory.
            seed: decides everything random.

        Raises:
            ValueError: when encoder and decoder are no mirrored stacks, or settings do not match the layers.
        """
        encoder, decoder = _mirrored(module)
        corruptions, trainers = self._corruptions(len(encoder)), self._trainers(len(encoder))
        histories = []
        for i, block in enumerate(encoder):
            layer = self._layer(module, i, block, decoder[len(decoder) - 1 - i])
            layer.corruption = corruptions[i]
            histories.append(trainers[i].fit(layer, source, Plain(), seed=seed + i))
            if histories[-1].stopped == "interrupted":  # half a stack is of no use
                raise KeyboardInterrupt
            if i + 1 < len(encoder):
                source = ArraySource(_codes(block, source), prepare=_as_is)
        return histories

    def _corruptions(self, layers: int) -> list[Corruption | None]:
        corruptions = [resolve_corruption(c) for c in self._for_each_layer("corruption", self.corruption, layers)]
        for corruption in corruptions:
            if corruption is not None:
                corruption.check()
        return corruptions

    def _trainers(self, layers: int) -> list[Trainer]:
        epochs = self._for_each_layer("epochs", self.epochs, layers)
        trainers = [replace(self.trainer or Trainer(), epochs=n, patience=None) for n in epochs]
        for trainer in trainers:
            trainer.check()
        return trainers

    def _layer(self, module: AutoencoderModule, i: int, block: nn.Module, mirror: nn.Module) -> AutoencoderModule:
        """Returns the autoencoder of one layer; it shares the layer's weights with the module."""
        top, bottom = i + 1 == len(module.encoder), i == 0  # type: ignore[arg-type]
        layer = AutoencoderModule(
            block,
            module.bottleneck if top else Deterministic().build(1),
            mirror,
            distortion=module.distortion if bottom else SquaredError().build(()),
            bounds=module.bounds if bottom else None,
        )
        if bottom:
            layer.output = module.output
        return layer

    def _for_each_layer(self, name: str, value: Any, layers: int) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            return [value] * layers
        if len(value) != layers:
            raise ValueError(f"Pretraining: {name} must be one value or {layers}, one for each layer; got {value!r}")
        return list(value)


def _mirrored(module: AutoencoderModule) -> tuple[nn.Sequential, nn.Sequential]:
    encoder, decoder = module.encoder, module.decoder
    if not (isinstance(encoder, nn.Sequential) and isinstance(decoder, nn.Sequential) and len(encoder) == len(decoder)):
        raise ValueError(
            "layer-wise pretraining needs an encoder and a decoder that are nn.Sequentials of as many blocks, block i "
            "of the encoder mirrored by block -1 - i of the decoder; MLP and Conv make such pairs"
        )
    return encoder, decoder


@torch.no_grad()
def _codes(block: nn.Module, source: ArraySource) -> Tensor:
    """Returns the block's clean output for every sample, in order."""
    return torch.cat([block(batch.x).float() for batch in source.batches(1024)])


def _as_is(x: Tensor) -> Tensor:
    return x
