"""The autoencoder as a predictor: quantised codes of every sample, and another plan for what they leave.

    sample = mean + level + scale d(z),    x' = sample + residual'

The level is the mean deviation of a sample, z its code; both are quantised with steps that suit the bound. Latent
dimensions whose codes would all be small are left out. The synthesis runs in floating point, so the bound of the
residual keeps a margin for what another machine may round differently.
"""

from __future__ import annotations

__all__ = ["AutoencoderPlan"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.choose import choose
from latente.codec.arrays.plans import PLANS, WIDEST, Coded, Header, Mask, Problem, Sections, short
from latente.codec.arrays.tiles import from_tiles, to_tiles
from latente.codec.arrays.wavelet import analysis, synthesis
from latente.codec.entropy import ContextDecoder, ContextEncoder, classes_of
from latente.codec.errors import AlteredError
from latente.codec.limits import crc32c

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive  # heavy: it brings the estimators

REFERENCE = 58  # bytes that the name and hash of a model take in a stream
RATIO = 3.0  # step of a code, as a decoded length, over the bound
SMALLEST = 0.5  # latent dimensions with a smaller mean magnitude, in steps, are left out
LEVEL = 0.5  # step of the levels over the bound
LONG = 4  # leading slices from which on the codes are transformed along the first axis
LARGEST = 1e30  # of a value over the archive's scale: float32, in which the network encodes, ends at 3e38
MARGIN = 2.0**-19  # of the largest predicted deviation: what another machine may compute differently
Field = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class AutoencoderPlan:
    """Prediction by an archive's autoencoder.

    Args:
        archive: what was learned.
        codes: whether the autoencoder's codes are used; without them, the archive's mean sample predicts all others.
        extra: bytes that the model takes in a stream.
    """

    archive: Archive
    codes: bool = True
    extra: int = REFERENCE
    name: ClassVar[str] = "autoencoder"

    def suits(self, problem: Problem) -> bool:
        shape, tile = problem.values.shape, self.archive.tile
        tail = shape[len(shape) - len(tile) :]
        large = len(tail) == len(tile) and all(n >= t for n, t in zip(tail, tile, strict=True))
        if not large or problem.exact or problem.bound <= 0 or not problem.pointwise:
            return False
        farthest = float(np.abs(problem.values).max())
        return farthest < LARGEST * self.archive.scale and problem.width / problem.bound < WIDEST

    def encode(self, problem: Problem) -> Coded:
        archive, shape = self.archive, problem.values.shape
        tiles = to_tiles(problem.values.astype(np.float64), archive.tile)
        deviations = tiles - archive.mean
        steps = self._steps(problem.bound)
        used = self._used(steps) if self.codes else np.zeros(0, np.int64)
        levels = deviations.mean(axis=2)
        codes = archive.codes((deviations - levels[:, :, None]).reshape(-1, tiles.shape[2]))[:, used]
        wanted = np.concatenate([levels[:, :, None], codes.reshape(*tiles.shape[:2], -1)], axis=2)
        quantised = self._quantised(wanted, steps[np.append(0, used + 1)])
        predicted = self._predicted(quantised, steps, used)
        chosen = self._chosen(deviations, predicted)
        prediction = from_tiles(archive.mean + predicted * chosen[:, :, None], shape, archive.tile)
        margin = MARGIN * float(np.abs(predicted).max())
        rest = replace(
            problem, values=problem.values - prediction, bound=short(problem.bound - margin - 1e-5 * problem.bound, 6)
        )
        choice = choose(rest) if rest.bound > 0.5 * problem.bound else None
        if choice is None:
            return Coded({"plan": self.name}, {"never": bytes(problem.values.nbytes)}, problem.values)
        inner = choice.coded or choice.plan.encode(rest)
        share = round(float(chosen.mean()), 4) if len(used) else 0.0
        header = {
            "plan": self.name, "scale": problem.bound, "dims": len(used), "share": share,
            "inner": inner.header, "check": _check(quantised, inner.values),
        }  # fmt: skip
        sections = {"codes": self._coded(quantised, used, steps), **inner.sections}
        if not chosen.all():
            sections["chosen"] = np.packbits(chosen).tobytes()
        return Coded(header, sections, prediction + inner.values)

    def decode(self, header: Header, sections: Sections, shape: tuple[int, ...], valid: Mask) -> Field:
        """The inverse of `encode`, but for the last digits of the synthesis.

        Raises:
            ValueError: when the sections are damaged.
        """
        counts = to_tiles(np.zeros(shape), self.archive.tile).shape[:2]
        steps = self._steps(float(header["scale"]))
        used = self._used(steps) if header["dims"] else np.zeros(0, np.int64)
        if len(used) != header["dims"]:
            raise AlteredError(f"the codes have {header['dims']} dimensions; the model gives {len(used)}")
        quantised = self._uncoded(sections["codes"], (*counts, len(used) + 1), used, steps)
        inner = PLANS[header["inner"]["plan"]].decode(header["inner"], sections, shape, valid)
        if _check(quantised, inner) != header["check"]:
            raise AlteredError("the codes, or what they leave, did not decode to what was encoded: their CRC is wrong")
        chosen = np.ones(counts, bool)
        if "chosen" in sections:
            bits = np.unpackbits(np.frombuffer(sections["chosen"], np.uint8), count=chosen.size)
            chosen = bits.astype(bool).reshape(counts)
        predicted = self._predicted(quantised, steps, used) * chosen[:, :, None]
        return from_tiles(self.archive.mean + predicted, shape, self.archive.tile) + inner

    def _used(self, steps: Field) -> Integers:
        """Latent dimensions whose codes are large enough to be sent."""
        return np.flatnonzero(self.archive.spreads >= SMALLEST * steps[1:])

    def _steps(self, bound: float) -> Field:
        """Step of the level, then of every latent dimension."""
        return np.append(LEVEL * bound, RATIO * bound / self.archive.slopes)

    def _quantised(self, wanted: Field, steps: Field) -> Integers:
        scaled = wanted / steps
        if len(scaled) >= LONG:
            scaled = np.apply_along_axis(analysis, 0, scaled)
        return np.rint(scaled).astype(np.int64)

    def _predicted(self, quantised: Integers, steps: Field, used: Integers) -> Field:
        """Deviations from the mean sample, (leading, tiles, values)."""
        scaled = quantised.astype(np.float64)
        if len(scaled) >= LONG:
            scaled = np.apply_along_axis(synthesis, 0, scaled)
        scaled *= steps[np.append(0, used + 1)]
        if not len(used):
            return np.repeat(scaled, len(self.archive.mean), axis=2)
        codes = np.zeros((scaled[:, :, 0].size, len(self.archive.slopes)))
        codes[:, used] = scaled[:, :, 1:].reshape(len(codes), -1)
        return self.archive.decoded(codes).reshape(*scaled.shape[:2], -1) + scaled[:, :, :1]

    @staticmethod
    def _chosen(deviations: Field, predicted: Field) -> NDArray[np.bool_]:
        """Samples that the autoencoder brings nearer than the mean sample is."""
        return ((deviations - predicted) ** 2).sum(axis=2) < (deviations**2).sum(axis=2)

    def _classes(self, shape: tuple[int, ...], used: Integers, steps: Field) -> NDArray[np.uint8]:
        """A class for each code by its dimension's mean magnitude in the archive; levels have one of their own.

        A difference in the last digit of a float changes nothing but at an edge, where the CRC of the codes tells.
        """
        expected = np.append(8 * 256, 256 * self.archive.spreads[used] / steps[used + 1])
        return np.broadcast_to(classes_of(np.rint(expected).astype(np.int64)), shape).ravel()

    def _coded(self, quantised: Integers, used: Integers, steps: Field) -> bytes:
        largest = int(np.abs(quantised).max())
        encoder = ContextEncoder(largest)
        encoder.encode(quantised.ravel(), self._classes(quantised.shape, used, steps))
        return largest.to_bytes(8, "little") + encoder.finish()

    def _uncoded(self, data: bytes, shape: tuple[int, ...], used: Integers, steps: Field) -> Integers:
        largest = int.from_bytes(data[:8], "little")
        if largest >= 1 << 62:
            raise AlteredError(f"the codes would reach {largest}, which no encoder writes")
        decoder = ContextDecoder(data[8:], largest)
        return decoder.decode(self._classes(shape, used, steps)).reshape(shape)


def _check(quantised: Integers, left: Field | Integers) -> int:
    """The CRC of the codes, continued by that of the residual: all in a block that every machine decodes alike."""
    return crc32c(np.ascontiguousarray(left + 0.0, "<f8"), crc32c(np.ascontiguousarray(quantised, "<i8")))


def encoders(archive: Archive | None, embed: bool = False) -> dict[str, Any]:
    """Plans that an archive adds to the competition, by their short name.

    Args:
        archive: what was learned; None adds nothing.
        embed: whether the model becomes part of the stream: then its size counts.
    """
    if archive is None:
        return {}
    extra = len(archive.model.to_bytes()) if embed else REFERENCE
    return {"a": AutoencoderPlan(archive, extra=extra), "am": AutoencoderPlan(archive, codes=False, extra=extra)}


def decoders(archive: Archive | None) -> dict[str, Any]:
    """Decoders of plans by name, for `decode_block`."""
    return {} if archive is None else {AutoencoderPlan.name: AutoencoderPlan(archive)}
