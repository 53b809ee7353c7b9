"""`python -m latente` is the command line."""

from __future__ import annotations

__all__: list[str] = []

import sys

from latente.cli import main

if __name__ == "__main__":
    sys.exit(main())
