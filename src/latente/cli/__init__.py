"""The command line: parses, calls the library, prints."""

from __future__ import annotations

__all__ = ["main"]

from latente.cli.app import main
