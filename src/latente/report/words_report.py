"""The report of a recogniser of words."""

from __future__ import annotations

__all__ = ["write_words_report"]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.audio import WordRecogniser, WordRecordings
from latente.files import write_atomically
from latente.metrics import fit_pca
from latente.report.components import figure, picture, section, table, tiles
from latente.report.html import Html, join, tag
from latente.report.labels import Labels
from latente.report.page import page
from latente.report.players import player, spectrogram
from latente.report.plots import legend, map_plot
from latente.report.words import count, number, percent, plural

MOST, STRANGEST = 24, 5  # sounds of words; of recordings that fit their word worst


def write_words_report(
    model: WordRecogniser, path: str | Path, recordings: WordRecordings, clips: Sequence[NDArray[Any]]
) -> Path:
    """Writes one self-contained HTML file: the words to hear and see, the map of their codes, what is confused.

    Args:
        model: fitted.
        path: of the file.
        recordings: that it was fitted on.
        clips: (recordings,) their signals, at the sample rate of the model's features.

    Raises:
        NotFittedError: when the model is not fitted.
        ValueError: for other recordings than those of the fit.

    Example:
        >>> import tempfile
        >>> from latente import Trainer
        >>> from latente.audio import SpeechFeatures
        >>> t = np.arange(2000) / 8000
        >>> clips = [np.sin(6.28 * f * t) for f in (300, 310, 900, 910)]
        >>> heard = WordRecordings(tuple(Path(f"{i}.wav") for i in range(4)), ("low", "low", "high", "high"), None)
        >>> features = SpeechFeatures(2, trainer=Trainer(epochs=1), random_state=0)
        >>> model = WordRecogniser(features).fit(clips, heard.words)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_words_report(model, f"{folder}/words.html", heard, clips).name
        'words.html'
    """
    words = np.array(recordings.words)
    if not len(words) == len(clips) == len(model.codes_):
        raise ValueError(
            f"the model was fitted on {len(model.codes_)} recordings; got {len(words)} and {len(clips)} clips"
        )
    several = len(set(recordings.speakers or ())) > 1
    guesses = model.held_out_words(recordings.speakers if several else None)
    distances = model._novelty.distances(model.cepstra_)
    sections = [
        _summary(model, words, guesses, several),
        _words(model, words, clips, distances),
        _map(model.codes_, words),
        None if guesses is None else _confusions(words, guesses),
        _strangest(model, recordings, clips, distances, guesses),
    ]
    lead = f"{plural(len(model.classes_), 'word')}, learned from {plural(len(words), 'recording')}."
    file = Path(path)
    write_atomically(file, page("Spoken words: report", lead, *sections).encode())
    return file


def _summary(model: WordRecogniser, words: NDArray[Any], guesses: NDArray[Any] | None, several: bool) -> Html:
    right = "—" if guesses is None else percent(float((guesses == words).mean()))
    who = "by a speaker that the classifier did not hear" if several else "that the classifier did not hear"
    rate = percent(model.false_alarm_rate)
    return section(
        "Summary",
        tiles(
            [
                ("words", count(len(model.classes_)), plural(len(words), "recording")),
                ("right", right, f"of recordings {who}; the codes saw all of them"),
                ("unknown", f"above {number(model.threshold_)}", f"distance to a word; {rate} of known words may be"),
            ]
        ),
        id_="summary",
    )


def _words(model: WordRecogniser, words: NDArray[Any], clips: Sequence[Any], distances: NDArray[Any]) -> Html:
    """The most typical recording of each word."""
    rate, rows = model.features_.sample_rate, []
    for word in model.classes_[:MOST]:
        own = np.flatnonzero(words == word)
        typical = int(own[np.argmin(distances[own])])
        rows.append([word, count(len(own)), _seen_and_heard(clips[typical], rate, str(word))])
    left = len(model.classes_) - MOST
    rest = tag("p", f"{plural(left, 'word')} more are not shown.") if left > 0 else None
    return section("Words", table(["word", "recordings", "the most typical one"], rows, prose=True), rest, id_="words")


def _seen_and_heard(clip: Any, rate: int, name: str) -> Html:
    return join([picture(spectrogram(clip, rate), f"spectrogram of {name}"), tag("br"), player(clip, rate, name)])


def _map(codes: NDArray[Any], words: NDArray[Any]) -> Html:
    pca = fit_pca(codes, 2)
    flat = pca.transform(codes)
    points = flat if flat.shape[1] == 2 else np.column_stack([flat, np.zeros(len(flat))])
    labels = Labels.of(words, None, len(words))
    few = None if labels is None else labels.few()
    share = percent(float(pca.explained_variance_ratio_.sum()))
    drawing = map_plot(points, few, ("first component", "second component"), "a map of codes by word", "map")
    text = f"The first two principal components of the codes hold {share} of their variance; each point is a recording."
    names = None if few is None else legend([few.names[i] for i in few.present], [int(i) for i in few.present])
    return section("Map of the words", figure(tag("div", drawing, names), text), id_="map")


def _confusions(words: NDArray[Any], guesses: NDArray[Any]) -> Html:
    """The pairs that are confused most."""
    wrong = guesses != words
    pairs, counts = np.unique(np.array([words[wrong], guesses[wrong]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:STRANGEST]
    rows = [[str(pairs[0, i]), str(pairs[1, i]), f"{counts[i]} of {int((words == pairs[0, i]).sum())}"] for i in order]
    inside = (
        table(["said", "taken for", "recordings"], rows)
        if rows
        else tag("p", "No recording is taken for another word.")
    )
    return section("Confusions", tag("p", "By classifiers that did not hear the recording."), inside, id_="confusions")


def _strangest(
    model: WordRecogniser,
    recordings: WordRecordings,
    clips: Sequence[Any],
    distances: NDArray[Any],
    guesses: NDArray[Any] | None,
) -> Html:
    """Recordings that are far from their word: noisy, cut off, or in the wrong folder."""
    rate, rows = model.features_.sample_rate, []
    for i in np.argsort(-distances, kind="stable")[:STRANGEST]:
        taken = "" if guesses is None or guesses[i] == recordings.words[i] else f", taken for {guesses[i]}"
        name = f"{recordings.paths[i].name}: {recordings.words[i]}{taken}"
        rows.append([name, number(float(distances[i])), _seen_and_heard(clips[i], rate, name)])
    text = "Far from every word: listen whether they are noisy, cut off, or in the wrong folder."
    return section(
        "Least typical recordings",
        tag("p", text),
        table(["recording", "distance", ""], rows, prose=True),
        id_="strange",
    )
