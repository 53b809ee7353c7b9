"""What the model of music takes, checked before any work."""

from __future__ import annotations

__all__ = ["check_codes", "check_counts", "check_like", "check_scores", "check_settings", "divided"]

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latente.audio.music.score import Score, as_score
from latente.parts import is_integer, is_number

COUNTS = ("latent_dim", "beats", "segments", "hidden", "head")


def check_settings(model: Any) -> None:
    """Raises ValueError for a setting of a MusicAutoencoder that makes no sense."""
    for name in COUNTS:
        if not is_integer(getattr(model, name), low=1):
            raise ValueError(f"{name} must be an integer of at least 1; got {getattr(model, name)!r}")
    if model.latent_dim % model.beats:
        raise ValueError(
            f"latent_dim must be a multiple of beats, {model.beats}: every beat has numbers of its own; got "
            f"{model.latent_dim}"
        )
    for name in ("blind", "hidden_share", "uncoded"):
        if not is_number(getattr(model, name), 0, 1):
            raise ValueError(f"{name} is a share in [0, 1]; got {getattr(model, name)!r}")
    if not is_integer(model.transpose, 0, 48):
        raise ValueError(f"transpose must be an integer from 0 to 48 semitones; got {model.transpose!r}")


def check_scores(scores: Iterable[Any], like: Score | None = None) -> list[Score]:
    """Returns scores that one model can hold, or raises.

    Args:
        scores: Score objects or arrays (voices, steps).
        like: a score that they must match in voices and steps of a beat; None takes the first one.

    Raises:
        TypeError: for no list of scores.
        ValueError: for none at all, silence only, or scores that differ in voices or in steps of a beat.
    """
    if isinstance(scores, Score) or (isinstance(scores, np.ndarray) and scores.ndim == 2):
        raise TypeError("fit wants a list of scores; put a single one in a list: fit([score])")
    if isinstance(scores, (str, bytes)) or hasattr(scores, "__fspath__"):
        raise TypeError(f"fit wants a list of scores; got the path {scores!r}. read_midi_folder(path).scores reads one")
    found = [as_score(score) for score in scores]
    if not found:
        raise ValueError("there are no scores to train on: the list is empty")
    first = like or found[0]
    for i, score in enumerate(found):
        if (score.voices, score.steps_per_beat) != (first.voices, first.steps_per_beat):
            raise ValueError(
                f"score {i} has {score.voices} voices and {score.steps_per_beat} steps in a beat, others have "
                f"{first.voices} and {first.steps_per_beat}; all must be alike"
            )
    if all((score.pitches < 0).all() for score in found):
        raise ValueError("all scores are silent")
    return found


def check_like(model: Any, music: Any) -> Score:
    """Returns music as a score that a fitted model can read.

    Args:
        model: a fitted MusicAutoencoder.
        music: a Score or an array (voices, steps).

    Raises:
        ValueError: for another number of voices, another grid or pitches that the model does not know.
    """
    score = as_score(music)
    if score.voices != model.voices_:
        raise ValueError(f"this model knows {model.voices_} voices; the score has {score.voices}")
    if score.steps_per_beat != model.steps_per_beat_:
        raise ValueError(
            f"this model has {model.steps_per_beat_} steps in a beat; the score has {score.steps_per_beat}. Read it "
            f"with steps_per_beat={model.steps_per_beat_}"
        )
    model.alphabet_.encode(score.pitches)
    return score


def check_counts(low: int = 1, **counts: Any) -> None:
    """Raises ValueError for an argument that is no integer of at least `low`.

    Args:
        low: the smallest that is allowed.
        counts: arguments by name.
    """
    for name, value in counts.items():
        if not is_integer(value, low=low):
            raise ValueError(f"{name} must be an integer of at least {low}; got {value!r}")


def check_codes(z: Any, latent_dim: int) -> Tensor:
    """Returns codes (n, segments, latent_dim).

    Args:
        z: these, (segments, latent_dim) of one piece, or (latent_dim,) of one segment.
        latent_dim: of the model.

    Raises:
        ValueError: for another shape, or numbers that are not finite.
    """
    codes = np.asarray(z, np.float32)
    if not 1 <= codes.ndim <= 3 or codes.shape[-1] != latent_dim or not codes.size:
        raise ValueError(f"z must be (segments, {latent_dim}) or (n, segments, {latent_dim}); got shape {codes.shape}")
    if not np.isfinite(codes).all():
        raise ValueError("z has values that are not finite")
    return torch.from_numpy(codes.reshape((1,) * (3 - codes.ndim) + codes.shape))


def divided(scores: list[Score], fraction: float, seed: int) -> tuple[list[Score], list[Score]]:
    """Returns scores to train on and whole scores that are held out."""
    if len(scores) < 2:
        raise ValueError("one score is too few to hold some out for validation; pass validation=, or patience=None")
    order = np.random.default_rng(seed).permutation(len(scores))
    held = min(len(scores) - 1, max(1, round(fraction * len(scores))))
    return [scores[i] for i in order[held:]], [scores[i] for i in order[:held]]
