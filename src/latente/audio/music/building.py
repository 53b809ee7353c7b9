"""From scores to a module that is ready to be trained."""

from __future__ import annotations

__all__ = ["build_module", "shifts_of", "start_from_pairs", "trainer_for", "transposition_of", "weights_of"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.audio.music.alphabet import Alphabet
from latente.audio.music.module import Hiding, MusicModule, Transposition
from latente.audio.music.network import Prior, SegmentDecoder, SegmentEncoder, Sizes
from latente.audio.music.score import Score
from latente.audio.music.windows import tokens_of
from latente.bottlenecks import Bottleneck
from latente.parts import resolve
from latente.training import Trainer, seeded

PRIOR_COUNTS = 2.0  # that every row of a table of pairs has of the single pitches
SMOOTHING = 0.05
BATCH, RATE = 32, 3e-3
STEPS = 3_000  # of a training, where the trainer leaves the epochs open


def build_module(sizes: Sizes, alphabet: Alphabet, bottleneck: Bottleneck, hiding: Hiding, seed: int) -> MusicModule:
    """Returns an untrained module.

    Args:
        sizes: of the networks.
        alphabet: of the tokens.
        bottleneck: Gaussian.
        hiding: of the decoder's input while training.
        seed: decides the weights.
    """
    with seeded(seed):
        encoder, decoder = SegmentEncoder(sizes, alphabet), SegmentDecoder(sizes, alphabet)
        prior = Prior(sizes, alphabet)
        return MusicModule(encoder, bottleneck.build(sizes.latent_dim), decoder, prior, hiding)


def trainer_for(trainer: Any, windows: int) -> Trainer:
    """Returns the trainer; what it leaves open suits that many windows.

    Args:
        trainer: a Trainer, its string, or None.
        windows: to train on.
    """
    trainer = resolve(trainer, Trainer, Trainer()) or Trainer()
    batch_size = BATCH if trainer.batch_size == "auto" else int(trainer.batch_size)
    epochs = max(1, round(STEPS * batch_size / windows)) if trainer.epochs == "auto" else trainer.epochs
    return replace(
        trainer,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=RATE if trainer.learning_rate == "auto" else trainer.learning_rate,
        precision="float32" if trainer.precision == "auto" else trainer.precision,
        compile=False if trainer.compile == "auto" else trainer.compile,
    )


def transposition_of(scores: Sequence[Score], alphabet: Alphabet, most: int) -> Transposition:
    """Returns the change that moves music by at most that many semitones, within the ranges of the voices.

    Args:
        scores: that decide the ranges.
        alphabet: of the model.
        most: semitones.
    """
    low = np.full(scores[0].voices, alphabet.symbols)
    high = np.zeros(scores[0].voices, int)
    for score in scores:
        tokens = alphabet.encode(score.pitches)
        low = np.minimum(low, np.where(tokens > 0, tokens, alphabet.symbols).min(1))
        high = np.maximum(high, tokens.max(1))
    return Transposition(tuple(low.tolist()), tuple(high.tolist()), alphabet.symbols, alphabet.size, most)


def start_from_pairs(module: MusicModule, scores: Sequence[Score], change: Transposition) -> None:
    """Sets the tables of the heads to log p(pitch | last pitch) of the data in all transpositions.

    Args:
        module: to start.
        scores: that are counted.
        change: says which transpositions there are.
    """
    alphabet, voices = module.alphabet, scores[0].voices
    pairs = np.zeros((voices, alphabet.size, alphabet.symbols))
    for score in scores:
        tokens = tokens_of(score, alphabet) % alphabet.size
        for shift in shifts_of(tokens, alphabet, change):
            moved = np.where(tokens > 0, tokens + shift, 0)
            for voice in range(voices):
                np.add.at(pairs[voice], (moved[:-1, voice], moved[1:, voice]), 1.0)
    for voice, head in enumerate(module.decoder.heads):
        single = pairs[voice].sum(0) + SMOOTHING
        single /= single.sum()
        counts = pairs[voice] + PRIOR_COUNTS * single
        with torch.no_grad():
            head.table.copy_(torch.from_numpy(np.log(counts / counts.sum(1, keepdims=True))))  # type: ignore[operator]


def shifts_of(tokens: NDArray[np.int64], alphabet: Alphabet, change: Transposition) -> range:
    """Returns by how many semitones a score can be moved so that it stays in the ranges of its voices.

    Args:
        tokens: (steps, voices), repeats left aside.
        alphabet: of the model.
        change: has the ranges.
    """
    pitched = tokens > 0
    lowest = np.where(pitched, tokens, alphabet.symbols).min(0)
    down = (np.array(change.low) - lowest)[pitched.any(0)]
    up = (np.array(change.high) - tokens.max(0))[pitched.any(0)]
    first, last = max(down.max(initial=-change.most), -change.most), min(up.min(initial=change.most), change.most)
    return range(int(min(first, 0)), int(max(last, 0)) + 1)


def weights_of(model: Any) -> dict[str, Tensor] | None:
    """Returns what an earlier fit learned, without the mixture that came after it; None where there was none.

    Args:
        model: a MusicAutoencoder.
    """
    state = model.module_.state_dict() if hasattr(model, "module_") else None
    return state and {name: value for name, value in state.items() if not name.startswith("mixture.")}
