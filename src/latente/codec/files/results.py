"""What compression and decompression say about themselves."""

from __future__ import annotations

__all__ = ["Compressed", "Decompressed", "Description", "Part", "models_of"]

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from latente.codec.bounds import Bound

SHOWN = 10  # names of parts in one line


@dataclass(frozen=True)
class Part:
    """One array, column or stretch of bytes of a compressed file.

    Attributes:
        name: of the variable, column or member.
        original_bytes: what its values take uncompressed.
        compressed_bytes: what they take in the file.
        bound: what may be lost of a value, an absolute or a mean squared error, in words; "exact" where nothing.
        largest_error: largest absolute error of a value, measured by decoding; None where nothing was decoded.
        method: how it was coded, and why.
        exact: whether every bit of it comes back, by its bound or because the bound cost nothing.
        model: id and hash of the fitted model without which it cannot be decoded; None where it needs none.

    Example:
        >>> Part("t", 4000, 400, "error of at most 0.1", 0.09, "interpolation").ratio
        10.0
    """

    name: str
    original_bytes: int
    compressed_bytes: int
    bound: str
    largest_error: float | None
    method: str
    exact: bool = False
    model: str | None = None

    @property
    def ratio(self) -> float:
        """Original bytes for each compressed one."""
        return self.original_bytes / max(self.compressed_bytes, 1)


def models_of(parts: Iterable[Part]) -> str | None:
    """Returns id and hash of the models that parts need, and by which parts; None for none.

    Args:
        parts: of a file.

    Example:
        >>> part = Part("t", 4000, 400, "error of at most 0.1", 0.09, "autoencoder", model="waves-1 (7dd7...)")
        >>> models_of([part]), models_of([])
        ('waves-1 (7dd7...), for t', None)
    """
    needing: dict[str, list[str]] = {}
    for part in parts:
        if part.model:
            needing.setdefault(part.model, []).append(part.name)
    shown = [
        f"{model}, for {', '.join(names[:SHOWN])}{', ...' * (len(names) > SHOWN)}" for model, names in needing.items()
    ]
    return "; ".join(shown) or None


@dataclass(frozen=True)
class Compressed:
    """What `compress_file` did.

    Attributes:
        source: the file that was compressed.
        output: the .lat file.
        kind: what it was taken for.
        why: what told.
        original_bytes: size of the source.
        compressed_bytes: size of the output, everything counted.
        bound: what was allowed to be lost.
        parts: its arrays, columns or members.
        notes: what the user should know, e.g. why something was kept exactly.
        promise: what comes back without a loss, in words; empty where the bound says it.

    Example:
        >>> import tempfile
        >>> from latente.codec import compress_file
        >>> file = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> file.write_text("again and again " * 100)
        1600
        >>> done = compress_file(file)
        >>> done.kind, done.output.name, done.compressed_bytes < 200
        ('bytes', 'notes.txt.lat', True)
    """

    source: Path
    output: Path
    kind: str
    why: str
    original_bytes: int
    compressed_bytes: int
    bound: Bound
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    promise: str = ""

    @property
    def ratio(self) -> float:
        """Original bytes for each compressed one."""
        return self.original_bytes / max(self.compressed_bytes, 1)

    @property
    def exact(self) -> bool:
        """Whether every bit comes back, by the bound or because it cost nothing."""
        return all(part.exact for part in self.parts)

    @property
    def largest_error(self) -> float:
        """The largest absolute error of any value; of different columns and variables in their own units."""
        return max((part.largest_error for part in self.parts if part.largest_error is not None), default=0.0)

    @property
    def stated(self) -> str:
        """What was allowed to be lost, in words; a quality means another thing for pictures than for numbers."""
        if self.promise:
            return f"lossless: {self.promise}"
        pixels = self.kind == "image" and self.bound.mode == "quality"
        return f"quality {self.bound.value:.3g} of the image codec" if pixels else str(self.bound)

    def __str__(self) -> str:
        return (
            f"{self.source} ({self.kind}): {self.original_bytes:,} to {self.compressed_bytes:,} bytes, "
            f"{self.ratio:.2f} to 1; {self.stated}"
        )


@dataclass(frozen=True)
class Decompressed:
    """What `decompress_file` did.

    Attributes:
        source: the .lat file.
        output: the file or folder that was written.
        kind: of the file.
        compressed_bytes: size of the source.
        original_bytes: size of the output.
        exact: whether nothing was lost when it was compressed, by the bound or because it cost nothing.
        notes: what the user should know.
        promise: what has come back without a loss, in words; empty where `exact` says it.

    Example:
        >>> Decompressed(Path("a.npy.lat"), Path("a.npy"), "npy", 10, 100, True).exact
        True
    """

    source: Path
    output: Path
    kind: str
    compressed_bytes: int
    original_bytes: int
    exact: bool
    notes: tuple[str, ...] = ()
    promise: str = ""


@dataclass(frozen=True)
class Description:
    """What a .lat file says of itself, without being decoded.

    Attributes:
        source: the .lat file.
        kind: of the file.
        writer: the version of latente that wrote it.
        original_bytes: size of the original, where it is known.
        compressed_bytes: size of the source.
        bound: what was allowed to be lost.
        model: id and hash of the model that decoding needs, and whether it is in the file or which parts refer to it;
            None where it needs none.
        parts: its arrays, columns or members; nothing is known of their errors.

    Example:
        >>> import tempfile
        >>> from latente.codec import compress_file, describe_file
        >>> file = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> file.write_text("again and again " * 100)
        1600
        >>> describe_file(compress_file(file).output).original_bytes
        1600
    """

    source: Path
    kind: str
    writer: str
    original_bytes: int | None
    compressed_bytes: int
    bound: str
    model: str | None
    parts: tuple[Part, ...]

    @property
    def exact(self) -> bool:
        """Whether every bit comes back, by the bound or because it cost nothing."""
        return all(part.exact for part in self.parts)

    @property
    def ratio(self) -> float | None:
        """Original bytes for each compressed one, where they are known."""
        return None if self.original_bytes is None else self.original_bytes / max(self.compressed_bytes, 1)
