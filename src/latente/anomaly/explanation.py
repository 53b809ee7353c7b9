"""Why a sample is unusual: value by value, position by position."""

from __future__ import annotations

__all__ = ["Contribution", "Explanation", "explain"]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.anomaly.expectation import Expectation
from latente.anomaly.fitting import mean_of, pieces, prepared
from latente.anomaly.members import Backbone, Members
from latente.anomaly.surroundings import Surroundings
from latente.anomaly.views import Views
from latente.data.schema import FROM_MODEL, Schema

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from latente.anomaly.fitted import FittedDetector

LARGEST = 600.0  # logarithm of a squared residual that is told from larger ones
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contribution:
    """What one value has to do with a sample's being unusual.

    Attributes:
        feature: the column's name, or its index.
        contribution: the probability that it is the wrong one, if one value of the row is; in a table of one column 1.
        value: in the user's units.
        expected: what the other values predict, each repaired as far as it is likely to be the wrong one itself, in
            the user's units.
        direction: "up" or "down", where the value should move; "" where it is as expected.

    Example:
        >>> Contribution("age", contribution=0.9, value=130.0, expected=41.0, direction="down").feature
        'age'
    """

    feature: str | int
    contribution: float
    value: float
    expected: float
    direction: str


@dataclass(frozen=True)
class Explanation:
    """What makes samples unusual, in the shape of the samples.

    Attributes:
        kind: "table", "image" or "signal".
        values: (n, ...), the samples.
        contributions: (n, ...): of a table's row the probability of each value to be the wrong one, of pictures and
            signals how far each is from what was expected; see `AnomalyDetector.explain`.
        expected: (n, ...), each value as the others of its row predict it, these repaired as far as they are likely to
            be the wrong one themselves; as its picture outside of a square around it predicts it; else the mean
            reconstruction.
        scores: (n,), `score_samples`.
        p_values: (n,), or None where there are none.
        layout: the order of the axes, as in the schema.
        columns: names of a table's columns, or None.
        surroundings: whether `expected` of pictures is what lies around each square predicts, and `contributions` the
            squared difference from that; else they are a reconstruction and squared residuals in their usual scales.

    Example:
        >>> values, expected = np.array([[30.0, 130.0]]), np.array([[31.0, 41.0]])
        >>> contributions, scores = np.array([[0.1, 0.9]]), np.array([-2.6])
        >>> explanation = Explanation("table", values, contributions, expected, scores, None, "nf", ("bmi", "age"))
        >>> explanation.ranked(0, count=1)
        (Contribution(feature='age', contribution=0.9, value=130.0, expected=41.0, direction='down'),)
    """

    kind: str
    values: NDArray[Any]
    contributions: Array
    expected: Array
    scores: Array
    p_values: Array | None
    layout: str
    columns: tuple[str, ...] | None = None
    surroundings: bool = False

    @property
    def direction(self) -> NDArray[np.int64]:
        """(n, ...): where each value should move: 1 up, -1 down, 0 nowhere."""
        return np.sign(self.expected - self.values.astype(np.float64)).astype(np.int64)

    def ranked(self, index: int = 0, count: int | None = None) -> tuple[Contribution, ...]:
        """Returns what contributes to one sample of a table, the largest first.

        Args:
            index: of the sample.
            count: how many at most; None for all.

        Raises:
            ValueError: for images and signals, whose `contributions` are maps.
        """
        if self.kind != "table":
            raise ValueError(f"values of {self.kind}s have no names to rank; see contributions")
        own = self.contributions[index]
        arrows = {1: "up", -1: "down", 0: ""}
        return tuple(
            Contribution(
                self.columns[i] if self.columns else int(i),
                float(own[i]),
                float(self.values[index, i]),
                float(self.expected[index, i]),
                arrows[int(self.direction[index, i])],
            )
            for i in np.argsort(-own, kind="stable")[:count]
        )

    def per_step(self) -> Array:
        """Returns (n, time): the contributions of a signal's steps, summed over channels.

        Raises:
            ValueError: for anything but signals.
        """
        if self.kind != "signal":
            raise ValueError(f"only signals have steps; this is a {self.kind}")
        if self.contributions.ndim == 2:
            return self.contributions
        return self.contributions.sum(1 if self.layout == "nct" else 2)

    def figure(self, index: int = 0, count: int = 10) -> Figure:
        """Returns a picture of one sample's explanation: bars, a map beside the image, or a signal and its steps.

        Args:
            index: of the sample.
            count: values of a table that are shown, at most.
        """
        from latente.anomaly.figures import draw

        return draw(self, index, count)


