"""The scikit-learn estimator that every named autoencoder is."""

from __future__ import annotations

__all__ = ["Autoencoder", "LatentSizeWarning"]

import warnings
from dataclasses import replace
from typing import Any, Self

import torch
from sklearn.utils import Tags

from latente.autoencoder import AutoencoderModule
from latente.data import DataSpec, Rows, Source, as_rows, check_values, decide, source_of
from latente.data.checks import check_samples
from latente.estimators.fitted import read_checked
from latente.estimators.found_size import LatentSize
from latente.estimators.latent_size import AUTO, FOLDERS, check_latent_dim, find_latent_size
from latente.estimators.linear_start import start_linear_path
from latente.estimators.params import PartParams, describe
from latente.estimators.recipe import Recipe
from latente.estimators.variational import VariationalMethods
from latente.objectives import Progress
from latente.parts import is_integer, resolve
from latente.training import Trainer, current_processes, seed_of, seeded
from latente.training.schedule import constant
from latente.training.stepper import Stepper


class LatentSizeWarning(UserWarning):
    """Warned when the code is at least as wide as the data and nothing else limits it: it need not learn anything.

    Also when latent_dim="auto" chose about the widest code that it tried, had fewer than 20 samples, or found no size
    that explains a tenth of the variance of held-out samples.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     model = Autoencoder(3, trainer=Trainer(epochs=1)).fit(torch.eye(3))
        >>> [warning.category.__name__ for warning in caught]
        ['LatentSizeWarning']
    """


