"""Spoken words and phrases recognised, from a few recordings of each."""

from __future__ import annotations

__all__ = ["UNKNOWN", "Recognition", "WordRecogniser"]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from latente.audio.clips import load_clips
from latente.audio.speech.features import SpeechFeatures
from latente.audio.speech.novelty import Novelty, log_of
from latente.parts import is_integer, is_number

Array = NDArray[Any]
UNKNOWN = "unknown"
CROSSED, FOLDS, LARGER = 500, 3, 5  # of more clips than CROSSED, the first of LARGER folds is held out, not each


@dataclass(frozen=True)
class Recognition:
    """What was heard in a clip.

    Attributes:
        word: the word, or "unknown".
        nearest: the word that fits best, also where `word` is "unknown".
        p_value: how often a clip of a known word is as strange as this one; at most the rate of false alarms makes it
            unknown.
        ranking: words with the classifier's scores, the best first.
        silent: whether there is nothing to hear.

    Example:
        >>> Recognition("unknown", "yes", 0.001, (("yes", 1.2), ("no", 0.1)), False).word
        'unknown'
    """

    word: str
    nearest: str
    p_value: float
    ranking: tuple[tuple[str, float], ...]
    silent: bool


class WordRecogniser(ClassifierMixin, BaseEstimator):
    """Tells which of the words of `fit` is said in a clip, or that it is none of them.

    A support vector machine on the codes of `SpeechFeatures` chooses the word. A clip is "unknown" when it is farther
    from the nearest known clip, as the autoencoder rebuilds it, than nearly all clips of known words are that features
    were not fitted on; see `Novelty`.

    Args:
        features: SpeechFeatures, fitted or not; None for the defaults. Unfitted ones are fitted on the same clips.
        false_alarm_rate: the fraction of clips of known words that may be called unknown.
        C: the penalty of the support vector machine.
        variations: of each training clip, that the classifier learns besides.

    Attributes:
        features_: the fitted SpeechFeatures.
        classes_: (words,) in alphabetical order.
        codes_: (clips, n_components) of the training clips.

    Example:
        >>> from latente import Trainer
        >>> rng = np.random.default_rng(0)
        >>> t = np.arange(3000) / 8000
        >>> clips = [np.sin(2 * np.pi * f * t) + 0.1 * rng.normal(size=3000) for f in [300, 900] * 5]
        >>> features = SpeechFeatures(4, trainer=Trainer(epochs=2), random_state=0)
        >>> model = WordRecogniser(features).fit(clips, ["low", "high"] * 5)
        >>> model.predict(clips[:2]).tolist()
        ['low', 'high']
    """

    def __init__(
        self,
        features: SpeechFeatures | None = None,
        *,
        false_alarm_rate: float = 0.05,
        C: float = 10.0,
        variations: int = 3,
    ) -> None:
        self.features = features
        self.false_alarm_rate = false_alarm_rate
        self.C = C
        self.variations = variations

    def fit(self, clips: Any, words: Sequence[str], *, speakers: Sequence[Any] | None = None) -> Self:
        """Learns the words and returns self.

        Args:
            clips: a list of signals or of paths of sound files.
            words: (clips,) what is said in each; two words at least, one clip of each at least, more are better.
            speakers: (clips,) who says it, for `SpeechFeatures.fit` and, where its features standardise each speaker,
                for its `transform`.

        Raises:
            TypeError, ValueError, FileNotFoundError: for clips or words that cannot be used, before any training.
            KeyboardInterrupt: when the training of features was interrupted; what was learned before stays.
        """
        self._check()
        signals = load_clips(clips, self._rate())
        classes, index = self._classes(words, len(signals))
        silent = [i for i, signal in enumerate(signals) if not signal.any()]
        if silent:
            raise ValueError(f"clip {silent[0]} ({words[silent[0]]}) is silent; leave it out or record it again")
        features = self._fitted(signals, speakers)
        measured = self._measured(features, signals, speakers)
        distances = None
        if features is not self.features:
            distances = self._crossed(signals, index, speakers)
        self.features_ = features
        self._learn(*measured, index, classes, distances)
        return self

    def _measured(
        self, features: SpeechFeatures, signals: Any, speakers: Sequence[Any] | None
    ) -> tuple[Array, Array, Array]:
        """Returns codes, cepstra, and codes of variations."""
        who = _used(features, speakers)
        codes = np.asarray(features.transform(signals, speakers=who))
        varied = features.varied_codes(signals, max(1, self.variations), 0, speakers=who)
        return codes, features.cepstra(signals, speakers=who), varied

    def _crossed(self, signals: Any, words: Array, speakers: Sequence[Any] | None) -> Array | None:
        """Returns logarithms of the distances of clips by features and words that were learned without them.

        Features fit the clips that they were trained on better than new ones, the more so the fewer there are.
        """
        out = []
        for held in _folds(words, FOLDS) if len(words) <= CROSSED else _folds(words, LARGER)[:1]:
            rest = np.flatnonzero(~held)
            if len(np.unique(words[rest])) < 2:
                continue
            some = [signals[i] for i in rest]
            who = None if speakers is None else [speakers[int(i)] for i in rest]
            features = self._fitted(some, who)
            known, index = np.unique(words[rest], return_inverse=True)
            novelty = _novelty_of(features, *self._measured(features, some, who), index)
            tried = [int(i) for i in np.flatnonzero(held) if words[i] in known]
            asked = None if speakers is None else _used(features, [speakers[i] for i in tried])
            if tried:
                heard = features.cepstra([signals[i] for i in tried], speakers=asked)
                out.append(log_of(novelty.distances(heard)))
        return np.concatenate(out) if out else None

    def recognise(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> list[Recognition]:
        """Returns what is heard in each clip.

        Args:
            clips: as in `fit`, one or more.
            speakers: (clips,) who says it, where the features standardise each speaker; None where it is not known.

        Raises:
            NotFittedError: before `fit`.
            TypeError, ValueError, FileNotFoundError: for clips that cannot be used.
        """
        signals = load_clips(clips, self._rate())
        scores = self.decision_function(signals, speakers=speakers)
        p_values = self.p_values(signals, speakers=speakers)
        out = []
        for signal, score, p in zip(signals, scores, p_values, strict=True):
            order = np.argsort(-score, kind="stable")
            ranking = tuple((str(self.classes_[i]), float(score[i])) for i in order)
            silent = not signal.any()
            word = UNKNOWN if silent or p <= self.false_alarm_rate else ranking[0][0]
            out.append(Recognition(word, ranking[0][0], 0.0 if silent else float(p), ranking, silent))
        return out

    def predict(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> NDArray[np.str_]:
        """Returns (clips,): the words, "unknown" among them.

        Args:
            clips: as in `recognise`.
            speakers: as in `recognise`.
        """
        return np.array([heard.word for heard in self.recognise(clips, speakers=speakers)])

    def decision_function(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> NDArray[np.float64]:
        """Returns (clips, words): how strongly each word is suggested, highest for the one that is chosen.

        Args:
            clips: as in `recognise`.
            speakers: as in `recognise`.
        """
        check_is_fitted(self, "codes_")
        scores = self._machine.decision_function(self.features_.transform(clips, speakers=speakers) / self._scale)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    def distances(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> NDArray[np.float64]:
        """Returns (clips,): how far each is from the nearest known clip; see `Novelty`.

        Args:
            clips: as in `recognise`.
            speakers: as in `recognise`.
        """
        check_is_fitted(self, "codes_")
        return self._novelty.distances(self.features_.cepstra(clips, speakers=speakers))

    def p_values(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> NDArray[np.float64]:
        """Returns (clips,): how often a clip of a known word is at least as far from it.

        Args:
            clips: as in `recognise`.
            speakers: as in `recognise`.
        """
        return self._novelty.p_values(self.distances(clips, speakers=speakers))

    @property
    def threshold_(self) -> float:
        """The distance above which a clip is unknown."""
        check_is_fitted(self, "codes_")
        return self._novelty.threshold(self.false_alarm_rate)

    def held_out_words(self, speakers: Sequence[Any] | None = None, folds: int = 5) -> NDArray[np.str_] | None:
        """Returns (clips,): the words that classifiers choose for training clips that they did not hear.

        The features have heard all of them; unknowns are not told. None where no word has two clips.

        Args:
            speakers: (clips,) who says each; with them each speaker is held out in turn.
            folds: without them, at most.
        """
        check_is_fitted(self, "codes_")
        most = int(np.bincount(self.words_).max())
        if speakers is not None:
            groups = np.unique([str(speaker) for speaker in speakers], return_inverse=True)[1]
            parts = [groups == group for group in np.unique(groups)]
        elif most > 1:
            parts = _folds(self.words_, min(folds, most))
        else:
            return None
        out = np.full(len(self.words_), UNKNOWN, dtype=object)
        for held in parts:
            rest = ~held
            if len(np.unique(self.words_[rest])) > 1:
                machine = self._machine_of(self.codes_[rest], self.varied_[rest], self.words_[rest])
                out[held] = self.classes_[machine.predict(self.codes_[held] / self._scale)]
        return out.astype(str)

    def save(self, path: str | Path) -> Path:
        """Writes the recogniser to a folder of safetensors and JSON, and returns its path.

        Args:
            path: of the folder.
        """
        from latente.audio.speech.saving import save_recogniser

        check_is_fitted(self, "codes_")
        return save_recogniser(self, path)

    @classmethod
    def load(cls, path: str | Path) -> WordRecogniser:
        """Returns the recogniser in a folder.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.audio.speech.saving import load_recogniser

        return load_recogniser(path)

    def _learn(
        self,
        codes: Array,
        cepstra: Array,
        varied: Array,
        words: Array,
        classes: Sequence[str],
        log_distances: Array | None = None,
    ) -> None:
        """Fits the classifier and the distances; what it is given is what a saved recogniser keeps."""
        self.codes_, self.cepstra_, self.varied_, self.words_ = codes, cepstra, varied, words
        self.classes_ = np.array(classes)
        self._scale = float(codes.std(0).mean()) or 1.0
        self._machine = self._machine_of(codes, varied, words)
        self._novelty = _novelty_of(self.features_, codes, cepstra, varied, words)
        if log_distances is not None:
            self._novelty = replace(self._novelty, log_distances=log_distances)

    def _machine_of(self, codes: Array, varied: Array, words: Array) -> SVC:
        """Returns the classifier of clips and their variations."""
        more = varied[:, : self.variations].reshape(-1, codes.shape[1])
        X = np.concatenate([codes, more]) / self._scale
        y = np.concatenate([words, np.repeat(words, min(self.variations, varied.shape[1]))])
        return SVC(C=self.C, decision_function_shape="ovr").fit(X, y)

    def _fitted(self, signals: Any, speakers: Sequence[Any] | None) -> SpeechFeatures:
        features = SpeechFeatures(random_state=0) if self.features is None else self.features
        if features.__sklearn_is_fitted__():
            return features
        fitted = clone(features).fit(signals, speakers=speakers)
        if fitted.history_.stopped == "interrupted":  # half-trained features tell words badly
            raise KeyboardInterrupt
        return fitted

    def _rate(self) -> int:
        return SpeechFeatures().sample_rate if self.features is None else self.features.sample_rate

    def _classes(self, words: Sequence[str], clips: int) -> tuple[list[str], NDArray[np.int64]]:
        said = [str(word) for word in words]
        if len(said) != clips:
            raise ValueError(f"words must be one for each clip, {clips}; got {len(said)}")
        classes = sorted(set(said))
        if len(classes) < 2:
            raise ValueError(f"two words at least are needed to tell them apart; got {classes}")
        if UNKNOWN in classes:
            raise ValueError(f"{UNKNOWN!r} is what clips of no known word are called; name that word otherwise")
        return classes, np.array([classes.index(word) for word in said], dtype=np.int64)

    def _check(self) -> None:
        if not is_number(self.false_alarm_rate, 0, 1) or not 0 < self.false_alarm_rate < 1:
            raise ValueError(f"false_alarm_rate must be between 0 and 1; got {self.false_alarm_rate!r}")
        if not is_number(self.C, 0) or self.C == 0:
            raise ValueError(f"C must be above 0; got {self.C!r}")
        if not is_integer(self.variations, low=0):
            raise ValueError(f"variations must be an integer of at least 0; got {self.variations!r}")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "codes_")


def _novelty_of(features: SpeechFeatures, codes: Array, cepstra: Array, varied: Array, words: Array) -> Novelty:
    rebuild = features.autoencoder_.inverse_transform
    around = np.asarray(rebuild(varied.reshape(-1, codes.shape[1]))).reshape(*varied.shape[:2], -1)
    return Novelty.of(cepstra, np.asarray(rebuild(codes)), around, words)


def _used(features: SpeechFeatures, speakers: Sequence[Any] | None) -> Sequence[Any] | None:
    """Returns the speakers where features standardise each of them."""
    return None if features.speakers_ is None else speakers


def _folds(words: Array, count: int) -> list[NDArray[np.bool_]]:
    """Returns masks of held-out clips; each word's clips go round the folds."""
    order = np.argsort(words, kind="stable")
    fold = np.empty(len(order), dtype=np.int64)
    fold[order] = np.arange(len(order)) % count
    return [fold == i for i in range(count)]