def explain(detector: FittedDetector, samples: NDArray[Any]) -> Explanation:
    """Returns the explanation of samples (n, ...), in the user's units; see `AnomalyDetector.explain`."""
    schema = detector.schema_
    x = prepared(schema, samples)
    scores = mean_of(np.concatenate(list(detector._scores(iter([x])))))
    if isinstance(detector._expectation, Expectation):
        contributions, expected = _by_localisation(detector, detector._expectation, x)
    elif detector._expectation is not None:
        contributions, expected = (part.numpy() for part in detector._expectation(x))
    elif schema.kind == "table":
        squared, expected = _by_residual(detector, detector._fitted.within(x))
        whole = torch.from_numpy(squared / 2).log() + 2 * detector._fitted.beyond(x)  # of what members see a part of
        contributions = whole.clamp(max=LARGEST).exp().softmax(1).numpy()
    else:
        contributions, expected = _by_residual(detector, x)
    return Explanation(
        schema.kind,
        samples,
        _arranged(contributions, schema),
        _restored(expected, schema),
        scores,
        None if detector.calibration_scores_ is None else detector.p_values_of(scores),
        schema.layout,
        schema.columns,
        surroundings=isinstance(detector._expectation, Surroundings),
    )


def _by_localisation(detector: FittedDetector, expectation: Expectation, x: Tensor) -> tuple[Array, Array]:
    """Returns how probable it is that each value is the wrong one, and what the others predict, (n, columns) each."""
    near = detector._fitted.within(x)
    if x.shape[1] == 1:  # if one value is wrong it is this one: there is nothing to learn
        return np.ones(x.shape), expectation(near).double().numpy()
    wrong = (expectation.localiser(near) + detector._fitted.beyond(x)).softmax(1)
    return wrong.numpy(), expectation.repaired(near, wrong).double().numpy()


def _by_residual(detector: FittedDetector, x: Tensor) -> tuple[Array, Array]:
    """Returns squared scaled residuals and the reconstruction, averaged over members, (n, *sample_shape) each."""
    backbone, scale = detector._fitted.backbone, detector._usual
    found = []
    with torch.inference_mode():
        for piece in pieces(x, backbone.members):
            views = backbone.views(piece.to(scale.device))
            found.append(torch.stack([(views.residual / scale).square().mean(0), _rebuilt(views, backbone, piece)]))
    squared, rebuilt = torch.cat(found, 1).cpu().double().unbind()
    return squared.view(x.shape).numpy(), rebuilt.view(x.shape).numpy()


def _rebuilt(views: Views, backbone: Backbone, x: Tensor) -> Tensor:
    """Returns (n, values): the mean reconstruction in the scale of the samples x (n, ...)."""
    residual = views.residual
    if isinstance(backbone, Members):
        residual = (backbone.spread(views.x) - backbone.spread(views.x_hat)) / backbone.factor
    return x.flatten(1).to(residual.device) - residual.mean(0)


def _arranged(values: Array, schema: Schema) -> Array:
    """Returns (n, *sample_shape) in the order of the user's axes."""
    values = values.transpose(FROM_MODEL[schema.layout]) if schema.layout in FROM_MODEL else values
    return values.reshape(len(values), *schema.user_shape)


def _restored(scaled: Array, schema: Schema) -> Array:
    """Returns scaled samples in the user's units, not rounded."""
    return _arranged(scaled / schema.factor + schema.shift, schema)
