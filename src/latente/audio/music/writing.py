"""The decoder at work: codes become music, one voice of one step after another."""

from __future__ import annotations

__all__ = ["codes_of", "music_of", "write"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latente.audio.music.module import Moments, MusicModule
from latente.audio.music.score import Score
from latente.audio.music.windows import tokens_of, whole_window

Draw = Callable[[Tensor], Tensor]  # of one column from each row of logits


@dataclass
class _Memory:
    """What the decoder remembers: the last beat's tokens (n, steps, voices) and the states of both networks."""

    beat: Tensor
    notes: Tensor | None = None
    beats: Tensor | None = None


def codes_of(module: MusicModule, score: Score) -> Moments:
    """Returns q(z|x) and the prior of a score, each tensor (segments, latent_dim).

    Args:
        module: in evaluation mode.
        score: the music.
    """
    window = whole_window(score, module.alphabet, module.sizes).tokens
    with torch.inference_mode():
        found = module.moments(window)
    parts = (found.mu, found.logvar, found.prior_mu, found.prior_logvar)
    return Moments(*(part.unflatten(1, (-1, module.sizes.latent_dim))[0] for part in parts))


def write(
    module: MusicModule,
    z: Tensor | None,
    *,
    temperature: float,
    generator: torch.Generator,
    spread: float = 1.0,
    n: int = 1,
    segments: int = 1,
    before: Score | None = None,
    beginning: bool = True,
    shared: bool = False,
) -> Tensor:
    """Returns tokens (n, segments * steps, voices) that the decoder emits.

    Args:
        module: in evaluation mode.
        z: (n, segments, latent_dim); None draws each beat's code from the prior when the beat is reached.
        temperature: that divides the logits; 0 takes the most probable token each time.
        generator: of the draws.
        spread: that multiplies the deviations of the prior, where z is None; see `MixturePrior.sample` too.
        n: how many, where z is None.
        segments: of each, where z is None.
        before: what went before, which is remembered.
        beginning: whether, without `before`, this is the beginning of a piece; else what went before is unknown.
        shared: whether all n take the same random numbers, so that similar codes give similar music.
    """
    sizes = module.sizes
    n, segments = (n, segments) if z is None else (len(z), z.shape[1])
    draw = _drawing(temperature, generator, shared)
    written = []
    with torch.inference_mode():
        memory = _start(module, n, beginning) if before is None else _remember(module, before, n)
        for segment in range(segments):
            codes = torch.zeros(n, 0, sizes.per_beat)
            for beat in range(sizes.beats):
                expected, memory.beats = module.prior(memory.beat, beat, memory.beats)
                if z is None:
                    mu, logvar = expected[:, 0].chunk(2, 1)
                    code = mu + (0.5 * logvar).exp() * _deviations(module, memory.beats, spread, generator)
                else:
                    code = z[:, segment].unflatten(1, (sizes.beats, -1))[:, beat]
                codes = torch.cat([codes, code[:, None]], 1)
                plan = module.decoder.plan(codes)[:, -sizes.steps :]
                memory.beat = _beat(module, plan, memory, beat * sizes.steps, draw)
                written.append(memory.beat)
    return torch.cat(written, 1)


def _deviations(module: MusicModule, state: Tensor, spread: float, generator: torch.Generator) -> Tensor:
    """Returns deviations of codes from the Gaussian prior (n, per_beat), given what it remembers (1, n, hidden)."""
    if module.mixture is not None:
        return module.mixture.sample(state[0], spread, generator)  # type: ignore[operator]
    return spread * torch.randn((state.shape[1], module.sizes.per_beat), generator=generator)


def _start(module: MusicModule, n: int, beginning: bool) -> _Memory:
    """Returns the memory before anything was written."""
    alphabet = module.alphabet
    beat = torch.full((n, module.sizes.steps, module.sizes.voices), alphabet.hidden)
    beat[:, -1] = alphabet.beginning if beginning else alphabet.hidden
    return _Memory(beat)


def _remember(module: MusicModule, before: Score, n: int) -> _Memory:
    """Returns the memory after a score, of which a whole number of segments, or else of beats, counts, from its end."""
    sizes, alphabet = module.sizes, module.alphabet
    tokens = torch.from_numpy(tokens_of(before, alphabet).copy())
    unit = sizes.length if len(tokens) >= sizes.length else sizes.steps
    whole = len(tokens) // unit * unit
    if not whole:
        raise ValueError(f"before= must hold at least one beat, {sizes.steps} steps; got {before.steps}")
    tokens = tokens[len(tokens) - whole :][None]
    memory = _start(module, 1, beginning=whole == before.steps)
    first = (sizes.length - whole) % sizes.length  # so that what is written begins a segment
    position = module.decoder.positions(torch.arange(first, first + whole))[None]
    _, notes = module.decoder.remember(torch.cat([memory.beat[:, -1:], tokens[:, :-1]], 1), position)
    _, beats = module.prior(torch.cat([memory.beat, tokens[:, : -sizes.steps]], 1), first // sizes.steps)
    states = (state.expand(-1, n, -1).contiguous() for state in (notes, beats))
    return _Memory(tokens[:, -sizes.steps :].expand(n, -1, -1), *states)


def _beat(module: MusicModule, plan: Tensor, memory: _Memory, first: int, draw: Draw) -> Tensor:
    """Returns the tokens (n, steps, voices) of one beat, and brings the memory of notes up to date.

    Args:
        module: in evaluation mode.
        plan: (n, steps, plan).
        memory: of what was written.
        first: the number of the first step in its segment.
        draw: of tokens.
    """
    decoder, written, last = module.decoder, [], memory.beat[:, -1:]
    for step in range(plan.shape[1]):
        position = decoder.positions(torch.tensor([first + step])).expand(len(plan), 1, -1)
        h, memory.notes = decoder.remember(last, position, memory.notes)
        known = decoder.knowledge(h, plan[:, step : step + 1], position)[:, 0]
        last = _step(module, known, plan[:, step], last[:, 0], draw)[:, None]
        written.append(last)
    return torch.cat(written, 1)


def _step(module: MusicModule, known: Tensor, plan: Tensor, last: Tensor, draw: Draw) -> Tensor:
    """Returns the tokens (n, voices) of one step.

    Args:
        module: in evaluation mode.
        known: (n, voices, head).
        plan: (n, plan).
        last: (n, voices), tokens a step before.
        draw: of tokens.
    """
    alphabet, before = module.alphabet, last % module.alphabet.size
    emitted, struck = torch.zeros_like(last), torch.zeros_like(last)
    for voice, head in enumerate(module.decoder.heads):
        logits, again = head(known[:, voice], plan, before[:, voice], emitted)
        emitted[:, voice] = draw(logits)
        if alphabet.repeats:
            held = (emitted[:, voice] == before[:, voice]) & (emitted[:, voice] > 0)
            struck[:, voice] = held * draw(torch.stack([torch.zeros_like(again), again], 1))
    return emitted + alphabet.size * struck


def _drawing(temperature: float, generator: torch.Generator, shared: bool) -> Draw:
    """Returns a function that draws one column from each row of logits: argmax(logits / T + Gumbel noise)."""

    def draw(logits: Tensor) -> Tensor:
        if temperature == 0:
            return logits.argmax(1)
        uniform = torch.rand((1 if shared else len(logits), logits.shape[1]), generator=generator)
        gumbel = -(-uniform.clamp(1e-12, 1 - 1e-7).log()).log()
        return (logits / temperature + gumbel).argmax(1)

    return draw


def music_of(tokens: Tensor, model: Any) -> list[Score]:
    """Returns what was written as scores.

    Args:
        tokens: (n, steps, voices).
        model: a fitted MusicAutoencoder.
    """
    found = []
    for each in tokens.numpy():
        pitches, strikes = model.alphabet_.decode(each.T), None
        if model.alphabet_.repeats:
            moved = np.ones(pitches.shape, bool)
            moved[:, 1:] = pitches[:, 1:] != pitches[:, :-1]
            strikes = (pitches >= 0) & (moved | (model.alphabet_.size <= each.T))
        found.append(Score(pitches, strikes, model.steps_per_beat_, model.tempo_))
    return found
