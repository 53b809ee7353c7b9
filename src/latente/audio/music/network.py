"""The encoder of a segment, and the decoder that emits its voices in turn."""

from __future__ import annotations

__all__ = ["Prior", "SegmentDecoder", "SegmentEncoder", "Sizes"]

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.audio.music.alphabet import Alphabet

REACH = 12  # semitones that an interval table reaches, up and down
EMBEDDING, POSITION, PLAN = 32, 16, 128


@dataclass(frozen=True)
class Sizes:
    """What decides the shapes of both networks.

    Attributes:
        voices: in a score.
        beats: in a segment.
        steps: in a beat.
        latent_dim: numbers that describe a segment, a multiple of `beats`.
        hidden: units of the recurrent network.
        head: units of each voice's own layer.
        plan: numbers that the code says about each step.
        dropout: of the recurrent network's output while training.
    """

    voices: int
    beats: int = 8
    steps: int = 4
    latent_dim: int = 96
    hidden: int = 256
    head: int = 128
    plan: int = 64
    dropout: float = 0.1

    @property
    def per_beat(self) -> int:
        """Numbers of a code that belong to one beat."""
        return self.latent_dim // self.beats

    @property
    def length(self) -> int:
        """Steps in a segment."""
        return self.beats * self.steps


def token_embedding(sizes: Sizes, alphabet: Alphabet) -> nn.Embedding:
    """Returns one table for all voices, token + voice * tokens; it starts with what is known of pitches."""
    table = nn.Embedding(sizes.voices * alphabet.total, EMBEDDING)
    nn.init.normal_(table.weight, std=0.3)
    token = torch.arange(alphabet.total) % alphabet.size
    pitched = (token >= 1) & (token < alphabet.symbols)
    angles = [2 * math.pi * token * turns / 12 for turns in (1, 7)]  # around the octave, around the circle of fifths
    known = torch.stack([heights(alphabet)[token], *[f(angle) for angle in angles for f in (torch.sin, torch.cos)]], 1)
    with torch.no_grad():
        table.weight[:, : known.shape[1]] = (known * pitched[:, None]).repeat(sizes.voices, 1)
    return table


def heights(alphabet: Alphabet) -> Tensor:
    """Returns how high each token is, in half octaves from the middle of the alphabet (size,); 0 for marks."""
    token = torch.arange(alphabet.size)
    middle = alphabet.symbols // 2 + 0.5  # no pitch is at 0
    pitched = (token >= 1) & (token < alphabet.symbols)
    return torch.where(pitched, (token - middle) / 6.0, 0.0)


def _numbered(tokens: Tensor, alphabet: Alphabet) -> Tensor:
    """Returns indices into the table of `token_embedding` for tokens (..., voices)."""
    return tokens + torch.arange(tokens.shape[-1], device=tokens.device) * alphabet.total


