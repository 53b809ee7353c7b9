"""Voices and music that programs make: text read by espeak-ng and flite, MIDI files played by fluidsynth."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from latente.audio import read_sound

ESPEAK = ("it", "es", "fr-fr", "de", "en-gb", "pt-br")
VARIANTS = ("m1", "m3", "m5", "m7", "f1", "f2", "f4", "croak")
FLITE = ("awb", "kal16", "rms", "slt")
FORTUNES = {"it": "it", "es": "es", "de": "de"}  # folders of texts; the others are read English ones
SENTENCES = 45  # of a synthetic voice
PROGRAMS = ((0, 4), (16, 21), (24, 32), (40, 54), (56, 72), (73, 80))  # General MIDI: from, to; for the chorales


def run(command: list[str]) -> None:
    """Runs a program without its chatter."""
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def sentences(root: Path, language: str, rng: np.random.Generator, count: int) -> list[str]:
    """Returns sentences of 20 to 160 letters from the fortunes of a language; English ones where there are none."""
    folder = root / "usr/share/games/fortunes" / FORTUNES.get(language[:2], "")
    texts = [
        path.read_text("utf-8", "replace")
        for path in sorted(folder.iterdir())
        if path.suffix in ("", ".u8") and path.is_file()
    ]
    found = [" ".join(part.split()).lstrip("-~ ") for text in texts for part in re.split(r"[.!?]\s|\n%\n", text)]
    fit = [part for part in found if 20 <= len(part) <= 160 and "\ufffd" not in part]
    return [fit[i] for i in rng.choice(len(fit), min(count, len(fit)), replace=False)]


def readers() -> Iterator[tuple[str, str, Callable[[str, Path, np.random.Generator], list[str]]]]:
    """Yields synthetic voices: a name, a language, and what makes the command that reads a text into a file."""
    for language in ESPEAK:
        for variant in VARIANTS:
            yield (
                f"espeak-{language}-{variant}",
                language,
                lambda text, out, rng, v=f"{language}+{variant}": [
                    "espeak-ng",
                    "-v",
                    v,
                    "-s",
                    str(rng.integers(110, 210)),
                    "-p",
                    str(rng.integers(20, 80)),
                    "-w",
                    str(out),
                    text,
                ],
            )
    for voice in FLITE:
        yield (
            f"flite-{voice}",
            "en",
            lambda text, out, rng, v=voice: [
                "flite",
                "-voice",
                v,
                "--setf",
                f"duration_stretch={rng.uniform(0.8, 1.3):.2f}",
                "-t",
                text,
                "-o",
                str(out),
            ],
        )


def read_aloud(root: Path, rate: int) -> Iterator[tuple[str, int, Callable[[], np.ndarray]]]:
    """Yields for each synthetic voice and sentence what makes its sound."""
    for name, language, command in readers():
        rng = np.random.default_rng(hash_of(name))
        few = SENTENCES if name.startswith("flite") else SENTENCES // 5
        for i, text in enumerate(sentences(root, language, rng, few)):
            yield name, i, lambda c=command, t=text, r=rng: sounding(lambda out: run(c(t, out, r)), rate)


def sounding(make: Callable[[Path], None], rate: int) -> np.ndarray:
    """Returns the sound of a file that is made and thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "a.wav"
        make(out)
        return read_sound(out, rate, mono=True).samples


def hash_of(name: str) -> int:
    """Returns a number of a name, the same on every machine."""
    return int.from_bytes(name.encode()[-6:], "big")


def play(midi: Path, soundfont: Path, rate: int, seconds: float) -> np.ndarray:
    """Returns the beginning of a MIDI file as fluidsynth plays it."""

    def make(out: Path) -> None:
        run(["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", str(rate), "-F", str(out), str(soundfont), str(midi)])

    return sounding(make, rate)[: int(seconds * rate)]


def lumps(wad: Path) -> Iterator[tuple[str, bytes]]:
    """Yields the MIDI files in a WAD, each once."""
    data = wad.read_bytes()
    count, at = (int.from_bytes(data[i : i + 4], "little") for i in (4, 8))
    seen: set[bytes] = set()
    for i in range(at, at + 16 * count, 16):
        start, size = (int.from_bytes(data[j : j + 4], "little") for j in (i, i + 4))
        lump = data[start : start + size]
        if lump[:4] == b"MThd" and lump not in seen:
            seen.add(lump)
            yield data[i + 8 : i + 16].rstrip(b"\0").decode("ascii").lower(), lump


def write_chorale(notes: np.ndarray, path: Path, rng: np.random.Generator) -> None:
    """Writes a chorale, (steps, 4) MIDI numbers in 16ths, as a MIDI file for four random instruments."""
    from pretty_midi import Instrument, Note, PrettyMIDI

    step = 15 / rng.uniform(60, 140)
    midi = PrettyMIDI()
    one = rng.random() < 0.5  # instrument for all voices
    program = int(rng.integers(*PROGRAMS[rng.integers(len(PROGRAMS))]))
    for voice in notes.T:
        part = Instrument(program if one else int(rng.integers(*PROGRAMS[rng.integers(len(PROGRAMS))])))
        edges = np.flatnonzero(np.diff(voice, prepend=-2, append=-2))
        for a, b in pairwise(edges):
            if voice[a] >= 0:
                part.notes.append(Note(int(rng.integers(60, 110)), int(voice[a]), float(a * step), float(b * step)))
        midi.instruments.append(part)
    midi.write(str(path))