class Autoencoder(PartParams, VariationalMethods):
    """Learns codes from which the data can be rebuilt: x -> e(x) = z -> d(z) = x_hat, minimising ||x - d(e(x))||^2.

    Every kind of autoencoder is a choice of parts. A part is an object (`Gaussian(beta=4)`) or a short string
    (`"gaussian:4"`).

    Args:
        latent_dim: the size of the code z, or "auto": found before the fit by two trainings of half its length,
            see `latente.estimators.latent_size`.
        network: encoder and decoder: MLP(...), Conv(...), "auto", or a pair of your own nn.Modules.
        bottleneck: what happens to the code: None (nothing), Gaussian, Sparse, KSparse, VQ, FSQ.
        corruption: what is done to the input while training: None, GaussianNoise, SaltAndPepper, ..., any function.
        distortion: what a reconstruction costs: "auto", SquaredError, Bernoulli, ..., any function.
        objective: what is minimised: None (distortion + beta * rate), Contractive, Wasserstein, ...
        data: what the data is, a DataSpec; "auto" looks at it.
        trainer: how to train, a Trainer; None for the defaults.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        module_: the trained AutoencoderModule.
        schema_: the front door's decisions about the data.
        history_: a table of the epochs.
        recipe_: the resolved parts.
        latent_dim_: the size of the code.
        latent_size_: how it was found, a LatentSize, after a fit with latent_dim="auto".
        n_iter_: epochs that were trained.
        n_features_in_: columns (second axis) of the training data.
        feature_names_in_: names of a frame's columns.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> X = load_digits().images
        >>> model = Autoencoder(8, trainer=Trainer(epochs=3), random_state=0).fit(X)
        >>> model.transform(X).shape, model.reconstruct(X).shape
        ((1797, 8), (1797, 8, 8))
    """

    def __init__(
        self,
        latent_dim: int | str = 32,
        *,
        network: Any = "auto",
        bottleneck: Any = None,
        corruption: Any = None,
        distortion: Any = "auto",
        objective: Any = None,
        data: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.network = network
        self.bottleneck = bottleneck
        self.corruption = corruption
        self.distortion = distortion
        self.objective = objective
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    latent_dim_: int
    latent_size_: LatentSize

    # What a named autoencoder overrides

    def _recipe(self) -> Recipe:
        """Returns the parts that the constructor's arguments mean."""
        return Recipe.of(self.network, self.bottleneck, self.corruption, self.distortion, self.objective)

    def _spec(self, rows: Rows) -> DataSpec:
        """Returns what the user said about the data."""
        return resolve(self.data, DataSpec, DataSpec()) or DataSpec()

    def _train(self, source: Source, validation: Source | None, seed: int, resume: bool = False) -> None:
        """Trains `module_` and sets `history_`."""
        self.history_ = self._trainer().fit(
            self.module_, source, self.recipe_.objective, validation=validation, seed=seed, resume=resume
        )
        self.n_iter_ = len(self.history_)

    # Fitting

    def fit(self, X: Any, y: Any = None, *, target: Any = None, validation: Any = None, resume: bool = False) -> Self:
        """Trains on X and returns self.

        Args:
            X: (n, ...): an array, a tensor, a frame of numbers, a path (.npy, .npz, .csv, .parquet, image folder), or
                data larger than memory: what `latente.open_rows` returns, a torch Dataset.
            y: ignored; scikit-learn's convention.
            target: (n, ...), what should come out where that is not X itself: the clean partners of noisy samples.
            validation: held-out samples like X for the validation loss, a pair (X, target) of them where a target is
                given; None holds out what the trainer says.
            resume: whether to go on from the newest checkpoint in the trainer's folder; without one training starts. X
                and all settings must be those of the interrupted fit.

        Raises:
            TypeError, ValueError: for data or settings that cannot be trained on, before any training.
            CheckpointError: when the trainer's folder cannot be used, or holds another run.
            TrainingDiverged: when a loss is not finite.
        """
        rows = self._start(X)
        seed = self._seed(resume)
        source = self._source(rows, target)
        if validation is None:
            source, held = self._split(source, seed)
        else:
            held = self._held_out(validation, paired=target is not None)
        self._choose_size(source, self._trainer(), seed, resume)
        self._build(seed, source)
        self._train(source, held, seed, resume)
        return self

    def _seed(self, resume: bool = False) -> int:
        """Returns the seed of a fit: of the interrupted one where that is resumed, the same in all processes."""
        stored = None
        if resume and not is_integer(self.random_state):
            seeds = (self._trainer().stored_seed(folder) for folder in self._stages())
            stored = next((seed for seed in seeds if seed is not None), None)
        return current_processes().from_first(seed_of(self.random_state) if stored is None else stored)

    def _stages(self) -> list[str]:
        """Returns the folders of the trainings of a fit, in their order, inside the trainer's folder."""
        return [*FOLDERS, "."] if self.latent_dim == AUTO else ["."]

    def _choose_size(self, source: Source, trainer: Trainer, seed: int, resume: bool = False) -> None:
        """Sets `latent_dim_`."""
        self.__dict__.pop("latent_size_", None)
        if self.latent_dim != AUTO:
            self.latent_dim_ = int(self.latent_dim)
            return
        device = trainer.resolve_device()
        self.latent_size_ = find_latent_size(
            lambda size: self._built(seed, device, size, source), self.recipe_, source, trainer, seed, resume
        )
        self.latent_dim_ = self.latent_size_.latent_dim
        for doubt in self.latent_size_.doubts:
            warnings.warn(doubt, LatentSizeWarning, stacklevel=3)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Trains one pass over X with a constant learning rate and returns self; the first call decides as `fit` does.

        So with latent_dim="auto" the first batch decides the size, by as many passes over it as before a fit.

        Args:
            X: (n, ...), as in `fit`; later batches must have samples of the same shape.
            y: ignored.

        Raises:
            TypeError, ValueError: for data or settings that cannot be trained on.
        """
        first = not hasattr(self, "module_")
        seed = seed_of(self.random_state)
        rows = self._start(X) if first else self._read_finite(X)
        source = self._source(rows)
        if first:
            self._choose_size(source, replace(self._trainer(), checkpoint=None), seed)
            self._build(seed, source)
        if not hasattr(self, "_stepper"):
            self._stepper = self._make_stepper()
        self._pass_over(source, seed)
        return self

    def _make_stepper(self) -> Stepper:
        self._trainer().check()
        self.recipe_.objective.check(self.module_)
        trainer = self._trainer()
        return Stepper(
            self.module_,
            self.recipe_.objective,
            learning_rate=trainer.resolve_learning_rate(),
            weight_decay=0.0 if trainer.weight_decay == "auto" else float(trainer.weight_decay),
            beta2=trainer.resolve_beta2(),
            optimizer=trainer.resolve_optimizer(),
            schedule=constant,
        )

    def _pass_over(self, source: Source, seed: int) -> None:
        """Takes one step for each batch of the source."""
        done, progress = getattr(self, "n_iter_", 0), Progress(1, 1, len(source))
        with seeded(seed + done, self.module_.device) as generator:
            self.module_.train()
            self.module_.generator = generator
            try:
                for batch in source.batches(self._trainer().resolve_batch_size(len(source)), seed + done):
                    self._stepper.step(batch, progress)
                self._stepper.look(batch, progress)
            finally:
                self.module_.generator = None
                self.module_.eval()
        self.n_iter_ = done + 1

    def _held_out(self, validation: Any, paired: bool) -> Source:
        """Returns the user's held-out samples, or pairs (X, target) of them."""
        if not paired:
            return self._source(self._finite(self._read_samples(validation)))
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise ValueError(f"with a target, validation must be a pair (X, target); got {type(validation).__name__}")
        return self._source(self._finite(self._read_samples(validation[0])), validation[1])

    def _split(self, source: Source, seed: int) -> tuple[Source, Source | None]:
        """Holds out what the trainer says."""
        fraction = self._trainer().held_out
        return source.split(fraction, seed) if fraction else (source, None)

    def _start(self, X: Any) -> Rows:
        """Checks settings and data, decides, and returns the data."""
        recipe, params = self._recipe(), describe(self)
        check_latent_dim(self.latent_dim, recipe)
        recipe.check()
        self._trainer().check()
        rows = read_checked(self, X, reset=True)
        check_samples(len(rows))
        schema = decide(rows, self._spec(rows))
        if schema.bounds is not None and recipe.asks_for_spread:
            schema = schema.with_spread(rows)
        self.recipe_, self._params = recipe.settle(schema), params
        self.schema_ = self.recipe_.fit_output(schema)
        if self.latent_dim != AUTO and int(self.latent_dim) >= self.schema_.size and not self.recipe_.limits_code:
            warnings.warn(
                f"latent_dim={self.latent_dim} is not below the {self.schema_.size} values of a sample, so the code "
                "can copy its input; use a smaller latent_dim, or a bottleneck that limits it",
                LatentSizeWarning,
                stacklevel=3,
            )
        return rows

    def _built(
        self, seed: int, device: torch.device, latent_dim: int, source: Source | None = None
    ) -> AutoencoderModule:
        """Returns a module with fresh weights, those of a linear path from the source's samples."""
        with seeded(seed):
            module = self.recipe_.build(latent_dim, self.schema_).to(device).eval()
        if source is not None:
            start_linear_path(module, source, seed)
        return module

    def _build(self, seed: int, source: Source) -> None:
        """Sets `module_`, and forgets what belonged to an older one."""
        self.module_ = self._built(seed, self._trainer().resolve_device(), self.latent_dim_, source)
        for old in ("_stepper", "history_", "n_iter_", "pretraining_histories_"):
            self.__dict__.pop(old, None)

    def _trainer(self) -> Trainer:
        trainer = resolve(self.trainer, Trainer, Trainer())
        return trainer or Trainer()

    def _read_finite(self, X: Any) -> Rows:
        """Returns X as samples to train on."""
        return self._finite(self._read(X))

    def _finite(self, rows: Rows) -> Rows:
        check_values(rows)
        return rows

    def _source(self, rows: Rows, target: Any = None) -> Source:
        """Returns the samples for training."""
        device, wanted = self._trainer().resolve_device(), None if target is None else as_rows(target)
        if wanted is not None:
            if wanted.shape != rows.shape:
                raise ValueError(f"target must have X's shape {rows.shape}; got {wanted.shape}")
            check_values(wanted, what="target")
        return source_of(rows, self.schema_, wanted, device)

    # scikit-learn's conventions

    @property
    def _n_features_out(self) -> int:
        return self.module_.bottleneck.latent_dim

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
