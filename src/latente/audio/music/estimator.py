"""The variational autoencoder of music."""

from __future__ import annotations

__all__ = ["MusicAutoencoder"]

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from latente.audio.music.alphabet import Alphabet
from latente.audio.music.bounds import MusicBounds, measure_bounds
from latente.audio.music.building import build_module, start_from_pairs, trainer_for, transposition_of, weights_of
from latente.audio.music.checks import check_codes, check_counts, check_like, check_scores, check_settings, divided
from latente.audio.music.measures import MusicMeasures, measure_music
from latente.audio.music.mixture import HELD_OUT, fit_mixture, keep_better, usual_spread
from latente.audio.music.module import Hiding, MusicModule
from latente.audio.music.network import Sizes
from latente.audio.music.score import Score, as_score
from latente.audio.music.windows import training_windows
from latente.audio.music.writing import codes_of, music_of, write
from latente.bottlenecks import Gaussian
from latente.data import ArraySource
from latente.estimators.params import PartParams
from latente.objectives import Augmented
from latente.parts import is_number
from latente.training import History, Trainer, seed_of
from latente.training.threads import computing_with


class MusicAutoencoder(PartParams, BaseEstimator):
    """A variational autoencoder of segments of two bars, in voices: log p(x) >= E_q[log p(x|z)] - KL(q(z|x) || p(z)).

    The encoder reads a segment (eight beats) and says what each beat's part of the code z may be. The decoder emits one
    step after another and, within a step, one voice after another, each given the voices above it, all earlier steps
    and a plan made from z: p(x|z) = prod_t prod_v p(x_tv | x_t,<v, x_<t, z). The prior of a beat's code is Gaussian,
    its mean and variance learned from the notes so far; `fit_prior` puts a mixture in its place. What remembers earlier
    notes knows no code and runs on from segment to segment, so long pieces hang together.

    Sources: Kingma & Welling (2014), "Auto-encoding variational Bayes"; Bowman et al. (2016), "Generating sentences
    from a continuous space" (input dropout); Chung et al. (2015), "A recurrent latent variable model for sequential
    data" (the prior); Roberts et al. (2018), "A hierarchical latent vector model for learning long-term structure in
    music".

    Args:
        latent_dim: numbers that describe a segment; a multiple of `beats`.
        beats: quarter notes in a segment.
        segments: in a training window.
        hidden: units of the recurrent network.
        head: units of each voice's own layer.
        beta: the weight of the rate. 1 is the evidence lower bound; less makes codes say more about the segment.
        free_bits: nats for each number of the code below which its rate costs nothing more.
        warmup: the share of training over which the weight of the rate grows from 0 to beta: first codes learn to say
            something, then to say it in few nats.
        blind: the share of training windows in which the decoder sees nothing of earlier steps (input dropout).
        hidden_share: of the others, it does not see a share of the tokens that is drawn from 0 to this.
        uncoded: the share of training windows in which the decoder gets the prior's mean instead of a code, so that it
            can write without one.
        transpose: training music is moved at random by at most that many semitones, within the ranges of the voices.
        warm_start: whether `fit` goes on with the weights of an earlier `fit`, where there was one.
        trainer: how to train. What it leaves open is here: batches of 32, a peak rate of 3e-3, and about 3,000 steps.
        random_state: None, an integer or a numpy generator; decides everything random in `fit`.

    Attributes:
        module_: the trained module.
        alphabet_: the range of pitches, and whether repeated notes are told from held ones.
        voices_: in a score.
        steps_per_beat_: of the scores.
        tempo_: quarter notes a minute, the median of the training scores; generated scores have it.
        measures_: of the training scores; None in models that were saved before they were kept.
        history_: a table of the epochs.

    Example:
        >>> melody = np.array([60, 60, 62, 62, 64, 64, 65, 65] * 8)
        >>> scores = [Score(np.stack([melody + 7 + k, melody + k - 5])) for k in range(-3, 4)]
        >>> trainer = Trainer(epochs=3, verbose=False)
        >>> model = MusicAutoencoder(16, hidden=32, head=16, trainer=trainer, random_state=0).fit(scores)
        >>> model.encode(scores[0]).shape  # two segments
        (2, 16)
        >>> model.sample(3, random_state=0)[0]
        Score(2 voices, 64 steps of 1/4 beat, ...)
    """

    module_: MusicModule
    alphabet_: Alphabet
    voices_: int
    steps_per_beat_: int
    tempo_: float
    measures_: MusicMeasures | None
    history_: History

    def __init__(
        self,
        latent_dim: int = 96,
        *,
        beats: int = 8,
        segments: int = 2,
        hidden: int = 256,
        head: int = 128,
        beta: float = 0.5,
        free_bits: float = 0.0,
        warmup: float = 0.5,
        blind: float = 0.4,
        hidden_share: float = 0.6,
        uncoded: float = 0.2,
        transpose: int = 6,
        warm_start: bool = False,
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim, self.beats, self.segments, self.hidden, self.head = latent_dim, beats, segments, hidden, head
        self.beta, self.free_bits, self.warmup = beta, free_bits, warmup
        self.blind, self.hidden_share, self.uncoded = blind, hidden_share, uncoded
        self.transpose, self.warm_start, self.trainer, self.random_state = transpose, warm_start, trainer, random_state

    def fit(self, scores: Iterable[Any], y: Any = None, *, validation: Any = None, resume: bool = False) -> Self:
        """Trains and returns self.

        Args:
            scores: Score objects, or arrays of MIDI numbers (voices, steps), all with the same number of voices.
            y: ignored.
            validation: scores that are held out, whose loss is measured after every epoch; None holds out what the
                trainer asks for, whole scores.
            resume: whether to go on from the newest checkpoint in the trainer's folder.

        Raises:
            TypeError: for something that is no list of scores.
            ValueError: for settings or scores that cannot be trained on.
        """
        check_settings(self)
        seed, music = seed_of(self.random_state), check_scores(scores)
        held = None if validation is None else check_scores(validation, like=music[0])
        if held is None and self._trainer().held_out:
            music, held = divided(music, self._trainer().held_out, seed)
        weights = weights_of(self) if self.warm_start else None
        if weights is None:
            self._look_at([*music, *(held or [])])
        self.measures_ = measure_music(music)
        self.module_ = self._module(seed)
        change = transposition_of(music, self.alphabet_, int(self.transpose))
        if weights is None:
            start_from_pairs(self.module_, music, change)
        else:
            self.module_.load_state_dict(weights)
        source = self._source(music)
        trainer = self._trainer(len(source))
        self.module_.to(trainer.resolve_device())
        self.history_ = trainer.fit(
            self.module_,
            source,
            Augmented(change),
            validation=None if held is None else self._source(held),
            seed=seed,
            resume=resume,
        )
        self.module_.cpu().eval()
        return self

    def fit_prior(self, scores: Iterable[Any], *, validation: Any = None) -> Self:
        """Fits a mixture of Gaussians to codes, given the notes so far, which takes the place of the Gaussian prior.

        Encoder and decoder stay as they are; another `fit` takes the mixture away. It wants thousands of beats: where
        it expects codes of held-out music less than the Gaussian does, the Gaussian stays, with a warning. Source: Dai
        & Wipf (2019), "Diagnosing and enhancing VAE models".

        Args:
            scores: the training music, as for `fit`.
            validation: scores that are held out; None holds out a tenth of `scores`.
        """
        check_is_fitted(self, "module_")
        seed, music = seed_of(self.random_state), [check_like(self, score) for score in check_scores(scores)]
        if validation is None:
            music, held = divided(music, HELD_OUT, seed)
        else:
            held = [check_like(self, score) for score in check_scores(validation)]
        mixture = fit_mixture(self.module_, music, transposition_of(music, self.alphabet_, int(self.transpose)), seed)
        self.module_.mixture = keep_better(mixture, self.module_, held)
        return self

    def sample(
        self,
        n: int,
        *,
        segments: int = 2,
        temperature: float = 0.8,
        spread: float | None = None,
        before: Any = None,
        random_state: Any = None,
    ) -> list[Score]:
        """Returns n new pieces; the code of each beat comes from the prior given the notes so far.

        Args:
            n: how many.
            segments: of each; a segment is `beats` quarter notes.
            temperature: that divides the logits of pitches; 0 takes the most probable one, which holds notes for ever.
            spread: of codes, as a temperature. 1 draws from the prior; 0 takes its mean, or the mean of its most
                probable Gaussian, so that notes alone are drawn. None is 0.5 with `fit_prior`, 0.3 without.
            before: a score that they continue, and that is not part of them; None begins a piece.
            random_state: None, an integer or a numpy generator.

        Raises:
            ValueError: for counts below 1, a negative temperature, or a score that the model cannot read.
        """
        check_is_fitted(self, "module_")
        check_counts(n=n, segments=segments)
        given = None if before is None else check_like(self, before)
        spread = usual_spread(self.module_) if spread is None else spread
        if not is_number(spread, low=0):
            raise ValueError(f"spread must be a number of at least 0; got {spread!r}")
        settings = {"n": int(n), "segments": int(segments), "before": given, "spread": float(spread)}
        return self._written(None, temperature, random_state, **settings)

    def encode(self, score: Any) -> NDArray[np.float32]:
        """Returns the code of each segment, the mean of q(z|x) (segments, latent_dim).

        The last segment may be filled up with steps that count for nothing.

        Args:
            score: a Score or an array (voices, steps).

        Raises:
            ValueError: for a score that the model cannot read.
        """
        check_is_fitted(self, "module_")
        return codes_of(self.module_, check_like(self, score)).mu.numpy()

    def decode(self, z: Any, *, temperature: float = 0.8, before: Any = None, random_state: Any = None) -> Any:
        """Returns the music that the decoder makes of codes: a score, or a list of them for n pieces at once.

        Args:
            z: (segments, latent_dim), (latent_dim,) for one segment, or (n, segments, latent_dim).
            temperature: that divides the logits of pitches.
            before: a score that it continues, and that is not part of it; None leaves open what went before.
            random_state: None, an integer or a numpy generator.

        Raises:
            ValueError: for codes of another shape, or that are not finite.
        """
        check_is_fitted(self, "module_")
        codes = check_codes(z, int(self.latent_dim))
        given = None if before is None else check_like(self, before)
        pieces = self._written(codes, temperature, random_state, before=given, beginning=False)
        return pieces if np.ndim(z) == 3 else pieces[0]

    def reconstruct(self, score: Any, *, temperature: float = 0.8, random_state: Any = None) -> Score:
        """Returns decode(encode(score)), cut to the length of the score; the decoder hears itself, not the score.

        Args:
            score: a Score or an array (voices, steps).
            temperature: that divides the logits of pitches.
            random_state: None, an integer or a numpy generator.
        """
        music = as_score(score)
        rebuilt: Score = self.decode(self.encode(music), temperature=temperature, random_state=random_state)
        return rebuilt.part(0, music.steps)

    def interpolate(
        self, a: Any, b: Any, steps: int = 7, *, temperature: float = 0.5, random_state: Any = None
    ) -> list[Score]:
        """Returns scores on the straight way from the codes of one score to those of another, both ends decoded too.

        All are drawn with the same random numbers, so that neighbours differ by their codes only.

        Args:
            a: a Score or an array (voices, steps).
            b: another one; the longer of the two is cut to the segments of the shorter.
            steps: scores in all, at least 2.
            temperature: that divides the logits of pitches.
            random_state: None, an integer or a numpy generator.
        """
        check_counts(2, steps=steps)
        ends = [torch.from_numpy(self.encode(each)) for each in (a, b)]
        segments = min(len(end) for end in ends)
        way = torch.linspace(0, 1, int(steps))[:, None, None]
        z = ends[0][:segments] * (1 - way) + ends[1][:segments] * way
        return self._written(z, temperature, random_state, beginning=False, shared=True)

    def vary(
        self, score: Any, n: int = 4, *, amount: float = 0.5, temperature: float = 0.8, random_state: Any = None
    ) -> list[Score]:
        """Returns variations: z = m + sqrt(1 - a^2) (mu - m) + a s eps, mu the mean of q(z|x), m and s of p(z).

        Args:
            score: a Score or an array (voices, steps).
            n: how many.
            amount: a, from 0 (the code of the score) to 1 (a draw from p(z), always the Gaussian prior).
            temperature: that divides the logits of pitches.
            random_state: None, an integer or a numpy generator.
        """
        check_is_fitted(self, "module_")
        check_counts(n=n)
        if not is_number(amount, 0, 1):
            raise ValueError(f"amount must be in [0, 1]; got {amount!r}")
        found, seed = codes_of(self.module_, check_like(self, score)), seed_of(random_state)
        noise = torch.randn((int(n), *found.mu.shape), generator=torch.Generator().manual_seed(seed))
        kept = found.prior_mu + (1 - amount**2) ** 0.5 * (found.mu - found.prior_mu)
        z = kept + amount * (0.5 * found.prior_logvar).exp() * noise
        steps = as_score(score).steps
        return [each.part(0, steps) for each in self._written(z, temperature, seed, beginning=False)]

    def _written(self, z: torch.Tensor | None, temperature: Any, random_state: Any, **settings: Any) -> list[Score]:
        """Returns scores that `write` makes with these settings."""
        if not is_number(temperature, low=0):
            raise ValueError(f"temperature must be a number of at least 0; got {temperature!r}")
        generator = torch.Generator().manual_seed(seed_of(random_state))
        with computing_with(1):  # steps of a few numbers each: a second thread would wait longer than it works
            tokens = write(self.module_, z, temperature=float(temperature), generator=generator, **settings)
        return music_of(tokens, self)

    def bounds(self, scores: Iterable[Any], *, draws: int = 10, random_state: Any = 0) -> MusicBounds:
        """Returns bounds of -log p(x) in nats a step, the mean over all steps of all scores.

        Args:
            scores: a list of scores or arrays (voices, steps).
            draws: codes for each segment; more make the importance-weighted bound tighter.
            random_state: None, an integer or a numpy generator; decides the draws.

        Raises:
            ValueError: for scores that the model cannot read.
        """
        check_is_fitted(self, "module_")
        check_counts(draws=draws)
        music = [check_like(self, score) for score in check_scores(scores)]
        return measure_bounds(self.module_, music, int(draws), torch.Generator().manual_seed(seed_of(random_state)))

    def score(self, scores: Iterable[Any], y: Any = None) -> float:
        """Returns the evidence lower bound of log p(x) in nats a step; higher is better.

        Args:
            scores: a list of scores or arrays (voices, steps).
            y: ignored.
        """
        return -self.bounds(scores).elbo

    @classmethod
    def pretrained(cls) -> MusicAutoencoder:
        """Returns the model that comes with latente: four-part chorales by J. S. Bach in sixteenth notes.

        It was trained by benchmarks/audio/music/train.py on 229 chorales (the split of Boulanger-Lewandowski et al.,
        2012), which do not tell repeated notes from held ones.
        """
        from latente.audio.music.saving import PRETRAINED, load_music

        return load_music(PRETRAINED)

    def save(self, path: str | Path, *, compact: bool = False) -> Path:
        """Writes the model to a folder of safetensors and JSON, and returns its path.

        Args:
            path: of the folder.
            compact: whether large matrices are stored as int8 with a scale for each row, other weights as float16.
        """
        from latente.audio.music.saving import save_music

        check_is_fitted(self, "module_")
        return save_music(self, path, compact=compact)

    @classmethod
    def load(cls, path: str | Path) -> MusicAutoencoder:
        """Returns the model in a folder.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.audio.music.saving import load_music

        return load_music(path)

    def _look_at(self, scores: list[Score]) -> None:
        """Decides what depends on the music: alphabet, voices, steps, tempo."""
        sounding = np.concatenate([score.pitches[score.pitches >= 0] for score in scores])
        repeats = all(score.strikes is not None for score in scores)
        self.alphabet_ = Alphabet(int(sounding.min()), int(sounding.max()), repeats)
        self.voices_, self.steps_per_beat_ = scores[0].voices, scores[0].steps_per_beat
        self.tempo_ = float(np.median([score.tempo for score in scores]))

    def _sizes(self) -> Sizes:
        return Sizes(self.voices_, self.beats, self.steps_per_beat_, self.latent_dim, self.hidden, self.head)

    def _module(self, seed: int) -> MusicModule:
        bottleneck = Gaussian(self.beta, self.free_bits, self.warmup)
        hiding = Hiding(self.blind, self.hidden_share, self.uncoded)
        return build_module(self._sizes(), self.alphabet_, bottleneck, hiding, seed)

    def _source(self, scores: list[Score]) -> ArraySource:
        windows = training_windows(scores, self.alphabet_, self._sizes(), int(self.segments))
        return ArraySource(windows, torch.Tensor.long, device=self._trainer().resolve_device())

    def _trainer(self, windows: int = 1) -> Trainer:
        """Returns the trainer; what it leaves open suits that many windows."""
        return trainer_for(self.trainer, windows)
