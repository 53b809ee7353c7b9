"""Everything that a report says about a model is measured here, once."""

from __future__ import annotations

__all__ = ["Study"]

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.bottlenecks import NoPriorError
from latente.data import as_rows, loaded
from latente.diagnostics import Evidence, Finding, Passed, judge, scaled
from latente.diagnostics.passed import Floats, evenly
from latente.estimators import Autoencoder
from latente.estimators.evaluation import Evaluation
from latente.metrics import fit_pca, memorization
from latente.report.labels import Labels
from latente.report.measures import (
    DRAWS,
    Between,
    Denoised,
    Drawn,
    Neighbours,
    measure_between,
    measure_denoised,
    measure_drawn,
    measure_neighbours,
)
from latente.report.words import Words

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

    from latente.metrics.generation import Memorization

SHOWN = 8  # samples that are shown one by one
MAPPED = 2_000  # samples in a latent map
LARGEST_REFERENCE = 10_000  # samples that neighbours are looked for in


@dataclass(frozen=True, eq=False)
class Study:
    """A model, data that it is judged by, and what was measured.

    Attributes:
        model: fitted.
        evidence: what the diagnostics measured.
        labels: of `passed.x`, or None.
        reference: (m, *sample_shape) at most 10,000 scaled samples in which neighbours are looked for.
        own_reference: whether the reference is data of its own (the training data), not X.
        pca: fitted like the one of `evaluation.pca_error`.
        random_state: decides which samples are shown, and all noise.
    """

    model: Autoencoder
    evidence: Evidence
    labels: Labels | None
    reference: Floats = field(repr=False)
    own_reference: bool
    pca: PCA
    random_state: int

    @staticmethod
    def of(
        model: Autoencoder,
        X: Any,
        *,
        labels: Any = None,
        label_names: Sequence[str] | None = None,
        reference: Any = None,
        random_state: int = 0,
    ) -> Study:
        """Measures a model; the arguments are those of `write_report`.

        Raises:
            ValueError: for fewer than two samples, or labels that do not fit them.
        """
        X = loaded(X)
        X = X if hasattr(X, "shape") else as_rows(X)
        if len(X) < 2:
            raise ValueError(
                f"a report needs at least 2 samples; X has {len(X)}. Give more, best all that were held out"
            )
        known = Labels.of(labels, label_names, len(X))
        evidence = Evidence.of(model, X, reference)
        base = scaled(model, X if reference is None else reference)
        rows = evenly(len(X), len(evidence.passed.x))
        return Study(
            model=model,
            evidence=evidence,
            labels=None if known is None else known.take(rows),
            reference=base[evenly(len(base), LARGEST_REFERENCE)],
            own_reference=reference is not None,
            pca=fit_pca(base, evidence.evaluation.latent_dim),
            random_state=random_state,
        )

    @property
    def evaluation(self) -> Evaluation:
        """The errors of model, mean and PCA on all of X, or on random samples of a stream."""
        return self.evidence.evaluation

    @property
    def passed(self) -> Passed:
        """At most 5,000 of the samples, and what the model makes of them."""
        return self.evidence.passed

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the diagnostics say."""
        return judge(self.evidence)

    @cached_property
    def words(self) -> Words:
        """What things of this data are called."""
        return Words.of(self.model.schema_)

    @cached_property
    def mean(self) -> Floats:
        """(*sample_shape): the mean of the reference."""
        return self.pca.mean_.reshape(self.passed.x.shape[1:]).astype(np.float32)

    def by_pca(self, x: Floats) -> Floats:
        """Returns what PCA makes of scaled samples (n, *sample_shape)."""
        flat = self.pca.inverse_transform(self.pca.transform(x.reshape(len(x), -1)))
        return flat.reshape(x.shape).astype(np.float32)

    def rng(self) -> np.random.Generator:
        """Returns a fresh generator of the report's random state."""
        return np.random.default_rng(self.random_state)

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """How many neighbours in the codes have a sample's label; None without labels."""
        if self.labels is None or len(self.passed.x) < 2:
            return None
        rows = evenly(len(self.passed.x), MAPPED)
        codes = self.pca.transform(self.passed.x[rows].reshape(len(rows), -1))
        return measure_neighbours(self.passed.z[rows], codes, self.labels.index[rows])

    @cached_property
    def denoised(self) -> Denoised | None:
        """How well the model removes its own kind of noise; None where it has none."""
        if self.model.module_.corruption is None:
            return None
        x = self.passed.x[evenly(len(self.passed.x), MAPPED)]
        return measure_denoised(self.model, x, self.by_pca, self.random_state)

    @cached_property
    def between(self) -> Between:
        """How far halfway points between two samples are from data."""
        index = None if self.labels is None else self.labels.index
        x, z, inside = self.passed.x, self.passed.z, not self.own_reference
        return measure_between(self.model, x, z, index, self.reference, self.rng(), inside=inside)

    @cached_property
    def samples(self) -> Floats | None:
        """(500, *sample_shape) scaled samples of the prior; None where there is none."""
        try:
            drawn = self.model.sample(DRAWS, random_state=self.random_state)
        except NoPriorError:
            return None
        return scaled(self.model, drawn)

    @cached_property
    def drawn(self) -> Drawn | None:
        """How samples of the prior compare with data; None where there is no prior."""
        if self.samples is None:
            return None
        x, x_hat = self.passed.x, self.passed.x_hat
        return measure_drawn(self.samples, x, x_hat, self.reference, inside=not self.own_reference)

    @cached_property
    def memorized(self) -> Memorization | None:
        """How near samples of the prior come to training samples; None without either, or without unseen samples."""
        if self.samples is None or not self.own_reference:
            return None
        unseen = self.passed.x[evenly(len(self.passed.x), DRAWS)]
        try:
            return memorization(self.samples, self.reference, unseen)
        except ValueError:  # half of X or more is in the training data itself
            return None

    @cached_property
    def shown(self) -> NDArray[np.int64]:
        """At most 8 rows of `passed.x` to show: one of each label where there are labels, else any."""
        order = self.rng().permutation(len(self.passed.x))
        if self.labels is None:
            return np.sort(order[:SHOWN])
        first = [order[self.labels.index[order] == label][0] for label in self.labels.present[:SHOWN]]
        others = order[~np.isin(order, first)][: max(0, SHOWN - len(first))]
        rows = np.array([*first, *others], dtype=np.int64)
        return rows[np.argsort(self.labels.index[rows], kind="stable")]

    def title(self, row: int) -> str:
        """Returns what a row of `passed.x` is called: its number, and its label where it has one."""
        name = f"{self.words.one} {row + 1}"
        return name if self.labels is None else f"{name} ({self.labels.name(row)})"