class SegmentEncoder(nn.Module):
    """Tokens of a segment to what they say about each beat's code: convolutions over steps, then beats.

    A layer that sees the whole segment is added to the convolutions; it starts at zero, so that training begins with
    what is easy to find.

    Args:
        sizes: of the networks.
        alphabet: of the tokens.
    """

    def __init__(self, sizes: Sizes, alphabet: Alphabet) -> None:
        super().__init__()
        self.sizes, self.alphabet = sizes, alphabet
        self.embedding = token_embedding(sizes, alphabet)
        self.steps = nn.Conv1d(sizes.voices * EMBEDDING, 128, 3, padding=1)
        self.beats = nn.Conv1d(128, 256, sizes.steps, sizes.steps)
        self.neighbours = nn.Conv1d(256, 256, 3, padding=1)
        self.local = nn.Conv1d(256, 2 * sizes.per_beat, 1)
        self.direct = nn.Conv1d(sizes.voices * EMBEDDING, sizes.per_beat, sizes.steps, sizes.steps)
        self.whole = nn.Linear(256 * sizes.beats, 2 * sizes.latent_dim)
        nn.init.zeros_(self.whole.weight)
        nn.init.zeros_(self.whole.bias)
        small = torch.cat([torch.zeros(sizes.per_beat), torch.full((sizes.per_beat,), -2.0)])
        with torch.no_grad():  # a small sigma at first, so that the code can be read
            self.local.weight *= 2
            self.local.bias = nn.Parameter(self.local.bias + small)  # type: ignore[operator]

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns mean and log variance (n, beats, 2 * per_beat) of segments (n, steps, voices)."""
        x = self.embedding(_numbered(tokens, self.alphabet)).flatten(2).transpose(1, 2)
        h = F.gelu(self.beats(F.gelu(self.steps(x))))
        h = h + F.gelu(self.neighbours(h))  # (n, 256, beats)
        mean, logvar = self.local(h).chunk(2, 1)
        local = torch.cat([mean + self.direct(x), logvar], 1)
        return local.transpose(1, 2) + self.whole(h.flatten(1)).unflatten(1, (self.sizes.beats, -1))


class Prior(nn.Module):
    """p(z_b | x_<b): what the notes before a beat say about its code. A recurrent network over beats.

    Args:
        sizes: of the networks.
        alphabet: of the tokens.
    """

    def __init__(self, sizes: Sizes, alphabet: Alphabet) -> None:
        super().__init__()
        self.sizes, self.alphabet = sizes, alphabet
        self.embedding = token_embedding(sizes, alphabet)
        self.beat = nn.Linear(sizes.steps * sizes.voices * EMBEDDING, 128)
        self.position = nn.Embedding(sizes.beats, 128)
        self.history = nn.GRU(128, sizes.hidden, batch_first=True)
        self.dropout = nn.Dropout(sizes.dropout)
        self.out = nn.Linear(sizes.hidden, 2 * sizes.per_beat)
        with torch.no_grad():
            self.out.weight *= 0.1
            self.out.bias.zero_()

    def forward(self, before: Tensor, first: int = 0, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance (n, beats, 2 * per_beat), and the state after them.

        Args:
            before: (n, beats * steps, voices), the tokens of the beat before each.
            first: the number of the first beat, counted from the beginning of a segment.
            state: (1, n, hidden) before the first beat; None at the beginning.
        """
        h, state = self.remember(before, first, state)
        return self.moments(h), state

    def remember(self, before: Tensor, first: int = 0, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns what is remembered before each beat (n, beats, hidden), and the state after them.

        Args:
            before: as for `forward`.
            first: likewise.
            state: likewise.
        """
        x = self.embedding(_numbered(before, self.alphabet)).flatten(2).unflatten(1, (-1, self.sizes.steps)).flatten(2)
        beat = torch.arange(first, first + x.shape[1], device=before.device) % self.sizes.beats
        h, state = self.history(F.gelu(self.beat(x) + self.position(beat)), state)
        return h, state

    def moments(self, h: Tensor) -> Tensor:
        """Returns mean and log variance (n, beats, 2 * per_beat) of what is remembered."""
        mu, logvar = self.out(self.dropout(h)).chunk(2, 2)
        return torch.cat([mu, logvar.clamp(-8.0, 4.0)], 2)


class Plan(nn.Module):
    """A segment's code to what it says about each of its steps; a beat sees its own code and earlier ones.

    Args:
        sizes: of the networks.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.codes = nn.Conv1d(sizes.per_beat, PLAN, 3)
        self.position = nn.Parameter(0.1 * torch.randn(PLAN, sizes.beats))
        self.earlier = nn.Conv1d(PLAN, PLAN, 3)
        self.out = nn.Conv1d(PLAN, sizes.steps * sizes.plan, 1)
        self.direct = nn.Conv1d(sizes.per_beat, sizes.steps * sizes.plan, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Returns (n, steps, plan) of codes (n, beats, per_beat); fewer beats than a segment has are its first ones."""
        position = self.position[:, : z.shape[1]]
        codes = z.transpose(1, 2)
        h = F.gelu(self.codes(F.pad(codes, (2, 0))) + position)
        h = self.direct(codes) + self.out(
            h + F.gelu(self.earlier(F.pad(h, (2, 0))))
        )  # (n, steps of a beat * plan, beats)
        return h.unflatten(1, (self.sizes.steps, -1)).permute(0, 3, 1, 2).flatten(1, 2)


class Head(nn.Module):
    """The logits of one voice at one step, given what is known of the step.

    They are the sum of logits of pitches, of a parabola over pitches (so that a number in the code can say how high),
    of intervals to the voice's last pitch, of intervals (modulo the octave) to each voice that is already emitted, and
    of a table log p(pitch | last pitch), which starts as that of the data.

    Args:
        voice: its number; voices below it are emitted before it.
        sizes: of the networks.
        alphabet: of the tokens.
    """

    melodic: Tensor
    is_near: Tensor
    harmonic: Tensor
    is_pitch: Tensor
    height: Tensor

    def __init__(self, voice: int, sizes: Sizes, alphabet: Alphabet) -> None:
        super().__init__()
        self.voice, self.symbols = voice, alphabet.symbols
        size, intervals = alphabet.size, 2 * REACH + 1
        self.splits = [alphabet.symbols, 2, intervals, *[12] * voice, 1]
        self.emitted = nn.ParameterList([nn.Parameter(0.05 * torch.randn(size, sizes.head)) for _ in range(voice)])
        self.out = nn.Linear(sizes.head, sum(self.splits))
        with torch.no_grad():
            self.out.bias.zero_()
            self.out.weight *= 0.1
        self.table = nn.Parameter(torch.zeros(size, alphabet.symbols))
        last, pitch = torch.arange(size)[:, None], torch.arange(alphabet.symbols)[None]
        both = (last >= 1) & (last < alphabet.symbols) & (pitch >= 1)
        near = both & ((pitch - last).abs() <= REACH)
        self.centre = nn.Linear(sizes.plan, 2)
        self.register_buffer("height", heights(alphabet)[: alphabet.symbols], persistent=False)
        self.register_buffer("melodic", torch.where(near, pitch - last + REACH, 0), persistent=False)
        self.register_buffer("is_near", near.float(), persistent=False)
        self.register_buffer("harmonic", torch.where(both, (pitch - last) % 12, 0), persistent=False)
        self.register_buffer("is_pitch", both.float(), persistent=False)

    def forward(self, known: Tensor, plan: Tensor, last: Tensor, emitted: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits (n, symbols), and (n,) the logit of a repeated note being struck again.

        Args:
            known: (n, head), this voice's share of what is known.
            plan: (n, plan), what the code says.
            last: (n,), its token a step before.
            emitted: (n, voices), tokens of this step, of which those of voices before this one are looked at.
        """
        for other, table in enumerate(self.emitted):
            known = known + F.embedding(emitted[:, other], table)
        parts = self.out(F.gelu(known)).split(self.splits, 1)
        logits = parts[0] + F.embedding(last, self.table)
        centre, sharpness = (parts[1] + self.centre(plan)).split(1, 1)
        logits = logits - F.softplus(4 * sharpness) * (self.height - centre).square() * (self.height != 0)
        logits = logits + parts[2].gather(1, self.melodic[last]) * self.is_near[last]
        for other, harmonies in enumerate(parts[3:-1]):
            token = emitted[:, other]
            logits = logits + harmonies.gather(1, self.harmonic[token]) * self.is_pitch[token]
        return logits, parts[-1][:, 0]


class SegmentDecoder(nn.Module):
    """p(x_t | x_<t, z): a recurrent network over the steps so far, a plan from z, and a head for each voice.

    The recurrent network sees no code, so its state runs on from one segment into the next.

    Args:
        sizes: of the networks.
        alphabet: of the tokens.
    """

    def __init__(self, sizes: Sizes, alphabet: Alphabet) -> None:
        super().__init__()
        self.sizes, self.alphabet = sizes, alphabet
        self.embedding = token_embedding(sizes, alphabet)
        self.position = nn.Embedding(sizes.length, POSITION)
        self.history = nn.GRU(sizes.voices * EMBEDDING + POSITION, sizes.hidden, batch_first=True)
        self.plan = Plan(sizes)
        self.dropout = nn.Dropout(sizes.dropout)
        self.known = nn.Linear(sizes.hidden + sizes.plan + POSITION, sizes.voices * sizes.head)
        self.heads = nn.ModuleList([Head(voice, sizes, alphabet) for voice in range(sizes.voices)])

    def positions(self, steps: Tensor) -> Tensor:
        """Returns (len(steps), features) of steps, counted from the beginning of the first segment."""
        return self.position(steps % self.sizes.length)

    def remember(self, seen: Tensor, position: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns (n, steps, hidden) and the state after them.

        Args:
            seen: (n, steps, voices), the tokens a step before each.
            position: (n, steps, features).
            state: (1, n, hidden) before the first step; None at the beginning.
        """
        x = self.embedding(_numbered(seen, self.alphabet)).flatten(2)
        return self.history(torch.cat([x, position], 2), state)

    def knowledge(self, h: Tensor, plan: Tensor, position: Tensor) -> Tensor:
        """Returns (..., voices, head): what each voice's head is told about a step."""
        known = self.known(torch.cat([self.dropout(h), plan, position], -1))
        return known.unflatten(-1, (self.sizes.voices, self.sizes.head))

    def forward(self, z: Tensor, tokens: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits (n, steps, voices, symbols) and repeat logits (n, steps, voices), given the true tokens.

        Args:
            z: (n, segments * latent_dim).
            tokens: (n, steps, voices), what is predicted, repeats left aside.
            seen: (n, steps, voices), tokens a step before, hidden ones replaced.
        """
        n, steps, _ = tokens.shape
        position = self.positions(torch.arange(steps, device=z.device)).expand(n, -1, -1)
        h, _ = self.remember(seen, position)
        codes = z.unflatten(1, (-1, self.sizes.beats, self.sizes.per_beat))  # (n, segments, beats, per_beat)
        plan = self.plan(codes.flatten(0, 1)).unflatten(0, (n, -1)).flatten(1, 2)
        known, plan = self.knowledge(h, plan, position).flatten(0, 1), plan.flatten(0, 1)
        emitted, last = tokens.flatten(0, 1), (seen % self.alphabet.size).flatten(0, 1)
        pairs = [head(known[:, v], plan, last[:, v], emitted) for v, head in enumerate(self.heads)]
        logits = torch.stack([pair[0] for pair in pairs], 1).unflatten(0, (n, steps))
        return logits, torch.stack([pair[1] for pair in pairs], 1).unflatten(0, (n, steps))
