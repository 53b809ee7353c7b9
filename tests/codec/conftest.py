"""Files of every format, and what is needed to look at them."""

from __future__ import annotations

import importlib.util
import sys
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def hostile() -> ModuleType:
    """The benchmark of damaged streams."""
    spec = importlib.util.spec_from_file_location("hostile", ROOT / "benchmarks" / "codec" / "hostile.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def field() -> np.ndarray:
    """(12, 20, 30) float32: waves with noise, NaN and both infinities."""
    t, y, x = np.ogrid[0:12, 0:20, 0:30]
    values = np.sin(t / 3 + x / 7) * 20 + np.cos(y / 5) * 10 + np.random.default_rng(0).normal(0, 0.05, (12, 20, 30))
    values[3, 4:9, 5] = np.nan
    values[5, 0, 0], values[5, 0, 1] = np.inf, -np.inf
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def sound() -> np.ndarray:
    """(20000, 2) int16: a chord that fades, with noise."""
    t = np.arange(20_000)[:, None] / 8000
    tone = sum(np.sin(2 * np.pi * f * t + [0, 0.4]) for f in (220, 331, 442)) * np.exp(-t)
    return np.rint(4000 * tone + np.random.default_rng(1).normal(0, 8, tone.shape)).astype(np.int16)


def write_wav(path: Path, samples: np.ndarray, width: int = 2) -> Path:
    """Writes (frames, channels) integers with Python's own module; width in bytes."""
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], width, 8000, 0, "NONE", ""))
        if width == 1:
            file.writeframes((samples + 128).astype(np.uint8).tobytes())
        elif width == 3:
            file.writeframes(samples.astype("<i4")[..., None].view(np.uint8)[..., :3].tobytes())
        else:
            file.writeframes(samples.astype(f"<i{width}").tobytes())
    return path


def read_wav(path: Path) -> np.ndarray:
    """Returns (frames, channels) integers, read with Python's own module."""
    with wave.open(str(path), "rb") as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        raw = file.readframes(file.getnframes())
    if width == 1:
        return np.frombuffer(raw, np.uint8).astype(int).reshape(-1, channels) - 128
    if width == 3:
        three = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(int)
        whole = three[:, 0] | three[:, 1] << 8 | three[:, 2] << 16
        return np.where(whole >= 1 << 23, whole - (1 << 24), whole).reshape(-1, channels)
    return np.frombuffer(raw, f"<i{width}").astype(int).reshape(-1, channels)
