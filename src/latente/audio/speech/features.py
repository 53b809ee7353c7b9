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


class SpeechFeatures(PartParams, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Codes of spoken words or phrases, from a denoising autoencoder whose noise is what differs between speakers.

    A clip is trimmed, its level made 1 (no mean of its spectrum is taken away: that would take the vowel away), and its
    cepstra are stretched to a fixed number of frames and standardised. The autoencoder sees variations of it, as if
    said by a longer or shorter vocal tract, faster or slower, through another microphone, in noise, and learns to give
    the clip itself; its code is what `transform` returns. Where `fit` is told who speaks, it learns to give, in place
    of the clip, the mean of the clips of the other speakers that are nearest to it, so that the voice is noise as well.
    What is said is not used.

    Args:
        n_components: numbers a clip.
        sample_rate: Hz, of arrays; files of another rate are resampled.
        n_frames: to which the duration is normalised.
        n_mfcc: cepstra of a frame.
        n_mels: mel bands that they come from.
        variations: how clips are varied, a Variations.
        neighbors: clips of each other speaker that a target is the mean of, where speakers are known.
        rounds: trainings where speakers are known, each with neighbours by the codes of the last.
        corruption: what is done to standardised cepstra besides.
        network: encoder and decoder; "auto" is a linear path around one hidden layer, so that training begins at PCA.
        trainer: how to train, a Trainer; None chooses by the number of clips.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        autoencoder_: the fitted DenoisingAutoencoder of standardised cepstra.
        mean_, scale_: (n_frames * n_mfcc,) by which they are standardised.
        history_: a table of the epochs.

    Source: Vincent, Larochelle, Bengio, Manzagol (2008), "Extracting and composing robust features with denoising
    autoencoders".

    Example:
        >>> rng = np.random.default_rng(0)
        >>> clips = [rng.normal(size=int(n)) for n in rng.integers(2000, 6000, 20)]
        >>> features = SpeechFeatures(4, trainer=Trainer(epochs=1), random_state=0).fit(clips)
        >>> features.transform(clips).shape
        (20, 4)
    """

    def __init__(
        self,
        n_components: int = 64,
        *,
        sample_rate: int = 8000,
        n_frames: int = 32,
        n_mfcc: int = 13,
        n_mels: int = 40,
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
        clean = np.stack([front.stretched(front.cepstra(power)).ravel() for power in powers])
        if not clean.std(0).any():
            raise ValueError(f"all {len(powers)} clips are the same, or silent; give recordings that differ")
        seed = seed_of(self.random_state)
        rng = np.random.default_rng(seed)
        varied = np.concatenate([variations.draw(front, power, rng) for power in powers])
        self.mean_, scale = clean.mean(0).astype(np.float32), clean.std(0).astype(np.float32)
        self.scale_ = np.where(scale > 1e-3 * scale.max(), scale, 1.0).astype(np.float32)
        self.autoencoder_ = self._trained(self._standardised(clean), self._standardised(varied), who, seed)
        self.history_ = self.autoencoder_.history_
        return self

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

    def transform(self, clips: Any) -> Array:
        """Returns (clips, n_components) float32: the codes.

        Args:
            clips: as in `fit`, one or more.

        Raises:
            NotFittedError: before `fit`.
            TypeError, ValueError, FileNotFoundError: for clips that cannot be used.
        """
        check_is_fitted(self, "autoencoder_")
        return np.asarray(self.autoencoder_.transform(self.cepstra(clips)), dtype=np.float32)

    def inverse_transform(self, codes: Any) -> Array:
        """Returns (clips, n_frames, n_mfcc): the cepstra that codes stand for, in their own units.

        Args:
            codes: (clips, n_components).
        """
        check_is_fitted(self, "autoencoder_")
        flat = np.asarray(self.autoencoder_.inverse_transform(codes)) * self.scale_ + self.mean_
        return flat.reshape(len(flat), self.n_frames, self.n_mfcc)

    def score_samples(self, clips: Any) -> NDArray[np.float64]:
        """Returns (clips,): minus the mean squared error of the reconstruction of standardised cepstra.

        Higher is more like the clips of `fit`.

        Args:
            clips: as in `fit`.
        """
        check_is_fitted(self, "autoencoder_")
        return self._scores(self.cepstra(clips))

    def cepstra(self, clips: Any) -> Array:
        """Returns (clips, n_frames * n_mfcc) float32: the standardised cepstra that the autoencoder takes.

        Args:
            clips: as in `fit`.
        """
        check_is_fitted(self, "mean_")
        front = self._front()
        return self._standardised(np.stack([front.features(clip) for clip in load_clips(clips, self.sample_rate)]))

    def varied_codes(self, clips: Any, count: int, random_state: Any = None) -> Array:
        """Returns (clips, count, n_components): codes of variations of clips, to train a classifier on more of them.

        Args:
            clips: as in `fit`.
            count: variations of each.
            random_state: decides which.
        """
        check_is_fitted(self, "autoencoder_")
        front, rng = self._front(), np.random.default_rng(seed_of(random_state))
        variations = replace(self._variations(), count=count)
        variations.check()
        rows = [variations.draw(front, front.power(clip), rng) for clip in load_clips(clips, self.sample_rate)]
        codes = self.autoencoder_.transform(self._standardised(np.concatenate(rows)))
        return np.asarray(codes, dtype=np.float32).reshape(len(rows), count, -1)

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

    def _standardised(self, cepstra: NDArray[Any]) -> Array:
        return ((cepstra - self.mean_) / self.scale_).astype(np.float32)

    def _front(self) -> Front:
        for name in ("n_components", "neighbors", "rounds"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(f"{name} must be an integer of at least 1; got {getattr(self, name)!r}")
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
