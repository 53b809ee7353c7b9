"""What a format is: how it is told, how it is written into a .lat file, how it is read from one."""

from __future__ import annotations

__all__ = ["Format", "Sections", "Settings", "Unfit", "Written", "unused"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from numpy.typing import NDArray

from latente.codec.bounds import Bound
from latente.codec.errors import AlteredError
from latente.codec.files.results import Part
from latente.codec.frames import Section
from latente.codec.limits import Limits
from latente.codec.models import Model
from latente.codec.streams import MODEL, ContainerReader

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive
    from latente.codec.container import Container

BLOCK_BYTES = 1 << 25  # of values that are coded at a time


class Unfit(Exception):
    """Raised by a format that cannot keep everything that is in a file; the file is then kept byte by byte."""


@dataclass(frozen=True)
class Settings:
    """How files are compressed.

    Attributes:
        bound: for all that has no bound of its own.
        columns: bounds of columns, variables or members by name.
        codec: a fitted array codec, or None for one that has seen nothing before.
        block_bytes: of values that are coded at a time.
        limits: what a file may ask for when it is read.
        models: known to the decoder.
        archives: what was made of them.
        notes: what the user should know of a file that is read; `Format.read` adds to them.
    """

    bound: Bound = field(default_factory=Bound)
    columns: Mapping[str, Bound] = field(default_factory=dict)
    codec: Any = None
    block_bytes: int = BLOCK_BYTES
    limits: Limits = field(default_factory=Limits)
    models: tuple[Model, ...] = ()
    archives: dict[str, Archive] = field(default_factory=dict, compare=False, repr=False)
    notes: list[str] = field(default_factory=list, compare=False, repr=False)

    @property
    def model(self) -> Model | None:
        """The model that is to be embedded in the file."""
        archive = getattr(self.codec, "archive_", None)
        return archive.model if archive is not None and self.codec.embed else None

    def archive_of(self, stream: Container) -> Archive:
        """Returns what a stream holds or refers to.

        Args:
            stream: that needs a model.

        Raises:
            MissingModelError, WrongModelError: when it refers to one that is not among the known models.
        """
        from latente.codec.arrays.archive import Archive

        if stream.model is None or stream.model.embedded:
            return Archive.of(stream.find_model())
        if stream.model.hash not in self.archives:
            self.archives[stream.model.hash] = Archive.of(stream.find_model(self.models))
        return self.archives[stream.model.hash]

    def bound_of(self, name: str, default: Bound | None = None) -> Bound:
        """Returns the bound of a column, a variable or a member; `default` replaces the common one."""
        return self.columns.get(name, self.bound if default is None else default)

    def check_names(self, known: Iterator[str] | list[str], what: str) -> None:
        """Raises ValueError when a bound is stated for something that is not there.

        Args:
            known: all names.
            what: they are names of, in the plural.
        """
        from latente.parts import did_you_mean

        names = list(known)
        for name in self.columns:
            if name not in names:
                shown = f"its {what} are {', '.join(map(repr, names[:20]))}" if names else f"the file has no {what}"
                raise ValueError(f"a bound is stated for {name!r}, but {shown}.{did_you_mean(name, names)}")

    def check_exact(self, name: str, holds: str) -> None:
        """Raises ValueError when an error is allowed by name to what is always kept exactly.

        Args:
            name: of a column, a variable or a member.
            holds: what it holds, for the message.
        """
        if name in self.columns and not self.columns[name].lossless:
            raise ValueError(
                f"a bound is stated for {name!r}, which holds {holds} and is always kept exactly; leave it out, or "
                "state 0"
            )


@dataclass(frozen=True)
class Written:
    """What a format says after writing.

    Attributes:
        parts: of the file.
        notes: what the user should know.
        kind: of the .lat file; empty for the format's own.
        promise: what comes back, in words, where "lossless" alone would say too little or too much.
    """

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    kind: str = ""
    promise: str = ""


def unused(codec: Any, wanted: type, what: str) -> tuple[str, ...]:
    """Returns a note where the user's codec is not of the class that a file takes, and so is not used.

    Args:
        codec: the user's, or None.
        wanted: the class.
        what: the file holds, for the message.

    Example:
        >>> unused(3, str, "a word")
        ('the int that was given is not used: a word needs the class str',)
    """
    if codec is None or isinstance(codec, wanted):
        return ()
    return (f"the {type(codec).__name__} that was given is not used: {what} needs the class {wanted.__name__}",)


class Format(Protocol):
    """One module of this package for each. A format writes what it can keep completely and raises `Unfit` otherwise."""

    kind: str
    suffix: str

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None; `head` is its first bytes."""

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file of what is at the path."""

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds to a new path."""

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns a part's numbers in a file of this format, for pictures and curves; None where it has none."""

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file, without decoding them."""


class Sections:
    """The sections of a reader, which must come in the order in which a format wrote them."""

    def __init__(self, reader: ContainerReader) -> None:
        self.reader = reader
        self._sections = iter(reader)
        if reader.model is not None and reader.model.embedded:
            self.next(MODEL)

    def next(self, name: str) -> Section:
        """Returns the next section, which must have that name."""
        section = next(self._sections, None)
        if section is None or section.name != name:
            found = "its end" if section is None else f"section {section.name!r}"
            raise AlteredError(f"the file has {found} where section {name!r} must be")
        return section

    def take(self, name: str) -> bytes:
        """Returns the content of the next section, which must have that name."""
        return self.reader.read(self.next(name))

    def rest(self) -> Iterator[Section]:
        """Gives the sections that are left; they must be named 0, 1, 2, ..."""
        for i, section in enumerate(self._sections):
            if section.name != str(i):
                raise AlteredError(f"the file has section {section.name!r} where section '{i}' must be")
            yield section

    def finish(self) -> None:
        """Raises when something is left; so the file's end is seen, too."""
        section = next(self._sections, None)
        if section is not None:
            raise AlteredError(f"the file has section {section.name!r} where its end must be")
