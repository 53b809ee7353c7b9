"""Features of spoken words, and words told apart by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latente.lazy import lazy_names

_HOMES = {
    "latente.audio.speech.features": ("SpeechFeatures",),
    "latente.audio.speech.folders": ("WordRecordings", "find_words"),
    "latente.audio.speech.novelty": ("Novelty",),
    "latente.audio.speech.variations": ("Variations",),
    "latente.audio.speech.words": ("Recognition", "WordRecogniser"),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_names(__name__, _HOMES)

if TYPE_CHECKING:
    from latente.audio.speech.features import SpeechFeatures
    from latente.audio.speech.folders import WordRecordings, find_words
    from latente.audio.speech.novelty import Novelty
    from latente.audio.speech.variations import Variations
    from latente.audio.speech.words import Recognition, WordRecogniser
