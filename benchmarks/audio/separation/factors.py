"""The classical baseline: non-negative matrix factorisation with a dictionary of spectra for each source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import NMF, non_negative_factorization

from latente.audio import istft, stft
from latente.audio.separation.drawing import Recordings, read_recordings

N_FFT, HOP = 512, 128
SPECTRA = 64  # in each source's dictionary; of 16, 32 and 64 the best on held-out voices and albums
SECONDS = 300  # of each source that the dictionaries are learnt from
SETTINGS = {"beta_loss": "kullback-leibler", "solver": "mu", "max_iter": 100, "tol": 0.0, "random_state": 0}


@dataclass(frozen=True)
class Factors:
    """Dictionaries W_s with W_speech H_speech + W_music H_music near |X|; the mask is the speech's share of the sum.

    Source: Smaragdis, Raj, Shashanka (2007), "Supervised and semi-supervised separation of sounds from single-channel
    mixtures".

    Attributes:
        spectra: (2 SPECTRA, bins), those of the speech first.
    """

    spectra: NDArray[np.float64]

    @classmethod
    def learn(cls, recordings: Path, rate: int) -> Factors:
        """Returns the dictionaries of the training voices and tracks, which `prepare.py` made."""
        found = []
        for name in ("speech", "music"):
            groups = read_recordings(recordings / "train" / name, rate, name).groups
            plain = Recordings(groups, rate, speed=1.0, several=0.0, equalised=0.0)
            rng = np.random.default_rng(0)
            signal = np.concatenate([plain.draw(rng, 5 * rate) for _ in range(SECONDS // 5)])
            found.append(NMF(SPECTRA, init="random", **SETTINGS).fit(_magnitude(signal)[1]).components_)
        return cls(np.concatenate(found))

    def speech(self, mixture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the speech in a mixture (n,)."""
        spectrum, magnitude = _magnitude(mixture)
        weights, _, _ = non_negative_factorization(
            magnitude, H=self.spectra, n_components=len(self.spectra), init="custom", update_H=False, **SETTINGS
        )
        speech = weights[:, :SPECTRA] @ self.spectra[:SPECTRA]
        mask = speech / (weights @ self.spectra + 1e-12)
        return istft(torch.from_numpy(mask.T.astype(np.float32)) * spectrum, len(mixture), HOP).numpy()


def _magnitude(signal: NDArray[np.float32]) -> tuple[torch.Tensor, NDArray[np.float64]]:
    """Returns the spectrum, and its magnitude as (frames, bins)."""
    spectrum = stft(torch.from_numpy(signal), N_FFT, HOP)
    return spectrum, spectrum.abs().T.double().numpy() + 1e-9
