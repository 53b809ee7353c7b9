"""Gathers the recordings that separation and noise removal are trained and tested on, as 8 kHz mono files.

    python prepare.py ROOT OUT [--data LATENTE_DATA]

ROOT is a folder into which Debian packages were unpacked, each by `apt-get download NAME` and `dpkg -x NAME*.deb ROOT`:

- asterisk-core-sounds-{en,es,fr,it,ru}-wav, asterisk-prompt-it-menardi-wav, asterisk-moh-opsound-wav;
- more voices: klettres-data, ktuberling-data (letters, syllables and words in thirty languages), asterisk-prompt-es-co,
  asterisk-prompt-fr-armelle, fillets-ng-data-{cs,nl}, hedgewars-data (and its music);
- more music: hyperrogue-music, singularity-music, warzone2100-music, lincity-ng-data, drascula-music, asc-music,
  zaz-data, ardentryst, noiz2sa-data, rrootage-data, torus-trooper-data, titanion-data, gunroar-data, mu-cade-data,
  amoebax-data, pathological, frozen-bubble-data, extremetuxracer-data, fretsonfire-songs-{muldjord,sectoid};
- music as notes: openttd-openmsx, planetblupi-music-midi, freedoom, and JSB's chorales; timgm6mb-soundfont plays them;
- text to be read: fortunes-{it,es,de,min}.

The programs espeak-ng, flite and fluidsynth must be installed. OUT gets train/speech/VOICE/,
train/music/ALBUM/, test/speech/VOICE/ and test/music/. Test voices are the Italian ones of asterisk (menardi, carlo)
and FSDD's theo and lucas; test tracks are the_simplicity and morning_coffee. What is there already is not made again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from synthesis import lumps, play, read_aloud, write_chorale

from latente.audio import read_sound, resample, sound_info, write_sound

RATE = 8000
USUAL = 60  # seconds of a track that are kept, from its middle: variety of tracks, not of one track's bars
LONGEST = {"hyperrogue": 150, "singularity": 150, "warzone": 150}
SHORTEST = 20  # seconds; what is shorter among a game's sounds is no music
PLAYED = 60  # seconds of a MIDI file
CHORALES = 40
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
    "lincity": "usr/share/games/lincity-ng/music/default",
    "drascula": "usr/share/scummvm/drascula/audio",
    "asc": "usr/share/games/asc/music",
    "zaz": "usr/share/games/zaz",
    "ardentryst": "usr/share/games/ardentryst/Music",
    "noiz2sa": "usr/share/games/noiz2sa/sounds",
    "rrootage": "usr/share/games/rrootage/sounds",
    "torus-trooper": "usr/share/games/torus-trooper/sounds/musics",
    "titanion": "usr/share/games/titanion/sounds/musics",
    "gunroar": "usr/share/games/gunroar/sounds/musics",
    "mu-cade": "usr/share/games/mu-cade/sounds/musics",
    "amoebax": "usr/share/games/amoebax/music",
    "pathological": "usr/share/games/pathological/music",
    "frozen-bubble": "usr/share/games/frozen-bubble/snd",
    "etracer": "usr/share/games/etr/music",
    "hedgewars": "usr/share/games/hedgewars/Data/Music",
    "muldjord": "usr/share/games/fretsonfire/data/songs/muldjord",
    "sectoid": "usr/share/games/fretsonfire/data/songs/sectoid",
}
MIDI = {"openmsx": "usr/share/games/openttd/baseset/openmsx", "planetblupi": "usr/share/planetblupi/music"}
FISHES = {"m": "little", "v": "big"}  # in fillets-ng, by the second word of a file's name
MOST = 250  # files of one of its voices
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
    for folder in sorted((root / "usr/share/games/hedgewars/Data/Sounds/voices").glob("*/")):
        if folder.name not in ("Robot", "Singer"):
            yield f"hedgewars-{folder.name}", sounds(folder)
    for language in ("cs", "nl"):
        fishes: dict[str, list[Path]] = {}
        for path in sorted((root / "usr/share/games/fillets-ng/sound").rglob(f"{language}/*.ogg")):
            fishes.setdefault(FISHES.get("-".join(path.stem.split("-")[1:2]), "others"), []).append(path)
        for fish, files in sorted(fishes.items()):
            yield f"fillets-{language}-{fish}", files[:MOST]
    for language in ("es", "fr"):
        yield f"prompt-{language}", sorted((root / "usr/share/asterisk/sounds" / language).rglob("*.gsm"))


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
                write(target, telephone(path) if path.suffix == ".gsm" else read_sound(path, RATE, mono=True).samples)
            except ValueError as error:
                print(f"left out: {error}")


def telephone(path: Path) -> np.ndarray:
    """Returns the samples of a file of GSM frames, which has no header."""
    import soundfile

    return soundfile.read(path, samplerate=RATE, channels=1, format="RAW", subtype="GSM610", dtype="float32")[0]


def prepare_synthetic(root: Path, out: Path) -> None:
    """Writes the sentences that programs read."""
    for name, i, make in read_aloud(root, RATE):
        target = out / "train" / "speech" / name / f"{i:04d}.wav"
        if not target.exists():
            write(target, make())


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


def middle(path: Path, seconds: float) -> np.ndarray:
    """Returns the middle of a track; where an Ogg file promises a few samples more than it has, what is there."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        count = int(min(file.frames, seconds * file.samplerate))
        file.seek((file.frames - count) // 2)
        return resample(file.read(count, dtype="float32", always_2d=True).mean(1), file.samplerate, RATE)


def prepare_music(root: Path, out: Path) -> None:
    """Writes tracks, at most LONGEST seconds of each training track."""
    for album, folder in MUSIC.items():
        for path in sounds(root / folder):
            test = any(name in path.stem for name in TEST_TRACKS)
            stem = f"{path.parent.name}-{path.stem}" if album in ("muldjord", "sectoid") else path.stem
            target = out / ("test/music" if test else f"train/music/{album}") / f"{stem}.wav"
            if target.exists() or sound_info(path).seconds < SHORTEST:
                continue
            write(target, middle(path, np.inf if test or album == "opsound" else LONGEST.get(album, USUAL)))


def prepare_notes(root: Path, out: Path, data: Path) -> None:
    """Writes MIDI files and chorales of the training part as fluidsynth plays them."""
    soundfont = root / "usr/share/sounds/sf2/TimGM6mb.sf2"
    with tempfile.TemporaryDirectory() as folder:
        files = [(album, path) for album, place in MIDI.items() for path in sorted((root / place).glob("*.mid*"))]
        for wad in sorted((root / "usr/share/games/doom").glob("freedoom*.wad")):
            for name, midi in lumps(wad):
                Path(folder, f"{wad.stem}-{name}.mid").write_bytes(midi)
        files += [("freedoom", path) for path in sorted(Path(folder).glob("*.mid"))]
        files += [("chorales", path) for path in chorales(data, Path(folder))]
        for album, path in files:
            target = out / "train/music" / album / f"{path.stem}.wav"
            if not target.exists():
                write(target, play(path, soundfont, RATE, PLAYED))


def chorales(data: Path, folder: Path) -> list[Path]:
    """Writes chorales of JSB's training part as MIDI files and returns their paths."""
    with np.load(data / "jsb" / "jsb16.npz") as file:
        pieces = np.split(file["train"], file["train_offsets"][1:-1])
    rng = np.random.default_rng(0)
    paths = []
    for i in rng.choice(len(pieces), CHORALES, replace=False):
        paths.append(folder / f"chorale{i:03d}.mid")
        write_chorale(pieces[i], paths[-1], rng)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds fsdd/ and jsb/")
    arguments = parser.parse_args()
    prepare_speech(arguments.root, arguments.out)
    prepare_digits(arguments.data, arguments.out)
    prepare_music(arguments.root, arguments.out)
    prepare_notes(arguments.root, arguments.out, arguments.data)
    prepare_synthetic(arguments.root, arguments.out)


if __name__ == "__main__":
    main()
