"""A convolutional denoiser of pictures and signals of any size, trained with or without clean data."""

from __future__ import annotations

__all__ = ["Denoiser"]

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from latente.corruptions import Bounds, GaussianNoise, resolve_corruption
from latente.data import ArraySource, Source
from latente.denoising.level import noise_level, warn_of_unknown, window_level
from latente.denoising.restoration import GRID, WAYS, Restoration, check_level, from_neighbours, hide, is_blind
from latente.denoising.samples import TOGETHER, Samples, Scale, alike, are_partners, are_small, patches, read_samples
from latente.denoising.spread import Spread
from latente.denoising.steps import ENOUGH, peak_rate, suited
from latente.denoising.tiles import tiled
from latente.denoising.told import check_told, is_automatic
from latente.estimators.params import PartParams
from latente.nn import UNet
from latente.parts import is_integer, resolve
from latente.training import History, Trainer, seed_of, seeded

TILE = {1: 65_536, 2: 512}  # positions along an axis that are restored at once
MEASURED = 1 << 22  # values in the patches on which the spread around predictions is measured
SMALL = 48  # pixels along the longest axis of images that are not folded
WIDTHS = (16, 32)  # without folding, and with: about as much work
FLOOR, UNIT = 0.2, 0.1  # of the loss's weights where levels vary, and about the variance of data in [0, 1]
DEFAULT_NOISE = GaussianNoise((0.0, 0.5))


class Restorer(nn.Module):
    """A U-Net and the bounds of the data it restores."""

    generator: torch.Generator | None = None  # the trainer's; decides the corruption

    def __init__(self, network: UNet, bounds: Bounds) -> None:
        super().__init__()
        self.network, self.bounds = network, bounds

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


