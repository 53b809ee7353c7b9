"""Where pictures are damaged, learned from synthetic defects in normal ones."""

from __future__ import annotations

__all__ = ["DefectSegmenter"]

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional as F

from latente.anomaly.segmentation import Segmentation, SegmentationNetwork
from latente.anomaly.segmenter_tiles import check_finite, random_tiles
from latente.corruptions import Corruption, SyntheticDefects, resolve_corruption
from latente.data import DataSpec, Schema, as_rows, check_values, decide, loaded, source_of
from latente.data.checks import check_samples
from latente.estimators.inference import collected, finite_chunks, over_chunks
from latente.estimators.params import PartParams
from latente.parts import is_integer, resolve
from latente.training import History, Trainer, seed_of, seeded

WHOLE = 4096  # values of a picture up to which its pixels have places
TILE, SMALLEST = 128, 8
SEEN, BATCH = {True: 64_000, False: 28_000}, {True: 32, False: 8}  # with and without places: in all and in a step
OPTIMIZER = {True: "adam", False: "muon"}  # with and without places
RATES = {"adam": 2e-3, "muon": 4e-3}
IN_TILES = SyntheticDefects(3, clean=0.1, softest=0.25, faintest=0.6, painted=0.8)
FLIPS: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))  # axes of (n, channels, h, w)
NEAR = 0.9  # what the picture at its size counts; the rest is of half its size
PIXELS = 1 << 17  # looked at together, in pictures of any size
BLUR = 1.0  # pixels, before the largest value of a map is a picture's score

Array = NDArray[np.float64]


