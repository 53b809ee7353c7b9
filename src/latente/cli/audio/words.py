"""`latente audio words`: a recogniser of the user's own words, trained from a few recordings of each."""

from __future__ import annotations

__all__ = ["recognise", "train", "words_app"]

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from latente.cli import options
from latente.cli.outputs import check_file, check_folder, new_file, new_folder
from latente.cli.printing import lines, show
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.audio import Sound, WordRecogniser, WordRecordings

MODEL = Path("words-model")
LONG = 10.0  # seconds; a word or a phrase is shorter
FEW = 3  # recordings of a word

words_app = typer.Typer(
    help="Words and phrases told apart, after a few recordings of each.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@words_app.command(epilog="Example: latente audio words train recordings -o words-model --report words.html")
def train(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="WORD/FILE.wav, SPEAKER/WORD/FILE.wav, or WORD_1.wav, WORD_2.wav; also .flac, .ogg, .mp3.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Where the model goes.")] = MODEL,
    components: Annotated[int, typer.Option("--components", help="Numbers a clip becomes.", min=1)] = 64,
    rate: Annotated[
        float, typer.Option("--false-alarm-rate", help="Of clips of known words that may be called unknown.")
    ] = 0.05,
    sample_rate: Annotated[int, typer.Option("--sample-rate", help="Hz; files of another rate are resampled.")] = 8000,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the data.", show_default="auto")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with sounds to hear, .html.")] = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Learn the words in a folder of recordings."""
    from latente.audio import SpeechFeatures, WordRecogniser, find_words

    check_folder(output, force)
    if report is not None:
        check_file(report, (".html",), force)
    recordings, sounds = find_words(folder).read(sample_rate)
    _note_long(sounds)
    clips = [sound.samples for sound in sounds]
    features = SpeechFeatures(components, sample_rate=sample_rate, random_state=seed)
    if epochs is not None:
        features.set_params(trainer__epochs=epochs, trainer__verbose=False)
    model = WordRecogniser(features, false_alarm_rate=rate)
    model.fit(clips, recordings.words, speakers=recordings.speakers)
    with new_folder(output) as part:
        model.save(part)
    record, rows = _told(model, recordings, sounds, output)
    if report is not None:
        _write_page(report, model, recordings, clips)
        record["report"], rows["report"] = str(report), str(report)
    show(record, lines(rows), as_json)


def _note_long(sounds: list[Sound]) -> None:
    for sound in sounds:
        if sound.info.seconds > LONG:
            note(
                f"warning: {sound.info.path} lasts {sound.info.seconds:.0f} s; a recording should be one word or phrase"
            )


def _write_page(report: Path, model: WordRecogniser, recordings: WordRecordings, clips: list[Any]) -> None:
    from latente.report import write_words_report

    with new_file(report) as page:
        write_words_report(model, page, recordings, clips)


@words_app.command(epilog="Example: latente audio words recognise new.wav --model words-model")
def recognise(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Sound files, each one word or phrase.", show_default=False)
    ],
    model: Annotated[Path, typer.Option("--model", "-m", help="What train wrote.")] = MODEL,
    as_json: options.Json = False,
) -> None:
    """Say which word is heard in each file, or that it is unknown."""
    from latente.audio import WordRecogniser, read_sound

    if not model.exists():
        raise FileNotFoundError(
            f"no such recogniser: {model}; make one with latente audio words train FOLDER -o {model}"
        )
    fitted = WordRecogniser.load(model)
    sounds = [read_sound(path, fitted.features_.sample_rate, mono=True) for path in files]
    heard = fitted.recognise([sound.samples for sound in sounds])
    records, rows = [], {}
    for path, sound, found in zip(files, sounds, heard, strict=True):
        records.append(
            {
                "file": str(path),
                "word": found.word,
                "nearest": found.nearest,
                "p_value": found.p_value,
                "seconds": sound.info.seconds,
                "resampled_from": sound.info.sample_rate if sound.resampled else None,
                "clipped": sound.clipped,
            }
        )
        rows[str(path)] = _sentence(found, sound)
    show({"model": str(model), "files": records}, lines(rows), as_json)


def _sentence(found: Any, sound: Sound) -> str:
    if found.silent:
        return "unknown (silence)"
    marks = [f"p {found.p_value:.2g}"]
    if found.word != found.nearest:
        marks.insert(0, f"nearest {found.nearest}")
    if sound.clipped:
        marks.append(f"{sound.clipped} samples clipped")
    if sound.resampled:
        marks.append(f"resampled from {sound.info.sample_rate} Hz")
    return f"{found.word} ({', '.join(marks)})"


def _told(
    model: WordRecogniser, recordings: WordRecordings, sounds: list[Sound], output: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns what is said of a training, as JSON and as lines."""
    counts = recordings.counts()
    people = sorted(set(recordings.speakers or ()))
    guesses = model.held_out_words(recordings.speakers if len(people) > 1 else None)
    held_out = None if guesses is None else float((guesses == np.array(recordings.words)).mean())
    resampled = sum(sound.resampled for sound in sounds)
    clipped = sum(sound.clipped > 0 for sound in sounds)
    record: dict[str, Any] = {
        "model": str(output),
        "words": counts,
        "speakers": people or None,
        "held_out_accuracy": held_out,
        "resampled": resampled,
        "clipped": clipped,
        "seconds": model.features_.history_.seconds,
    }
    few = [word for word, count in counts.items() if count < FEW]
    rows = {
        "words": ", ".join(f"{word} ({count})" for word, count in counts.items()),
        "speakers": ", ".join(people),
        "held out": "" if held_out is None else _accuracy(held_out, len(people)),
        "sound": _changes(len(sounds), resampled, clipped, model.features_.sample_rate),
        "advice": f"record more of {', '.join(few)}: {FEW} or more make it surer" if few else "",
        "model": str(output),
    }
    return record, {label: text for label, text in rows.items() if text}


def _accuracy(value: float, people: int) -> str:
    who = "of a speaker that the classifier did not hear" if people > 1 else "that the classifier did not hear"
    return f"{100 * value:.0f}% of recordings {who} get their word (before unknowns are told; codes saw all of them)"


def _changes(count: int, resampled: int, clipped: int, rate: int) -> str:
    parts = [f"{count} recordings"]
    if resampled:
        parts.append(f"{resampled} resampled to {rate} Hz")
    if clipped:
        parts.append(f"{clipped} with clipped samples")
    return ", ".join(parts)
