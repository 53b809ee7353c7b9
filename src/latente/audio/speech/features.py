"""Spoken clips to a few numbers that tell words apart."""

from __future__ import annotations

__all__ = ["SpeechFeatures"]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from latente.audio.clips import load_clips
from latente.audio.speech.cepstra import Front
from latente.audio.speech.speakers import Speakers
from latente.audio.speech.targets import check_speakers, targets_of_others
from latente.audio.speech.variations import Variations
from latente.data import DataSpec
from latente.estimators import DenoisingAutoencoder
from latente.estimators.params import PartParams
from latente.metrics import fit_pca
from latente.networks import MLP, LinearPath
from latente.parts import is_integer, resolve
from latente.training import Trainer, seed_of

Array = NDArray[np.float32]
SEEN = 100_000  # variations that a fit looks at, whatever the number of clips
FEWEST, MOST = 5, 60  # epochs
RATE, BATCH = 1e-3, 128
STANDARDS = ("all", "speaker")


class SpeechFeatures(PartParams, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Codes of spoken words or phrases, from a denoising autoencoder whose noise is what differs between speakers.

    A clip is trimmed, its level made 1 (no mean of its spectrum is taken away: that would take the vowel away), and its
    cepstra are stretched to a fixed number of frames and standardised. The autoencoder sees variations of it, as if
    said by a longer or shorter vocal tract, faster or slower, through another microphone, in noise, and learns to give
    the clip itself; its code is what `transform` returns. Where `fit` is told who speaks, it learns to give, in place
    of the clip, the mean of the clips of the other speakers that are nearest to it, so that the voice is noise as well.
    What is said is not used.

    With `standardize="speaker"` each speaker's cepstra are standardised by that speaker's own mean and deviation, which
    takes away much of what differs between voices; the target is the clip itself, and a variation is another voice in
    all clips of a speaker, standardised by its own statistics. A speaker of `fit` has the statistics from there; a new
    one has those of the clips that one call is given, drawn towards the average speaker where they are few. No words
    are needed, but who speaks, and unlabelled clips of a new speaker in which the words are about as mixed as in `fit`:
    of clips of one word alone, that word is what would be taken away. Clips whose speaker is not told are standardised
    as the average speaker's, and tell words apart less well.

    Args:
        n_components: numbers a clip.
        sample_rate: Hz, of arrays; files of another rate are resampled.
        n_frames: to which the duration is normalised.
        n_mfcc: cepstra of a frame.
        n_mels: mel bands that they come from.
        standardize: "all" clips alike, or each "speaker" alone; `fit` needs to know the speakers then, two at least.
        variations: how clips are varied, a Variations.
        neighbors: clips of each other speaker that a target is the mean of, where speakers are known and
            `standardize="all"`.
        rounds: trainings there, each with neighbours by the codes of the last.
        corruption: what is done to standardised cepstra besides.
        network: encoder and decoder; "auto" is a linear path around one hidden layer, so that training begins at PCA.
        trainer: how to train, a Trainer; None chooses by the number of clips.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        autoencoder_: the fitted DenoisingAutoencoder of standardised cepstra.
        mean_, scale_: (n_frames * n_mfcc,) by which they are standardised; those of the average speaker where each
            speaker is standardised alone.
        speakers_: with `standardize="speaker"` the statistics of the speakers, else None.
        history_: a table of the epochs.

    Source: Vincent, Larochelle, Bengio, Manzagol (2008), "Extracting and composing robust features with denoising
    autoencoders". Speaker by speaker: Viikki & Laurila (1998), "Cepstral domain segmental feature vector
    normalization for noise robust speech recognition".

    Example:
        >>> rng = np.random.default_rng(0)
        >>> clips = [rng.normal(size=int(n)) for n in rng.integers(2000, 6000, 20)]
        >>> features = SpeechFeatures(4, trainer=Trainer(epochs=1), random_state=0).fit(clips)
        >>> features.transform(clips).shape
        (20, 4)
        >>> known = features.set_params(standardize="speaker").fit(clips, speakers=["ann", "bob"] * 10)
        >>> known.transform(clips[:3], speakers=["ann", "carl", "carl"]).shape
        (3, 4)
    """

    def __init__(
        self,
        n_components: int = 64,
        *,
        sample_rate: int = 8000,
        n_frames: int = 32,
        n_mfcc: int = 13,
        n_mels: int = 40,
        standardize: str = "all",
        variations: Variations | None = None,
        neighbors: int = 3,
        rounds: int = 1,
        corruption: Any = "gaussian:0.3",
        network: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.sample_rate = sample_rate
        self.n_frames = n_frames
        self.n_mfcc = n_mfcc
        self.n_mels = n_mels
        self.standardize = standardize
        self.variations = variations
        self.neighbors = neighbors
        self.rounds = rounds
        self.corruption = corruption
        self.network = network
        self.trainer = trainer
        self.random_state = random_state

    def fit(self, clips: Any, y: Any = None, *, speakers: Sequence[Any] | None = None) -> Self:
        """Trains on clips and returns self.

        Args:
            clips: a list of (n,) or (channels, n) signals or of paths of sound files; at least two.
            y: ignored; scikit-learn's convention.
            speakers: (clips,) who speaks, any labels; None where it is not known.

        Raises:
            TypeError, ValueError, FileNotFoundError: for clips or settings that cannot be used, before any training.
        """
        front, variations = self._front(), self._variations()
        powers = [front.power(clip) for clip in load_clips(clips, self.sample_rate)]
        who = check_speakers(speakers, len(powers))
        if len(powers) < 2:
            raise ValueError("speech features are learned from at least two clips; got 1")
        if self.standardize == "speaker" and who is None:
            raise ValueError("standardize='speaker' needs speakers=, of two people at least, in fit; got one or none")
        clean = np.stack([front.stretched(front.cepstra(power)).ravel() for power in powers])
        if not clean.std(0).any():
            raise ValueError(f"all {len(powers)} clips are the same, or silent; give recordings that differ")
        seed = seed_of(self.random_state)
        rng = np.random.default_rng(seed)
        self._measure(clean, speakers)
        told = speakers if self.speakers_ is not None else None
        varied = self._varied(powers, told, variations, rng).reshape(-1, clean.shape[1])
        self.autoencoder_ = self._trained(self._standardised(clean, told), varied, who if told is None else None, seed)
        self.history_ = self.autoencoder_.history_
        return self

    def fit_transform(self, X: Any, y: Any = None, *, speakers: Sequence[Any] | None = None) -> Array:
        """Trains on clips and returns their codes, (clips, n_components) float32.

        Args:
            X: the clips, as in `fit`.
            y: ignored.
            speakers: as in `fit`.
        """
        signals = load_clips(X, self.sample_rate)
        self.fit(signals, speakers=speakers)
        return self.transform(signals, speakers=speakers if self.speakers_ is not None else None)

    def _measure(self, clean: NDArray[Any], speakers: Sequence[Any] | None) -> None:
        """Keeps the means and the deviations by which cepstra are standardised."""
        if self.standardize == "speaker" and speakers is not None:
            self.speakers_: Speakers | None = Speakers.of(clean, speakers)
            self.mean_, self.scale_ = self.speakers_.mean, self.speakers_.scale
            return
        self.speakers_ = None
        self.mean_, scale = clean.mean(0).astype(np.float32), clean.std(0).astype(np.float32)
        self.scale_ = np.where(scale > 1e-3 * scale.max(), scale, 1.0).astype(np.float32)

    def _trained(
        self, clean: Array, varied: Array, speakers: NDArray[np.int64] | None, seed: int
    ) -> DenoisingAutoencoder:
        """Returns the autoencoder from varied cepstra (n count, d) to clean ones (n, d), or to those of others."""
        count = len(varied) // len(clean)
        if speakers is None:
            model = self._autoencoder(len(varied), seed)
            return model.fit(varied, target=np.repeat(clean, count, axis=0))
        codes = fit_pca(clean, int(self.n_components)).transform(clean)
        for _ in range(int(self.rounds)):
            target = targets_of_others(codes, clean, speakers, int(self.neighbors))
            model = self._autoencoder(len(varied), seed).fit(varied, target=np.repeat(target, count, axis=0))
            if model.history_.stopped == "interrupted":
                break
            codes = np.asarray(model.transform(clean))
        return model

    def transform(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> Array:
        """Returns (clips, n_components) float32: the codes.

        Args:
            clips: as in `fit`, one or more.
            speakers: (clips,) who speaks, for features that standardise each speaker. Those who were not in `fit` are
                measured by the clips of this call: give all there are of them at once. None where it is not known.

        Raises:
            NotFittedError: before `fit`.
            TypeError, ValueError, FileNotFoundError: for clips that cannot be used.
        """
        check_is_fitted(self, "autoencoder_")
        return np.asarray(self.autoencoder_.transform(self.cepstra(clips, speakers=speakers)), dtype=np.float32)

    def inverse_transform(self, codes: Any) -> Array:
        """Returns (clips, n_frames, n_mfcc): the cepstra that codes stand for, in their own units.

        Where each speaker is standardised, they are those of the average speaker.

        Args:
            codes: (clips, n_components).
        """
        check_is_fitted(self, "autoencoder_")
        flat = np.asarray(self.autoencoder_.inverse_transform(codes)) * self.scale_ + self.mean_
        return flat.reshape(len(flat), self.n_frames, self.n_mfcc)

    def score_samples(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> NDArray[np.float64]:
        """Returns (clips,): minus the mean squared error of the reconstruction of standardised cepstra.

        Higher is more like the clips of `fit`.

        Args:
            clips: as in `fit`.
            speakers: as in `transform`.
        """
        check_is_fitted(self, "autoencoder_")
        return self._scores(self.cepstra(clips, speakers=speakers))

    def cepstra(self, clips: Any, *, speakers: Sequence[Any] | None = None) -> Array:
        """Returns (clips, n_frames * n_mfcc) float32: the standardised cepstra that the autoencoder takes.

        Args:
            clips: as in `fit`.
            speakers: as in `transform`.
        """
        check_is_fitted(self, "mean_")
        front = self._front()
        self._check_told(speakers)
        plain = np.stack([front.features(clip) for clip in load_clips(clips, self.sample_rate)])
        check_speakers(speakers, len(plain))
        return self._standardised(plain, speakers)

    def varied_codes(
        self, clips: Any, count: int, random_state: Any = None, *, speakers: Sequence[Any] | None = None
    ) -> Array:
        """Returns (clips, count, n_components): codes of variations of clips, to train a classifier on more of them.

        Args:
            clips: as in `fit`.
            count: variations of each.
            random_state: decides which.
            speakers: as in `transform`. Each variation of a speaker has one voice in all clips of this call, and is
                standardised by what these are then.
        """
        check_is_fitted(self, "autoencoder_")
        front, rng = self._front(), np.random.default_rng(seed_of(random_state))
        variations = replace(self._variations(), count=count)
        variations.check()
        self._check_told(speakers)
        powers = [front.power(clip) for clip in load_clips(clips, self.sample_rate)]
        check_speakers(speakers, len(powers))
        varied = self._varied(powers, speakers, variations, rng)
        codes = self.autoencoder_.transform(varied.reshape(-1, varied.shape[-1]))
        return np.asarray(codes, dtype=np.float32).reshape(len(powers), count, -1)

    def _varied(
        self,
        powers: Sequence[NDArray[Any]],
        speakers: Sequence[Any] | None,
        variations: Variations,
        rng: np.random.Generator,
    ) -> Array:
        """Returns (clips, count, n_frames * n_mfcc): variations, standardised.

        Where each speaker is standardised, a variation of a speaker is a new speaker: one voice in all clips, which are
        standardised by their own statistics, as those of a new speaker will be.
        """
        front = self._front()
        if speakers is None or self.speakers_ is None:
            drawn = np.stack([variations.draw(front, power, rng) for power in powers])
            return self._standardised(drawn, None)
        names = [str(speaker) for speaker in speakers]
        voices = {name: [variations.voice(front, rng) for _ in range(variations.count)] for name in sorted(set(names))}
        pairs = zip(powers, names, strict=True)
        drawn = np.stack([variations.draw(front, power, rng, voices[name]) for power, name in pairs])
        parts = [self.speakers_.standardised(drawn[:, k], names, anew=True) for k in range(variations.count)]
        return np.stack(parts, axis=1)

    def save(self, path: str | Path) -> Path:
        """Writes the features to a folder of safetensors and JSON, and returns its path.

        Args:
            path: of the folder.
        """
        from latente.audio.speech.saving import save_features

        check_is_fitted(self, "autoencoder_")
        return save_features(self, path)

    @classmethod
    def load(cls, path: str | Path) -> SpeechFeatures:
        """Returns the features in a folder; they compute bit for bit what the saved ones did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.audio.speech.saving import load_features

        return load_features(path)

    def _scores(self, cepstra: Array) -> NDArray[np.float64]:
        rebuilt = np.asarray(self.autoencoder_.reconstruct(cepstra))
        return -np.mean(np.square(rebuilt - cepstra, dtype=np.float64), axis=1)

    def _check_told(self, speakers: Sequence[Any] | None) -> None:
        if speakers is not None and self.speakers_ is None:
            raise ValueError(
                "these features standardise all clips alike and have no use for speakers; leave speakers= out, or fit "
                "SpeechFeatures(standardize='speaker')"
            )

    def _standardised(self, cepstra: NDArray[Any], speakers: Sequence[Any] | None) -> Array:
        if self.speakers_ is not None and speakers is not None:
            return self.speakers_.standardised(cepstra, speakers)
        return ((cepstra - self.mean_) / self.scale_).astype(np.float32)

    def _front(self) -> Front:
        for name in ("n_components", "neighbors", "rounds"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(f"{name} must be an integer of at least 1; got {getattr(self, name)!r}")
        if self.standardize not in STANDARDS:
            raise ValueError(f"standardize must be one of {', '.join(STANDARDS)}; got {self.standardize!r}")
        front = Front(self.sample_rate, self.n_frames, self.n_mfcc, self.n_mels)
        front.check()
        return front

    def _variations(self) -> Variations:
        variations = resolve(self.variations, Variations, Variations()) or Variations()
        variations.check()
        return variations

    def _autoencoder(self, rows: int, seed: int) -> DenoisingAutoencoder:
        trainer = resolve(self.trainer, Trainer, None)
        if trainer is None:
            epochs = round(min(MOST, max(FEWEST, SEEN / rows)))
            trainer = Trainer(epochs=epochs, batch_size=BATCH, learning_rate=RATE, verbose=False)
        return DenoisingAutoencoder(
            int(self.n_components),
            corruption=self.corruption,
            network=LinearPath(MLP((256,), normalization="layer")) if self.network == "auto" else self.network,
            data=DataSpec(kind="table", scale="none"),
            trainer=trainer,
            random_state=seed,
        )

    @property
    def _n_features_out(self) -> int:
        return int(self.n_components)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "autoencoder_")
