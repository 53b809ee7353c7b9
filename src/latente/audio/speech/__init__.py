"""Features of spoken words, and words told apart by them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "latente.audio.speech.features": ("SpeechFeatures",),
    "latente.audio.speech.folders": ("WordRecordings", "find_words"),
    "latente.audio.speech.novelty": ("Novelty",),
    "latente.audio.speech.variations": ("Variations",),
    "latente.audio.speech.words": ("Recognition", "WordRecogniser"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)

if TYPE_CHECKING:
    from latente.audio.speech.features import SpeechFeatures
    from latente.audio.speech.folders import WordRecordings, find_words
    from latente.audio.speech.novelty import Novelty
    from latente.audio.speech.variations import Variations
    from latente.audio.speech.words import Recognition, WordRecogniser


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latente.audio.speech' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
