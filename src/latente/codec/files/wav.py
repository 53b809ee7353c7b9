"""Sound in WAV files: every chunk but the samples byte by byte, the samples within the bound.

Format: RIFF WAVE (IBM and Microsoft 1991); Multiple Channel Audio Data (Microsoft 2007) for the extensible one.
"""

from __future__ import annotations

__all__ = ["WavFormat"]

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_object, take_text
from latente.codec.files.arrays import (
    ArraySource,
    ArraySpec,
    Index,
    describe_array,
    iterate_array,
    native,
    plan_array,
    write_array,
)
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.coder import code_block, explain_block, read_block
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.linear import from_residuals, to_residuals
from latente.codec.files.methods import Methods
from latente.codec.files.results import Part
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader, ContainerWriter

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
TYPES = {(PCM, 8): "u1", (PCM, 16): "<i2", (PCM, 24): "i3", (PCM, 32): "<i4", (FLOAT, 32): "<f4", (FLOAT, 64): "<f8"}
SAMPLED = 1 << 15  # frames on which it is tried whether linear prediction pays
LINEAR = "linear prediction, then"  # as people read it
AROUND = 1 << 26  # bytes of other chunks that are kept; where there are more, the file is no sound to speak of


@dataclass(frozen=True)
class Sound:
    """Where the samples of a WAV file lie, and of what type they are; "i3" is 24 bits."""

    start: int
    frames: int
    channels: int
    type: str

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return self.frames * self.channels * _width(self.type)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type in memory."""
        return np.dtype("<i4" if self.type == "i3" else self.type)


class WavFormat:
    """Sound. Without a loss the file is restored bit by bit, else all but the samples' rounding."""

    kind, suffix = "wav", ".wav"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        return "it starts as WAV files do" if head[:4] == b"RIFF" and head[8:12] == b"WAVE" else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        settings.check_names([], "columns")
        size = path.stat().st_size
        with path.open("rb") as source:
            sound = _find_samples(source, size)
            source.seek(0)
            before = source.read(sound.start)
            source.seek(sound.start + sound.size)
            after = source.read()
        shape = (sound.frames, sound.channels)
        array = ArraySource(shape, sound.dtype, lambda index: _samples(path, sound, index))
        silence = 128.0 if sound.type == "u1" else 0.0  # 8 bits are stored without sign
        spec = plan_array(array, settings.bound, settings, silence)
        content = {"size": size, "block": settings.block_bytes, "bound": settings.bound.to_json(), "type": sound.type}
        content |= {"before": len(before), "after": len(after), "array": spec.to_json()}
        predicted = _linear_pays(array, spec, settings)
        content |= {"linear": 1} if predicted else {}
        with ContainerWriter(file, self.kind, content, settings.model) as writer:
            writer.write("before", pack_bytes(before))
            write = _write_predicted if predicted else write_array
            part = write(writer, "0", "samples", array, spec, settings)
            writer.write("after", pack_bytes(after))
        return Written((part,))

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        spec, kind = self._spec(reader)
        settings.limits.check("output_bytes", spec.bytes, "the sound")
        sections = Sections(reader)
        with out.open("xb") as file:
            file.write(unpack_bytes(sections.take("before"), take_integer(reader.header, "before", 0, AROUND)))
            read = _iterate_predicted if "linear" in reader.header else iterate_array
            for _, values in read(sections, "0", spec, settings):
                file.write(_stored(values, kind))
            file.write(unpack_bytes(sections.take("after"), take_integer(reader.header, "after", 0, AROUND)))
        sections.finish()

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns the samples, (frames, channels); see `Format`."""
        with path.open("rb") as file:
            sound = _find_samples(file, path.stat().st_size)
        return _samples(path, sound, (slice(0, sound.frames), slice(0, sound.channels)))

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        sections = Sections(reader)
        sections.next("before")
        describe = _describe_predicted if "linear" in reader.header else describe_array
        part = describe(sections, "0", "samples", self._spec(reader)[0])
        sections.next("after")
        sections.finish()
        return (part,)

    def _spec(self, reader: ContainerReader) -> tuple[ArraySpec, str]:
        kind = take_text(reader.header, "type", tuple(TYPES.values()))
        spec = ArraySpec.from_json(take_object(reader.header, "array"), take_integer(reader.header, "block", 1))
        if spec.dtype != Sound(0, 0, 1, kind).dtype or len(spec.shape) != 2:
            raise AlteredError(f"the header describes sound that there cannot be: {kind} as {spec.dtype}")
        return spec, kind


def _linear_pays(array: ArraySource, spec: ArraySpec, settings: Settings) -> bool:
    """Returns whether linear prediction makes the first samples smaller; only where nothing may be lost."""
    if not spec.target.exact or spec.dtype.kind not in "iu" or not spec.shape[0]:
        return False
    samples = np.ascontiguousarray(array.read((slice(0, min(spec.shape[0], SAMPLED)), slice(0, spec.shape[1]))))
    found = to_residuals(samples)
    if found is None:
        return False
    plain = code_block(samples.astype(native(samples.dtype)), spec.target, settings)
    return len(found[0]) + len(code_block(found[1], spec.target, settings).content) < len(plain.content)


def _write_predicted(
    writer: ContainerWriter, prefix: str, name: str, array: ArraySource, spec: ArraySpec, settings: Settings
) -> Part:
    """Writes samples as what linear prediction leaves of them; see `write_array`."""
    start, methods = writer.size, Methods()
    for i, index in enumerate(spec.blocks()):
        samples = np.ascontiguousarray(array.read(index), dtype=native(spec.dtype))
        found = to_residuals(samples)
        if found is None or from_residuals(*found).astype(samples.dtype).tobytes() != samples.tobytes():
            raise Unfit("its samples are too wide for linear prediction")
        coded = code_block(found[1], spec.target, settings)
        writer.write(f"{prefix}/{i}p", found[0])
        writer.write(f"{prefix}/{i}", coded.content, crc32c(samples))
        methods.add(coded.method.after(LINEAR))
    return Part(name, spec.bytes, writer.size - start, "exact", 0.0, methods.text, True, methods.model)


def _iterate_predicted(
    sections: Sections, prefix: str, spec: ArraySpec, settings: Settings
) -> Iterator[tuple[Index, NDArray[Any]]]:
    """Gives the blocks of what `_write_predicted` wrote; see `iterate_array`."""
    for i, index in enumerate(spec.blocks()):
        shape = tuple(s.stop - s.start for s in index)
        settings.limits.check_decoded(shape[0] * shape[1] * 8, "a block of sound")
        needed = sections.take(f"{prefix}/{i}p")
        section = sections.next(f"{prefix}/{i}")
        left = read_block(sections.reader.read(section), shape, np.dtype(np.int32), settings)
        samples = from_residuals(needed, left).astype(native(spec.dtype))
        if section.symbols is not None and crc32c(samples) != section.symbols:
            raise AlteredError(f"section {section.name!r} did not decode to what was encoded: its CRC is wrong")
        yield index, samples


def _describe_predicted(sections: Sections, prefix: str, name: str, spec: ArraySpec) -> Part:
    """Returns what a file holds of samples, without decoding them; see `describe_array`."""
    size, methods = 0, Methods()
    for i, _ in enumerate(spec.blocks()):
        size += sections.next(f"{prefix}/{i}p").whole
        section = sections.next(f"{prefix}/{i}")
        size += section.whole
        methods.add(explain_block(sections.reader.read(section)).after(LINEAR))
    return Part(name, spec.bytes, size, "exact", None, methods.text, True, methods.model)


def _find_samples(file: BinaryIO, size: int) -> Sound:
    """Returns where the samples lie; raises Unfit for a file that is not as the standard says."""
    position, shape = 12, None
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt " and length >= 16:
            shape = _shape_of(file.read(min(length, 40)))
        if name == b"data":
            if shape is None:
                raise Unfit("its samples come before what says of which type they are")
            channels, kind = shape
            width = channels * _width(kind)
            frames = min(length, size - position - 8) // width
            if frames * width != length or size - position - 8 - length > AROUND or position > AROUND:
                raise Unfit(f"it says that it has {length:,} bytes of samples, which it has not")
            return Sound(position + 8, frames, channels, kind)
        position += 8 + length + length % 2
    raise Unfit("it has no samples")


def _shape_of(chunk: bytes) -> tuple[int, str]:
    """Returns the number of channels and the type of the samples."""
    kind, channels, _, _, align, bits = struct.unpack("<HHIIHH", chunk[:16])
    if kind == EXTENSIBLE and len(chunk) >= 40:
        (kind,) = struct.unpack("<H", chunk[24:26])
    if (kind, bits) not in TYPES or channels == 0 or align * 8 != channels * bits:
        raise Unfit(f"its samples are of code {kind} with {bits} bits in {channels} channels, which is kept as it is")
    return channels, TYPES[kind, bits]


def _width(kind: str) -> int:
    return int(kind[-1])


def _samples(path: Path, sound: Sound, index: Index) -> NDArray[Any]:
    """Returns a block of samples, (frames, channels)."""
    frames, channels = index
    row = sound.channels * _width(sound.type)
    with path.open("rb") as file:
        file.seek(sound.start + frames.start * row)
        raw = file.read((frames.stop - frames.start) * row)
    if sound.type != "i3":
        return np.frombuffer(raw, sound.dtype).reshape(-1, sound.channels)[:, channels]
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return (wide.view("<i4") >> 8).reshape(-1, sound.channels)[:, channels]


def _stored(values: NDArray[Any], kind: str) -> bytes:
    """Returns samples as they lie in a file."""
    if kind != "i3":
        return np.ascontiguousarray(values, dtype=kind).tobytes()
    within = np.clip(values, -(1 << 23), (1 << 23) - 1)  # where the samples were, so the error becomes no larger
    return np.ascontiguousarray(within, dtype="<i4")[..., None].view(np.uint8)[..., :3].tobytes()