class DefectSegmenter(PartParams, BaseEstimator):
    """Marks the damaged pixels of pictures; learns from normal pictures, into which it plants synthetic defects.

    It needs no picture of a real defect. Small pictures that all show one kind of thing in one place are looked at
    whole: an autoencoder restores what should be there, and a small convolutional network compares. Larger ones, and
    lists of pictures of any sizes, are learned from random tiles by a convolutional network alone, which says what is
    no part of such pictures anywhere, and looks at them at their size and at half of it, mirrored and transposed. What
    it finds are defects somewhat like the synthetic ones, things that were put in or taken away; it is no judge of what
    a picture shows.

    Args:
        corruption: what damages the training pictures: SyntheticDefects, another corruption, a short string, or a
            function of a batch; "auto" is SyntheticDefects(), for tiles more defects, clearer ones, more of one colour,
            and with edges up to a quarter of the side soft, since a tile shows a small part of a picture. A pixel
            counts as damaged where it changed by at least a tenth of the range of values.
        tile: pixels along each side of the tiles that it is trained on; None to look at pictures whole; "auto" is None
            for pictures of up to 4,096 values, and else 128, or the shortest side where that is less.
        width: channels of the convolutional network at its finest resolution.
        hidden_features: of the autoencoder that looks at pictures whole.
        data: what the pictures are, a DataSpec; "auto" looks at them.
        trainer: how to train. What it leaves open is chosen: so many epochs that 64,000 pictures are seen, 32 at a
            time, with Adam at a rate of 2e-3, or 28,000 tiles, 8 at a time, with Muon at 4e-3, which learns from
            fewer tiles; float32, since small differences count.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        module_: the network.
        schema_: the front door's decisions about the pictures, or tiles.
        tile_: pixels along each side of the tiles, or None.
        history_: a table of the epochs.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> digits = load_digits().images
        >>> segmenter = DefectSegmenter(trainer=Trainer(epochs=10, verbose=False), random_state=0).fit(digits[:1500])
        >>> damaged = digits[1500:].copy()
        >>> damaged[:, 3:6, 0:3] = 8  # a stain
        >>> found = segmenter.segment(damaged)
        >>> bool(found[:, 3:6, 0:3].mean() > found.mean() + 1)
        True
    """

    module_: SegmentationNetwork
    schema_: Schema
    tile_: int | None
    history_: History

    def __init__(
        self,
        corruption: Any = "auto",
        *,
        tile: int | str | None = "auto",
        width: int = 16,
        hidden_features: int = 512,
        data: Any = "auto",
        trainer: Any = None,
        random_state: Any = None,
    ) -> None:
        self.corruption = corruption
        self.tile = tile
        self.width = width
        self.hidden_features = hidden_features
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains on normal pictures and returns self.

        Args:
            X: (n, h, w) or (n, h, w, channels), a list of such pictures of any sizes, or a path as in `Autoencoder`.
            y: ignored; scikit-learn's convention.

        Raises:
            TypeError, ValueError: for data or settings that cannot be trained on, before any training.
            TrainingDiverged: when a loss is not finite.
        """
        self._check()
        seed = seed_of(self.random_state)
        pictures = _alike(X) if _listed(X) else loaded(X)
        self.tile_ = self._tile(pictures)
        rng = np.random.default_rng(seed)
        rows = as_rows(pictures if self.tile_ is None else random_tiles(pictures, self.tile_, rng))
        check_samples(len(rows))
        check_values(rows)
        self.schema_ = decide(rows, resolve(self.data, DataSpec, DataSpec()) or DataSpec())
        if self.schema_.kind != "image":
            raise ValueError(f"only pictures can be segmented; X holds {self.schema_.kind}s ({self.schema_.reason})")
        trainer = self._settled(len(rows))
        device = trainer.resolve_device()
        self.module_ = self._network(seed).to(device)
        source, held = source_of(rows, self.schema_, None, device), None
        if trainer.held_out:
            source, held = source.split(trainer.held_out, seed)
        objective = Segmentation(self._corruption())
        self.history_ = trainer.fit(self.module_, source, objective, validation=held, seed=seed)
        self.module_.eval()
        return self

    def segment(self, X: Any) -> Array | list[Array]:
        """Returns (n, h, w): the natural logarithm of the odds that a pixel is damaged; above 0 it is more likely so.

        The odds are those among the synthetic defects; how often real ones occur, it cannot know.

        Args:
            X: (n, h, w) or (n, h, w, channels), or a list of such pictures, as in `fit`; where it was trained on tiles,
                of any sizes of at least 8 pixels. Of a list of several sizes the maps (h, w) come as a list.

        Raises:
            ValueError: for pictures of another shape or too small, or values that are not finite.
            NotFittedError: before `fit`.
        """
        check_is_fitted(self, "module_")
        if not _listed(X):
            return self._maps(loaded(X))
        pictures = _alike(X)
        check_finite(pictures)
        shapes = [picture.shape for picture in pictures]
        if len(set(shapes)) == 1:
            return self._maps(np.stack(pictures))
        found: dict[int, Array] = {}
        for shape in sorted(set(shapes)):
            own = [i for i, other in enumerate(shapes) if other == shape]
            found |= zip(own, self._maps(np.stack([pictures[i] for i in own])), strict=True)
        return [found[i] for i in range(len(pictures))]

    def _maps(self, X: Any) -> Array:
        """Returns (n, h, w) of pictures of one size."""
        rows = as_rows(X)
        schema = self._schema_of(rows.shape[1:])
        schema.check_shape(rows)
        _check_size(min(rows.shape[1:3]))
        x = (schema.prepare(schema.ingest(chunk)) for chunk in finite_chunks(rows))
        device = next(self.module_.parameters()).device
        together = None if self.tile_ is None else max(1, PIXELS // math.prod(rows.shape[1:3]))
        maps = over_chunks(self.module_, x, self._log_odds, device, together)
        return collected(maps, len(rows)).astype(np.float64)

    def score_samples(self, X: Any) -> Array:
        """Returns (n,): minus the largest value of each map, smoothed by a pixel; higher is more normal.

        Args:
            X: as in `segment`.
        """
        from scipy.ndimage import gaussian_filter

        return np.array([-gaussian_filter(found, BLUR, mode="nearest").max() for found in self.segment(X)])

    def save(self, path: str | Path) -> Path:
        """Writes the segmenter to a folder of safetensors and JSON, and returns its path.

        Args:
            path: of the folder.
        """
        from latente.anomaly.segmenter_saving import save_segmenter

        check_is_fitted(self, "module_")
        return save_segmenter(self, path)

    @classmethod
    def load(cls, path: str | Path) -> DefectSegmenter:
        """Returns the segmenter in a folder; it marks bit for bit what the saved one did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.anomaly.segmenter_saving import load_segmenter

        return load_segmenter(path)

    def _log_odds(self, x: Tensor) -> Tensor:
        """Returns (n, h, w) of scaled pictures (n, channels, h, w).

        Where it was trained on tiles, that is the mean over the picture as it is, mirrored, upside down and both, and
        over its transpose likewise.
        """
        if self.tile_ is None:
            return self.module_(x)[1]
        looks = [self._mirrored(x), self._mirrored(x.mT).mT]
        return torch.stack(looks).mean(0)

    def _mirrored(self, x: Tensor) -> Tensor:
        looks = [self._near_and_far(x.flip(axes)).flip([axis - 1 for axis in axes]) for axes in FLIPS]
        return torch.stack(looks).mean(0)

    def _near_and_far(self, x: Tensor) -> Tensor:
        """Returns (n, h, w): nine tenths of what the picture says, one of what it says at half its size.

        The inside of a defect as large as a tile looks like any dark or plain surface until it is seen from further
        away.
        """
        near = self.module_(x)[1]
        if min(x.shape[2:]) < (self.tile_ or 0):
            return near
        h, w = x.shape[2:]
        even = F.pad(x, (0, w % 2, 0, h % 2), mode="replicate")
        far = self.module_(F.avg_pool2d(even, 2))[1]
        far = F.interpolate(far[:, None], scale_factor=2, mode="bilinear", align_corners=False)[:, 0, :h, :w]
        return NEAR * near + (1 - NEAR) * far

    # Settings

    def _check(self) -> None:
        corruption = self._corruption()
        if corruption is None:
            raise ValueError("corruption must say what damages pictures, e.g. 'synthetic_defects'; got None")
        corruption.check()
        if self.tile not in ("auto", None) and not is_integer(self.tile, low=SMALLEST):
            raise ValueError(f"tile must be an integer of at least {SMALLEST}, None or 'auto'; got {self.tile!r}")
        for name in ("width", "hidden_features"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(f"{name} must be an integer of at least 1; got {getattr(self, name)!r}")
        self._trainer().check()

    def _corruption(self) -> Corruption | None:
        if isinstance(self.corruption, str) and self.corruption == "auto":
            return SyntheticDefects() if getattr(self, "tile_", None) is None else replace(IN_TILES)
        return resolve_corruption(self.corruption)

    def _tile(self, pictures: Any) -> int | None:
        shapes = {np.shape(picture) for picture in pictures} if _listed(pictures) else {as_rows(pictures).shape[1:]}
        if len({len(shape) for shape in shapes}) != 1 or len(next(iter(shapes))) not in (2, 3):
            raise ValueError(f"X must be pictures (h, w) or (h, w, channels); got shapes {sorted(shapes)[:5]}")
        shortest = min(min(shape[:2]) for shape in shapes)
        _check_size(shortest)
        if len({shape[2:] for shape in shapes}) > 1:
            raise ValueError(f"the pictures have different numbers of channels: {sorted(shapes)[:5]}")
        if self.tile is None or (self.tile == "auto" and len(shapes) == 1 and math.prod(next(iter(shapes))) <= WHOLE):
            if len(shapes) > 1:
                raise ValueError("pictures of several sizes cannot be looked at whole; give a tile, or 'auto'")
            return None
        tile = min(TILE, shortest) if self.tile == "auto" else int(self.tile)
        if not SMALLEST <= tile <= shortest:
            raise ValueError(f"tiles must be from {SMALLEST} pixels to the shortest side, {shortest}; got {tile}")
        return tile

    def _schema_of(self, shape: tuple[int, ...]) -> Schema:
        """Returns the schema for pictures of that shape: any size will do where tiles were learned."""
        known = self.schema_
        if self.tile_ is None:
            return known
        if len(shape) != len(known.user_shape) or shape[2:] != known.user_shape[2:]:
            own = ", ".join(["h", "w", *map(str, known.user_shape[2:])])
            raise ValueError(
                f"this segmenter was trained on pictures ({own}) of any size; got pictures of shape {shape}"
            )
        return replace(known, user_shape=shape, sample_shape=(known.sample_shape[0], *shape[:2]))

    def _trainer(self) -> Trainer:
        return resolve(self.trainer, Trainer, Trainer()) or Trainer()

    def _settled(self, samples: int) -> Trainer:
        """Returns the trainer with what it leaves open."""
        trainer, places = self._trainer(), self.tile_ is None
        epochs = max(1, round(SEEN[places] / samples)) if trainer.epochs == "auto" else trainer.epochs
        batch_size = BATCH[places] if trainer.batch_size == "auto" else trainer.batch_size
        optimizer = OPTIMIZER[places] if trainer.optimizer == "auto" else trainer.optimizer
        rate = RATES[optimizer] if trainer.learning_rate == "auto" else trainer.learning_rate
        precision = "float32" if trainer.precision == "auto" else trainer.precision  # no first loss would tell
        own: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "precision": precision}
        return replace(trainer, **own, optimizer=optimizer, learning_rate=rate)

    def _network(self, seed: int) -> SegmentationNetwork:
        places, (channels, height, width) = self.tile_ is None, self.schema_.sample_shape
        hidden = int(self.hidden_features)
        with seeded(seed):
            return SegmentationNetwork((channels, height, width), places, int(self.width), hidden, self.schema_.bounds)


def _listed(X: Any) -> bool:
    """Returns whether X is a list of pictures, each an array of its own."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and all(np.ndim(picture) in (2, 3) for picture in X)


def _check_size(shortest: int) -> None:
    """Raises ValueError where pictures are too small for the blocks and resolutions of the networks."""
    if shortest < SMALLEST:
        raise ValueError(
            f"pictures must have at least {SMALLEST} pixels along each side, since the network looks at blocks of "
            f"pixels at several resolutions; got one of {shortest}: enlarge the pictures, or leave it out"
        )


def _alike(pictures: Sequence[Any]) -> list[NDArray[Any]]:
    """Returns the pictures of a list as arrays, or raises ValueError where bytes and floats would be of two scales."""
    arrays = [np.asarray(picture) for picture in pictures]
    dtypes = sorted({str(array.dtype) for array in arrays})
    if len(dtypes) > 1 and any(array.dtype.kind != "f" for array in arrays):
        raise ValueError(
            f"the pictures of a list must have one dtype, so that all are on one scale; got {', '.join(dtypes)}: bring "
            "them to one range and dtype"
        )
    return arrays
