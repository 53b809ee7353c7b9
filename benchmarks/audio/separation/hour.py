"""Takes an hour of sound apart on the command line: peak memory, CPU time, and whether the parts add up.

    python hour.py FOLDER [--seconds 3600] [--rate 44100] [--channels 2]

Writes FOLDER/hour.wav piece by piece, 16 bits, of two sources: a buzz that glides and pauses as a voice does, and
chords; takes it apart with the shipped model, and adds the written parts up as integers. An hour of stereo at 44.1 kHz
needs 2.6 GB in FOLDER.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from latente.audio import open_sound

PIECE = 10  # seconds


def voice(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Returns a buzz (n,) whose pitch glides, in syllables."""
    pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.2, 0.6) * t))
    phase = 2 * np.pi * np.cumsum(pitch) * (t[1] - t[0])
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(2, 4) * t + rng.uniform(0, 6)), 0, None)
    return np.asarray(0.12 * buzz * syllables)


def chords(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Returns a chord (n,) of three notes for each second."""
    notes = 220 * 2 ** (rng.integers(0, 24, (3, len(t) // round(1 / (t[1] - t[0])) + 1)) / 12)
    frequency = notes[:, np.minimum(t.astype(int), notes.shape[1] - 1)]
    return np.asarray(0.08 * np.sin(2 * np.pi * frequency * t).sum(0))


def write(path: Path, seconds: int, rate: int, channels: int) -> None:
    """Writes the mixture; each channel has both sources, at other levels."""
    rng = np.random.default_rng(0)
    with open_sound(path, rate, channels) as writer:
        for start in range(0, seconds, PIECE):
            t = np.arange(min(PIECE, seconds - start) * rate) / rate
            a, b = voice(rng, t), chords(rng, t)
            both = np.stack([a + (0.5 + c) * b for c in range(channels)])
            writer.write(both if channels > 1 else both[0])


def separate(path: Path, out: Path) -> tuple[float, float, float]:
    """Returns peak memory in MB, CPU seconds and seconds of the command."""
    command = [sys.executable, "-m", "latente", "audio", "separate", str(path), "-o", str(out), "--force"]
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, time.monotonic() - began


def largest_difference(path: Path, out: Path) -> int:
    """Returns the largest difference of the mixture and the sum of its parts, in steps of 16 bits."""

    def blocks(file: Path) -> Iterator[np.ndarray]:
        return soundfile.blocks(file, blocksize=1 << 20, dtype="int16", always_2d=True)

    files = [path, *sorted(out.glob(f"{path.stem}-*.wav"))]
    worst, frames = 0, 0
    for whole, *parts in zip(*map(blocks, files), strict=True):
        worst = max(worst, int(np.abs(whole.astype(int) - sum(part.astype(int) for part in parts)).max()))
        frames += len(whole)
    assert frames == soundfile.info(path).frames
    return worst


def main() -> None:
    """Writes, takes apart and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=int, default=44_100)
    parser.add_argument("--channels", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path, out = arguments.folder / "hour.wav", arguments.folder / "parts"
    write(path, arguments.seconds, arguments.rate, arguments.channels)
    memory, cpu, wall = separate(path, out)
    size = path.stat().st_size / 1e6
    print(f"{arguments.seconds} s, {arguments.channels} channels, {arguments.rate} Hz, {size:.0f} MB")
    print(f"peak memory {memory:.0f} MB, CPU {cpu:.0f} s, {wall:.0f} s by the clock")
    print(f"largest difference of the sum of the parts: {largest_difference(path, out)} steps")


if __name__ == "__main__":
    main()