class Denoiser(PartParams, TransformerMixin, BaseEstimator):
    """Removes noise from images and signals of any size: x_hat = x + f(x) (or f(x), see `way`), with a U-Net f.

    Unlike a `DenoisingAutoencoder` it has no code: where nothing but the noise is to go, a bottleneck only costs
    detail. It sees a neighbourhood, not the whole sample, so one that was trained on patches restores photographs.
    With `kind="image"` there is one network for all colour channels.

    Args:
        noise: what is to be removed, for way="clean": a corruption or a short string such as "gaussian:0.1" or
            "salt_and_pepper:0.2", in units of scaled data: unsigned integers and floats within [0, 1] are scaled to
            [0, 1], others standardised, images as a whole and signals channel by channel. A range of levels makes it
            blind; None, the default, is `GaussianNoise((0.0, 0.5))`.
        way: what `fit` gets. "clean": clean samples; "noise2noise": pairs, a noisy copy of each and a second noisy
            copy, or a clean one; "noise2self": single noisy samples, whose noise must be independent between
            neighbouring positions.
        kind: "image", "signal" or "auto"; see `read_samples`.
        width: channels of the network's first level; the time grows with its square. "auto" is 16 without folding, 32
            with.
        levels: resolutions, each half the one before.
        blocks: residual blocks a level, on each side.
        fold: positions along each axis that become channels at the entrance and positions again at the exit, which
            saves time; "auto" is 2, but 1 (none) for images of at most 48 pixels along each axis.
        patch_size: positions of training patches along each axis; "auto" is 64 for images, 512 for signals. Samples of
            one shape are taken whole up to 1.5 times that; where they are fewer than 60 and the trainer's epochs are
            "auto", patches are two thirds as long as they, but at least 32 (images) or 64 (signals).
        trainer: how to train. What it leaves open is here: batches of 32 patches, 8 of patches of 64 x 64; a peak rate
            of 5e-3 (lower for smaller batches, and for networks wider than that of small images); no weight decay; a
            beta2 of 0.99; about 120,000 patches in all, of small data fewer, so that no value is seen more than 100
            times, but at least 6,000. For a range of levels three times as many, as long as three networks for one
            level, in batches of half the size, and samples with weak noise weigh more (see `Restoration`). What is held
            out for the validation loss is never part of a training patch.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        module_: the trained network.
        scale_: how data is scaled.
        channels_: of a sample.
        dimensions_: 1 for signals, 2 for images.
        fold_: positions along each axis that became channels.
        spread_: with way="noise2self", how far noisy values lie from predictions that did not see them; else None.
        sigma_: with way="noise2self", the standard deviation of the noise, estimated from the noisy data for each
            channel and in the units of `fit`; None where it does not look additive and Gaussian, or there are too few
            values to say so (see `noise_level`).
        history_: a table of the epochs.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> images = load_digits().images / 16
        >>> model = Denoiser("gaussian:0.2", trainer=Trainer(epochs=2, verbose=False), random_state=0).fit(images)
        >>> noisy = images + np.random.default_rng(0).normal(scale=0.2, size=images.shape)
        >>> restored = model.transform(noisy)
        >>> bool(np.square(restored - images).mean() < 0.5 * np.square(noisy - images).mean())
        True
    """

    module_: Restorer
    scale_: Scale
    channels_: int
    dimensions_: int
    fold_: int
    spread_: Spread | None
    sigma_: tuple[float, ...] | None
    history_: History

    def __init__(
        self,
        noise: Any = None,
        *,
        way: str = "clean",
        kind: str = "auto",
        width: int | str = "auto",
        levels: int = 3,
        blocks: int = 1,
        fold: int | str = "auto",
        patch_size: int | str = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.noise, self.way, self.kind = noise, way, kind
        self.width, self.levels, self.blocks, self.fold = width, levels, blocks, fold
        self.patch_size, self.trainer, self.random_state = patch_size, trainer, random_state

    def fit(self, X: Any, y: Any = None, *, resume: bool = False) -> Self:
        """Trains and returns self.

        Args:
            X: images or signals as in `read_samples`, or a path: clean ones for way="clean", else noisy ones.
            y: for way="noise2noise" second copies, of the same shapes; otherwise labels, which are ignored.
            resume: whether to go on from the newest checkpoint in the trainer's folder.

        Raises:
            ValueError: for data or settings that cannot be trained on, such as noise that is wider than the data, or
                second copies for another way than "noise2noise".
        """
        objective = self._objective()
        self._trainer().check()
        samples, pairs = self._training_samples(X, y)
        seed = seed_of(self.random_state)
        dimensions, channels = samples.dimensions, samples.channels // (1 + pairs)
        parts = [item[:channels] for item in samples.items]
        self.scale_ = scale = Scale.of(parts, dimensions == 1, standard=self.way == "noise2self")
        check_level(objective.noise, scale.bounds)
        blind = is_blind(objective.noise)
        if blind:
            objective = replace(objective, floor=FLOOR * (1.0 if scale.bounds is None else UNIT))
        self.channels_, self.dimensions_ = channels, dimensions
        self.fold_ = self._fold(samples)
        rng, fraction, held = np.random.default_rng(seed), self._trainer().held_out, None
        if fraction:
            samples, apart = samples.divided(fraction, rng)
            held = self._source(patches(apart, self.patch_size, rng))
        cut = patches(samples, self.patch_size, rng, ENOUGH if self._trainer().epochs == "auto" else 1)
        covers, positions = samples.size / cut[0].numel(), cut[0, 0].numel()
        rate = peak_rate(self._width() * 3**dimensions)
        trainer = suited(self._trainer(), len(cut), covers, positions, rate, blind)
        self.module_ = self._network(seed).to(trainer.resolve_device())
        source = self._source(cut)
        self.history_ = trainer.fit(self.module_, source, objective, validation=held, seed=seed, resume=resume)
        self.spread_, self.sigma_ = self._measured(cut, samples, rng) if self.way == "noise2self" else (None, None)
        return self

    def transform(
        self,
        X: Any,
        *,
        tile: int | str = "auto",
        overlap: int | str = "auto",
        j_invariant: bool | str = "auto",
        sigma: Any = "auto",
    ) -> Any:
        """Returns restored samples of the shape, the units and the dtype of X (floats for booleans).

        Args:
            X: images or signals of any size, of as many channels as those of `fit`, or a path.
            tile: larger samples are restored in tiles of this many positions along each axis; "auto" is 512 for images,
                65,536 for signals. Memory grows with it.
            overlap: positions that neighbouring tiles share; "auto" is as far as the network sees, at most half a tile.
            j_invariant: with way="noise2self", whether every position is restored without being seen, so that its
                noise cannot be copied; False is one pass for 4 (signals) or 16 (images), often nearer to the truth,
                but not always. "auto" is True, but False where sigma="auto" knows no level.
            sigma: with way="noise2self" and j_invariant, the standard deviation of the noise in X, in its units; one
                number, or one for each channel. What the neighbours say of a value is then combined with the noisy
                value itself, by their variances (see `Spread`): nearer to the truth for noise of this level everywhere.
                "auto" is `sigma_`, for data with the noise of that of `fit`; None leaves the noisy value out.

        Raises:
            ValueError: for data that is not like that of `fit`, or a sigma or j_invariant that cannot be used.
            NotFittedError: before `fit`.

        Warns:
            UnknownLevelWarning: with way="noise2self", where no level is known and j_invariant is "auto".
        """
        check_is_fitted(self, "module_")
        samples = read_samples(X, "image" if self.dimensions_ == 2 else "signal")
        if samples.channels != self.channels_:
            raise ValueError(f"this Denoiser was trained on {self.channels_} channels; got {samples.channels}")
        tile, overlap = self._tile(tile, overlap)
        check_told(sigma, j_invariant, self.way, self.channels_)
        hidden = self._is_hidden(j_invariant, sigma)
        noise = self._level(sigma, hidden)
        self.module_.eval()
        groups = alike(samples.items, tile)
        return samples.returned(
            [item for group in groups for item in self._restored(group, hidden, tile, overlap, noise)]
        )

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Trains on X and returns X restored: for way="noise2self", where X is both.

        Args:
            X: as in `fit`.
            y: as in `fit`.
            params: of `fit`.
        """
        return self.fit(X, y, **params).transform(X)

    def save(self, path: str | Path) -> Path:
        """Writes the denoiser to a folder of safetensors and JSON, and returns its path."""
        from latente.denoising.saving import save_denoiser

        check_is_fitted(self, "module_")
        return save_denoiser(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Denoiser:
        """Returns the denoiser in a folder; it restores bit for bit as the saved one did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.denoising.saving import load_denoiser

        return load_denoiser(path)

    def _restored(
        self,
        items: list[Any],
        hidden: bool,
        tile: int,
        overlap: int,
        noise: tuple[Scale | None, tuple[float, ...]] | None,
    ) -> Iterator[Any]:
        """Yields restored items; several at a time are small and of one shape. For `noise` see `_level`."""
        device, dtype = next(self.module_.parameters()).device, items[0].dtype
        scale = self.scale_.suited(items)
        restore = partial(from_neighbours, self.module_) if hidden else self.module_
        x = scale.apply(torch.from_numpy(np.stack(items)).to(device))
        with torch.inference_mode():
            restored = restore(x) if len(x) > 1 else tiled(restore, x[0], tile, overlap)[None]
            if noise is not None and self.spread_ is not None:
                scaled = torch.tensor(noise[1]) * torch.tensor((noise[0] or scale).factor)
                variance = scaled.square().view(-1, *(1,) * self.dimensions_).to(device)
                restored = self.spread_.combined(restored, x, variance)
        yield from scale.undo(restored.cpu().numpy(), dtype)

    def _measured(
        self, cut: Tensor, samples: Samples, rng: np.random.Generator
    ) -> tuple[Spread, tuple[float, ...] | None]:
        """Returns `spread_` and `sigma_`, from some training patches, or few samples as they are, and predictions."""
        if len(samples.items) < ENOUGH and are_small(samples, self.patch_size):
            cut = patches(samples, self.patch_size, rng)
        size, few = samples.size, cut[: max(1, MEASURED // cut[0].numel())]
        starts = rng.permutation(GRID**self.dimensions_)[: max(1, MEASURED // few.numel())]  # of grids, one a pass
        offsets = np.stack(np.unravel_index(starts, (GRID,) * self.dimensions_), axis=1).tolist()
        device = next(self.module_.parameters()).device
        predicted: list[Tensor] = []
        noisy: list[Tensor] = []
        self.module_.eval()
        with torch.inference_mode():
            for part in few.split(max(1, TOGETHER // few[0].numel())):
                x = self.scale_.apply(part.to(device))
                for hidden, without in (hide(x, offset) for offset in offsets):
                    for kept, values in ((predicted, self.module_(without).to(x)), (noisy, x)):
                        kept.append(values[hidden].view(len(x), self.channels_, -1).transpose(0, 1).flatten(1).cpu())
        f, x = torch.cat(predicted, 1), torch.cat(noisy, 1)
        share = f.numel() / size  # a draw of so many values leaves out exp(-share) of them
        repeats = share / -np.expm1(-share)
        levels = [noise_level(*pair, repeats=repeats) for pair in zip(f, x, strict=True)]
        if self.dimensions_ == 2:  # what is known of a level is that it is no larger
            seconds = [window_level(c, few.numel() / size) for c in self.scale_.apply(few).transpose(0, 1)]
            levels = [a if a is None or b is None else min(a, b) for a, b in zip(levels, seconds, strict=True)]
        known = [level / factor for level, factor in zip(levels, self._factors(), strict=True) if level is not None]
        return Spread.of(f.flatten(), x.flatten(), repeats), tuple(known) if len(known) == len(levels) else None

    def _factors(self) -> tuple[float, ...]:
        """Returns the factor of scaling in each channel."""
        factor = self.scale_.factor
        return factor if len(factor) == self.channels_ else factor * self.channels_

    def _is_hidden(self, j_invariant: bool | str, sigma: Any) -> bool:
        """Returns whether positions are restored without being seen; warns where that is so for want of a level."""
        if self.way != "noise2self" or j_invariant != "auto":
            return self.way == "noise2self" and bool(j_invariant)
        if self.sigma_ is not None or not is_automatic(sigma):
            return True
        warn_of_unknown()
        return self.spread_ is None  # older files lack it

    def _level(self, sigma: Any, hidden: bool) -> tuple[Scale | None, tuple[float, ...]] | None:
        """Returns the noise's deviation in each channel and the scale of its units, None for that of the data."""
        if is_automatic(sigma):
            return None if self.sigma_ is None or not hidden else (self.scale_, self.sigma_)
        if sigma is None:
            return None
        if self.spread_ is None:
            raise ValueError("sigma needs what `fit` measures, and this Denoiser was saved before it did: fit it again")
        return None, tuple(np.broadcast_to(np.ravel(np.asarray(sigma, float)), self.channels_).tolist())

    def _tile(self, tile: int | str, overlap: int | str) -> tuple[int, int]:
        for name, value, low in (("tile", tile, 16), ("overlap", overlap, 0)):
            if value != "auto" and not is_integer(value, low=low):
                raise ValueError(f"{name} must be an integer of at least {low} or 'auto'; got {value!r}")
        size = TILE[self.dimensions_] if tile == "auto" else int(tile)
        return size, min(size // 2, self.module_.network.reach) if overlap == "auto" else int(overlap)

    def _training_samples(self, X: Any, y: Any) -> tuple[Samples, bool]:
        """Returns the samples; of pairs, the second ones as further channels, so that patches are cut alike."""
        samples = read_samples(X, self.kind)
        if self.way != "noise2noise":
            if are_partners(y, samples):
                raise ValueError(
                    f"way={self.way!r} learns from X alone, and y holds samples; to learn from pairs of a noisy sample "
                    "and a clean or second noisy one, use Denoiser(way='noise2noise').fit(noisy, clean)"
                )
            return samples, False
        if y is None:
            raise ValueError("way='noise2noise' needs second noisy copies, or clean ones: fit(noisy, noisy_again)")
        others = read_samples(y, "image" if samples.dimensions == 2 else "signal")
        if [item.shape for item in samples.items] != [item.shape for item in others.items]:
            raise ValueError("the two copies of way='noise2noise' must have the same shapes")
        both = [np.concatenate(pair) for pair in zip(samples.items, others.items, strict=True)]
        return Samples(both, samples.dimensions, samples.single, samples.listed, samples.channel_axis), True

    def _source(self, cut: Tensor) -> Source:
        """Returns patches as training data; channels beyond those of a sample are its second copy."""
        first, second = cut.split(self.channels_, dim=1) if cut.shape[1] > self.channels_ else (cut, None)
        return ArraySource(first, self.scale_.apply, second, device=self._trainer().resolve_device())

    def _network(self, seed: int) -> Restorer:
        with seeded(seed):
            network = UNet(
                self.channels_,
                self.dimensions_,
                self._width(),
                int(self.levels),
                int(self.blocks),
                self.fold_,
                identity=self.way != "noise2self",  # which never sees the noise that it would have to take away
            )
        return Restorer(network, self.scale_.bounds)

    def _fold(self, samples: Samples) -> int:
        if self.fold != "auto":
            return int(self.fold)
        small = max(max(item.shape[1:]) for item in samples.items) <= SMALL
        return 1 if small and samples.dimensions == 2 else 2

    def _trainer(self) -> Trainer:
        """Returns the trainer as the user has it."""
        return resolve(self.trainer, Trainer, Trainer()) or Trainer()

    def _width(self) -> int:
        return WIDTHS[self.fold_ > 1] if self.width == "auto" else int(self.width)

    def _objective(self) -> Restoration:
        """Returns the objective, or raises ValueError for settings that make no sense."""
        if self.way not in WAYS:
            raise ValueError(f"way must be one of {', '.join(WAYS)}; got {self.way!r}")
        if self.way != "clean" and self.noise is not None:
            raise ValueError(f"way={self.way!r} learns the noise from the data; leave noise= out")
        for name, automatic in (("width", True), ("fold", True), ("levels", False), ("blocks", False)):
            value, also = getattr(self, name), " or 'auto'" if automatic else ""
            if not (is_integer(value, low=1) or (automatic and value == "auto")):
                raise ValueError(f"{name} must be an integer of at least 1{also}; got {value!r}")
        if self.patch_size != "auto" and not is_integer(self.patch_size, low=8):
            raise ValueError(f"patch_size must be an integer of at least 8 or 'auto'; got {self.patch_size!r}")
        noise = resolve_corruption(DEFAULT_NOISE if self.noise is None else self.noise)
        if noise is None:
            raise ValueError("noise must be a corruption, a short string such as 'gaussian:0.1', or a function")
        noise.check()
        return Restoration(self.way, noise if self.way == "clean" else None)
