"""What the processor can do, as the operating system tells it."""

from __future__ import annotations

__all__ = ["cpu_flags", "cpu_vendor"]

from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


@cache
def _cpuinfo(file: Path) -> dict[str, str]:
    """Returns the first processor's lines by name; nothing where there is no such file."""
    try:
        first = file.read_text(encoding="utf-8").split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def cpu_flags() -> frozenset[str]:
    """Returns the names of the processor's instruction sets, such as "avx512_bf16"; none where they are not known."""
    return frozenset(_cpuinfo(CPUINFO).get("flags", "").split())


def cpu_vendor() -> str:
    """Returns "AuthenticAMD", "GenuineIntel" and the like; "" where it is not known."""
    return _cpuinfo(CPUINFO).get("vendor_id", "")
