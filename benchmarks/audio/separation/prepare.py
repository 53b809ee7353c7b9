"""Gathers the recordings that separation and noise removal are trained and tested on, as 8 kHz mono files.

    python prepare.py ROOT OUT [--data LATENTE_DATA]

ROOT is a folder into which Debian packages were unpacked, each by `apt-get download NAME` and `dpkg -x NAME*.deb ROOT`:

- asterisk-core-sounds-{en,es,fr,it,ru}-wav, asterisk-prompt-it-menardi-wav, asterisk-moh-opsound-wav;
- more voices: klettres-data, ktuberling-data (of KDE: letters, syllables and words in thirty languages);
- more music: hyperrogue-music, singularity-music, warzone2100-music.

OUT gets train/speech/VOICE/, train/music/ALBUM/, test/speech/VOICE/ and test/music/. Test voices are the Italian ones
of asterisk (menardi, carlo) and FSDD's theo and lucas; test tracks are the_simplicity and morning_coffee. What is there
already is not made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latente.audio import read_sound, resample, stream_sound, write_sound

RATE = 8000
LONGEST = 150  # seconds of a track that are kept, from its middle: variety of tracks, not of one track's bars
TEST_VOICES = ("menardi", "carlo", "theo", "lucas")
TEST_TRACKS = ("the_simplicity", "morning_coffee")
ASTERISK = {
    "allison-en": "en_US_f_Allison",
    "allison-es": "es_MX_f_Allison",
    "june": "fr_CA_f_June",
    "russian": "ru_RU_f_IvrvoiceRU",
    "menardi": "it_IT_f_Menardi",
    "carlo": "it_IT_m_Carlo",
}
MUSIC = {
    "opsound": "usr/share/asterisk/moh",
    "hyperrogue": "usr/share/hyperrogue/music",
    "singularity": "usr/share/games/singularity/music",
    "warzone": "usr/share/games/warzone2100/music/albums",
}
SUFFIXES = (".wav", ".ogg", ".opus", ".mp3")


def sounds(folder: Path) -> list[Path]:
    """Returns the sound files in a folder and below, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and "silence" not in path.parts)


def voices(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yields voices by name, each with its files."""
    for name, folder in ASTERISK.items():
        yield name, sounds(root / "usr/share/asterisk/sounds" / folder)
    for folder in sorted((root / "usr/share/ktuberling/sounds").glob("*/")):
        if not folder.name.startswith("sr@"):  # the same voice as sr
            yield f"ktuberling-{folder.name}", sounds(folder)
    for folder in sorted((root / "usr/share/klettres").glob("*/")):
        if folder.name != "it":
            yield f"klettres-{folder.name}", sounds(folder)


def write(path: Path, signal: np.ndarray) -> None:
    """Writes 16 bits with the peak at 0.9 where it is louder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    peak = float(np.abs(signal).max())
    write_sound(path, signal * min(1.0, 0.9 / peak) if peak else signal, RATE)


def prepare_speech(root: Path, out: Path) -> None:
    """Writes the recordings of voices."""
    for name, files in voices(root):
        side = "test" if name in TEST_VOICES else "train"
        for i, path in enumerate(files):
            target = out / side / "speech" / name / f"{i:04d}-{path.stem[:40]}.wav"
            if target.exists():
                continue
            try:
                write(target, read_sound(path, RATE, mono=True).samples)
            except ValueError as error:
                print(f"left out: {error}")


def prepare_digits(data: Path, out: Path) -> None:
    """Writes the spoken digits of FSDD, ten digits in a file."""
    with np.load(data / "fsdd" / "fsdd.npz") as file:
        names, speakers, takes = file["speaker_names"], file["speakers"], file["takes"]
        clips = np.split(file["audio"], file["offsets"][1:-1])
        rate = int(file["sample_rate"])
    for s, name in enumerate(names):
        side = "test" if str(name) in TEST_VOICES else "train"
        for take in np.unique(takes):
            target = out / side / "speech" / f"fsdd-{name}" / f"take{take:02d}.wav"
            if not target.exists():
                gap = np.zeros(rate // 10, np.int16)
                chosen = [clips[i] for i in np.flatnonzero((speakers == s) & (takes == take))]
                joined = np.concatenate([part for clip in chosen for part in (clip, gap)])
                write(target, resample(joined, rate, RATE))


def whole_track(path: Path) -> np.ndarray:
    """Returns a track; where an Ogg file promises a few samples more than it has, what is there."""
    pieces: list[np.ndarray] = []
    try:
        for piece in stream_sound(path, RATE, mono=True):
            pieces.append(piece)
    except ValueError as error:
        print(f"in part: {error}")
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def prepare_music(root: Path, out: Path) -> None:
    """Writes tracks, at most LONGEST seconds of each training track."""
    for album, folder in MUSIC.items():
        for path in sounds(root / folder):
            test = any(name in path.stem for name in TEST_TRACKS)
            target = out / ("test/music" if test else f"train/music/{album}") / f"{path.stem}.wav"
            if target.exists():
                continue
            track = whole_track(path)
            most = len(track) if test or album == "opsound" else LONGEST * RATE
            start = max(0, (len(track) - most) // 2)
            write(target, track[start : start + most])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds fsdd/")
    arguments = parser.parse_args()
    prepare_speech(arguments.root, arguments.out)
    prepare_digits(arguments.data, arguments.out)
    prepare_music(arguments.root, arguments.out)


if __name__ == "__main__":
    main()
