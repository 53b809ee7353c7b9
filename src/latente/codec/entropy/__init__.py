"""Entropy coding of integers: tables of integer frequencies by class of context, which adapt while coding."""

from __future__ import annotations

__all__ = ["ContextDecoder", "ContextEncoder", "classes_of", "frequencies", "from_tokens", "to_tokens"]

from latente.codec.entropy.coder import ContextDecoder, ContextEncoder, classes_of
from latente.codec.entropy.tables import frequencies
from latente.codec.entropy.tokens import from_tokens, to_tokens
