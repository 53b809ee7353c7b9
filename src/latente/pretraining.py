"""Greedy layer-wise pretraining: each layer an autoencoder of the codes below."""

from __future__ import annotations

__all__ = ["Pretraining"]

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic
from latente.corruptions import Corruption, resolve_corruption
from latente.data import ArraySource, MappedSource, Source
from latente.distortions import SquaredError
from latente.objectives import Plain
from latente.parts import Part, is_integer
from latente.training import History, Trainer

KEPT = 1 << 26  # bytes of codes that are kept in memory


@dataclass
class Pretraining(Part, family="pretraining", name="pretraining"):
    """Trains a deep autoencoder's layers one after the other, from the data up.

    Layer i and its mirror form an autoencoder of the codes below, trained with a corruption of its own; its clean codes
    are what the next layer sees. Sources: Hinton & Salakhutdinov (2006); Bengio, Lamblin, Popovici, Larochelle (2007);
    Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010), "Stacked denoising autoencoders".

    Args:
        epochs: passes for each layer, one number or one for each layer; "auto" is the trainer's own choice.
        corruption: of each layer's input, one or a sequence with one for each layer; None for none.
        trainer: other settings; None for the defaults. Its epochs do not apply.

    Example:
        >>> from latente import StackedAutoencoder
        >>> X = [[i % 7, i % 5, i % 3, i % 2] for i in range(100)]
        >>> how = Pretraining(epochs=(2, 1), corruption=("masking:0.1", "gaussian:0.2"))
        >>> model = StackedAutoencoder(2, hidden_features=(8,), pretraining=how, random_state=0).pretrain(X)
        >>> [len(history) for history in model.pretraining_histories_]
        [2, 1]
    """

    epochs: int | str | Sequence[int | str] = 5
    corruption: Any = "masking:0.1"
    trainer: Trainer | None = None

    def run(
        self,
        module: AutoencoderModule,
        source: Source,
        seed: int = 0,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | str = "auto",
        resume: bool = False,
    ) -> list[History]:
        """Pretrains the module in place and returns one history for each layer.

        Args:
            module: its encoder and decoder must be `nn.Sequential`s of as many blocks, mirrored.
            source: the scaled training data. A layer's codes are kept in memory up to 64 MiB.
            seed: decides everything random.
            checkpoint: a folder; each layer gets one of its own in it. None for that of the own trainer, if any.
            checkpoint_every: steps between two checkpoints in the folder `checkpoint`, or "auto".
            resume: whether to go on from there.

        Raises:
            ValueError: when encoder and decoder are no mirrored stacks, or settings do not match the layers.
        """
        encoder, decoder = mirrored(module)
        trainer = replace(self.trainer or Trainer(), patience=None)
        if checkpoint is not None:
            trainer = replace(trainer, checkpoint=checkpoint, checkpoint_every=checkpoint_every)
        corruptions, trainers = self._corruptions(len(encoder)), self._trainers(len(encoder), trainer)
        histories = []
        for i, block in enumerate(encoder):
            layer = self._layer(module, i, block, decoder[len(decoder) - 1 - i])
            layer.corruption = corruptions[i]
            histories.append(trainers[i].fit(layer, source, Plain(), seed=seed + i, resume=resume))
            if histories[-1].stopped == "interrupted":  # half a stack is of no use
                raise KeyboardInterrupt
            if i + 1 < len(encoder):
                source = _codes(block, source)
        return histories

    def _corruptions(self, layers: int) -> list[Corruption | None]:
        corruptions = [resolve_corruption(c) for c in self._for_each_layer("corruption", self.corruption, layers)]
        for corruption in corruptions:
            if corruption is not None:
                corruption.check()
        return corruptions

    def _trainers(self, layers: int, trainer: Trainer) -> list[Trainer]:
        epochs = self._for_each_layer("epochs", self.epochs, layers)
        if not all(is_integer(n, low=1) or (isinstance(n, str) and n == "auto") for n in epochs):
            raise ValueError(
                "Pretraining: epochs must be an integer of at least 1 or 'auto', or a sequence of such, one for each "
                f"layer; got {self.epochs!r}"
            )
        trainers = [replace(trainer, epochs=n) for n in epochs]
        if trainer.checkpoint is not None:
            folder = Path(trainer.checkpoint)
            trainers = [replace(t, checkpoint=folder / f"layer-{i + 1}") for i, t in enumerate(trainers)]
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


def mirrored(module: AutoencoderModule) -> tuple[nn.Sequential, nn.Sequential]:
    """Returns encoder and decoder, or raises ValueError when they are no stacks of as many blocks."""
    encoder, decoder = module.encoder, module.decoder
    if not (isinstance(encoder, nn.Sequential) and isinstance(decoder, nn.Sequential) and len(encoder) == len(decoder)):
        raise ValueError(
            "layer-wise pretraining needs an encoder and a decoder that are nn.Sequentials of as many blocks, block i "
            "of the encoder mirrored by block -1 - i of the decoder; MLP and Conv make such pairs"
        )
    return encoder, decoder


def _codes(block: nn.Module, source: Source) -> Source:
    """Returns the block's clean outputs: kept where they take little memory, else computed while they are needed."""

    def encode(x: Tensor) -> Tensor:
        return block(x).float()

    with torch.no_grad():
        first = encode(next(iter(source.batches(1))).x)
    if not isinstance(source, ArraySource) or len(source) * first[0].nbytes > KEPT:
        return MappedSource(source, encode, tuple(first.shape[1:]))
    codes, at = first.new_empty(len(source), *first.shape[1:]), 0
    for batch in source.batches(1024):
        with torch.no_grad():
            codes[at : at + len(batch.x)] = encode(batch.x)
        at += len(batch.x)
    return ArraySource(codes, prepare=_as_is)


def _as_is(x: Tensor) -> Tensor:
    return x
