"""The container: layout against the page that describes it, round trips, and every way in which a file can be wrong."""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from latente.codec import (
    AlteredError,
    CodecError,
    ContainerReader,
    ContainerWriter,
    Limits,
    MissingModelError,
    Model,
    ModelRef,
    NewerVersionError,
    NotOursError,
    TooLargeError,
    TruncatedError,
    WrongModelError,
    crc32c,
    pack,
    unpack,
)
from latente.codec.deflate import deflated as deflated_with
from latente.codec.deflate import inflated
from latente.codec.frames import TYPICAL

SECTIONS = {"codes": bytes(range(200)), "empty": b"", "patches": b"xyz" * 11}
PAGE = Path(__file__).parents[2] / "docs" / "container.md"
HEADER = {"shape": [3, 4], "bound": 1e-3, "name": "höhe"}


@pytest.fixture(scope="module")
def stream() -> bytes:
    return pack("array", HEADER, SECTIONS, symbols={"codes": crc32c(b"decoded")})


def crc(data: bytes, start: int = 0) -> int:
    return google_crc32c.extend(start, data)


def by_the_page(kind: str, header: dict, sections: dict[str, bytes], writer: str) -> bytes:
    """A file written from docs/container.md alone."""
    text = json.dumps({"kind": kind, "writer": writer, "header": header}, separators=(",", ":")).encode()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary())
    text = deflate.compress(text) + deflate.flush()
    start = b"\x89LAT" + struct.pack("<HHI", 1, 1, len(text))
    chain = crc(start + text)
    out = start + struct.pack("<I", chain) + text
    for name, content in sections.items():
        head = struct.pack("<BBHQII", 0x53, len(name), 0, len(content), crc(content), 0) + name.encode()
        chain = crc(head, chain)
        out += head + struct.pack("<I", chain) + content
    end = b"E\0\0\0" + struct.pack("<Q", len(sections))
    return out + end + struct.pack("<I", crc(end, chain))


def dictionary() -> bytes:
    """That of the header, as the page has it."""
    stated = re.search(r"these\s(\d+) bytes without the\sline breaks:\n\n((?:    .*\n)+)", PAGE.read_text())
    found = "".join(line[4:] for line in stated[2].splitlines()).encode()
    assert len(found) == int(stated[1])
    return found


def deflated(text: bytes) -> bytes:
    return deflated_with(text, TYPICAL)


def test_the_bytes_are_those_of_the_page():
    header = {"a": [1, 2.5, None, "x"]}
    assert pack("array", header, SECTIONS) == by_the_page("array", header, SECTIONS, version("latente"))


def test_round_trip(stream):
    container = unpack(stream)
    assert (container.kind, container.header, container.sections) == ("array", HEADER, SECTIONS)
    assert container.model is None
    container.check_symbols("codes", b"decoded")
    container.check_symbols("empty", b"anything")  # not stated
    with pytest.raises(AlteredError, match="did not decode to what was encoded"):
        container.check_symbols("codes", b"decodes")
    assert container.expect("array") is container
    with pytest.raises(NotOursError, match="kind 'array'; wanted: 'image'"):
        container.expect("image")
    with pytest.raises(AlteredError, match="lacks section 'model'"):
        container.section("model")


def test_every_cut_is_an_error(stream):
    for length in range(len(stream)):
        with pytest.raises(TruncatedError if length else NotOursError):
            unpack(stream[:length])


def test_every_altered_bit_is_an_error(stream):
    for place in range(len(stream)):
        for bit in range(8):
            altered = bytearray(stream)
            altered[place] ^= 1 << bit
            with pytest.raises(CodecError):
                unpack(bytes(altered))


def test_moved_removed_foreign_and_added_parts_are_errors():
    first, second = pack("array", {}, {"a": b"11", "b": b"22"}), pack("array", {"other": 1}, {"a": b"33", "b": b"44"})
    size = 24 + 1 + 2  # of one section
    body, end = first[:-16], first[-16:]
    start, a, b = body[: -2 * size], body[-2 * size : -size], body[-size:]
    foreign = second[-16 - 2 * size : -16 - size]
    for wrong in (start + b + a + end, start + a + end, start + b + end, start + foreign + b + end, start + end):
        with pytest.raises(AlteredError):
            unpack(wrong)
    with pytest.raises(AlteredError, match="3 bytes follow its end"):
        unpack(first + b"abc")
    assert unpack(start + a + b + end).sections == {"a": b"11", "b": b"22"}


def test_a_newer_version_says_so(stream):
    for place, value in ((4, 2), (6, 2)):
        newer = bytearray(stream)
        newer[place] = value
        with pytest.raises(NewerVersionError, match="Upgrade latente"):
            unpack(bytes(newer))


@pytest.mark.parametrize("other", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x89PNG\r\n\x1a\n" * 9])
def test_other_files_are_not_ours(other):
    with pytest.raises(NotOursError, match="no .lat file"):
        unpack(other)


def signed(text: bytes, flags: int = 0) -> bytes:
    """A file with this JSON, its checksums right, and no sections."""
    start = b"\x89LAT" + struct.pack("<HHI", 1, flags, len(text))
    chain = crc(start + text)
    end = b"E\0\0\0" + struct.pack("<Q", 0)
    return start + struct.pack("<I", chain) + text + end + struct.pack("<I", crc(end, chain))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"7", b"{}", b"\xff", b"[" * 100_000, b'{"kind":"a","writer":"1","header":[]}',
        b'{"kind":"A B","writer":"1","header":{}}', b'{"kind":"a","writer":1,"header":{}}',
        b'{"kind":"a","writer":"1","header":{"x":NaN}}', b'{"kind":"a","writer":"1","header":{},"model":[1]}',
        b'{"kind":"a","writer":"1","header":{},"model":{"id":"x"}}',
        b'{"kind":"a","writer":"1","header":{},"model":["x","0",1]}',
        b'{"kind":"a","writer":"1","header":{"x":' + b"9" * 5000 + b"}}",
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_an_error_even_with_right_checksums(text):
    with pytest.raises(AlteredError, match="header cannot be read"):
        unpack(signed(text))
    with pytest.raises(AlteredError, match="header cannot be read"):
        unpack(signed(deflated(text), 1))
    with pytest.raises(AlteredError, match="header cannot be read"):
        unpack(signed(deflated(b'{"kind":"a","writer":"1","header":{}}')[:-1], 1))
    for sound in (
        signed(b'{"kind":"a","writer":"1","header":{}}'),
        signed(deflated(b'{"kind":"a","writer":"1","header":{}}'), 1),
    ):
        assert unpack(sound).kind == "a"


class Counting(io.BytesIO):
    """Knows the largest read that was asked for."""

    largest = 0

    def read(self, size: int | None = -1) -> bytes:
        self.largest = max(self.largest, size if size is not None else -1)
        return super().read(size)


def test_no_size_is_believed_before_it_is_checked():
    head = struct.pack("<BBHQII", 0x53, 1, 0, 1 << 62, 0, 0) + b"a"
    text = b'{"kind":"a","writer":"1","header":{}}'
    start = signed(text)[:-16]
    chain = crc(start[:12] + text)
    file = Counting(start + head + struct.pack("<I", crc(head, chain)))
    with pytest.raises(TruncatedError), ContainerReader(file) as reader:
        [reader.read(section) for section in reader]
    assert 0 < file.largest <= len(start)
    with pytest.raises(TruncatedError):
        unpack(b"\x89LAT" + struct.pack("<HHII", 1, 0, 1 << 20, 0))


def test_limits():
    stream = pack("array", {"a": "x" * 100}, {"a": b"1" * 50, "b": b"2"})
    for limits, wrong in (
        (Limits(header_bytes=99), "header"), (Limits(section_bytes=49), "section 'a'"), (Limits(sections=1), "file"),
    ):  # fmt: skip
        with pytest.raises(TooLargeError, match=f"the {wrong}|{wrong}"):
            unpack(stream, limits)
    assert len(unpack(stream, Limits(section_bytes=50, sections=2)).sections) == 2
    bomb = signed(deflated(b" " * (1 << 20) + b"{}"), 1)
    with pytest.raises(TooLargeError, match="the header takes"):
        unpack(bomb, Limits(header_bytes=1 << 16))
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="section_bytes must be a positive integer"):
            Limits(section_bytes=wrong)


def test_models():
    tensors = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], np.int16)}
    model = Model("climate-1", tensors)
    embedded = unpack(pack("array", {}, {"codes": b"1"}, model=model))
    assert embedded.model == ModelRef("climate-1", model.ref.hash, embedded=True)
    found = embedded.find_model()
    assert found.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found.tensors[name], tensor)
        assert found.tensors[name].dtype == tensor.dtype
    referred = unpack(pack("array", {}, {"codes": b"1"}, model=model.ref))
    other, renamed = Model("climate-1", {"w": tensors["w"] + 1}), Model("mine", tensors)
    assert referred.find_model([other, renamed]) is renamed  # the hash decides
    with pytest.raises(WrongModelError, match="other tensors"):
        referred.find_model([other])
    with pytest.raises(MissingModelError, match=r"'climate-1'.*at hand: 'mine'"):
        referred.find_model([Model("mine", {})])
    with pytest.raises(ValueError, match="needs no model"):
        unpack(pack("array", {}, {})).find_model()


def test_an_embedded_model_that_is_not_what_its_hash_says():
    model = Model("m", {"w": np.zeros(3)})
    liar = ModelRef("m", "0" * 32, embedded=True)
    with pytest.raises(WrongModelError):
        unpack(pack("a", {}, {"model": model.to_bytes()}, model=liar)).find_model()
    for content in (b"", b"nonsense", model.to_bytes()[:-1]):
        with pytest.raises(AlteredError, match="embedded model cannot be read"):
            unpack(pack("a", {}, {"model": content}, model=liar)).find_model()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Array", {}, {}), "kind must be"),
        (("a", {"x": float("nan")}, {}), "finite numbers"),
        (("a", {"x": object()}, {}), "must be JSON"),
        (("a", {}, {"a b": b""}), "section's name"),
        (("a", {}, {"": b""}), "section's name"),
        (("a", {}, {"x" * 65: b""}), "section's name"),
        (("a", {}, {"a": b""}, None, {"b": 1}), "which is no section"),
    ],
)
def test_what_cannot_be_written(arguments, message):
    with pytest.raises(ValueError, match=message):
        pack(*arguments)


def test_a_stream_of_many_blocks(tmp_path):
    path, blocks = tmp_path / "big.lat", [bytes([i]) * (1000 + i) for i in range(100)]
    with path.open("wb") as file, ContainerWriter(file, "blocks", {}) as writer:
        for i, block in enumerate(blocks):
            writer.write(f"block/{i}", block, crc32c(block))
    assert writer.size == path.stat().st_size
    with path.open("rb") as file, ContainerReader(file) as reader:
        for section, block in zip(reader, blocks, strict=True):
            assert reader.read(section) == block
            assert section.symbols == crc32c(block)
        sections = list(reader)
        assert reader.read(sections[7]) == blocks[7]  # in any order
    with pytest.raises(ValueError, match="must come from iteration"):
        reader.read(sections[0])
    with path.open("ab") as file:
        file.write(b"x")
    with path.open("rb") as file, pytest.raises(AlteredError, match="follow its end"):
        list(ContainerReader(file))


def test_an_interrupted_writer_leaves_no_complete_file():
    file = io.BytesIO()
    with suppress(RuntimeError), ContainerWriter(file, "blocks", {}) as writer:
        writer.write("a", b"1")
        raise RuntimeError
    with pytest.raises(TruncatedError):
        unpack(file.getvalue())
    with pytest.raises(ValueError, match="already"):
        writer.write("a", b"2")


def test_crc_of_any_buffer():
    data = np.arange(10, dtype=np.int32)
    for view in (data.tobytes(), bytearray(data.tobytes()), memoryview(data.tobytes()), data):
        assert crc32c(view) == crc(data.tobytes())
    assert crc32c(np.zeros((0, 3))) == 0


def test_deflated_bytes_never_become_more_than_is_allowed():
    data = deflated_with(b"0" * 1000)
    assert inflated(data, 1000) == b"0" * 1000
    assert len(inflated(data, 10)) == 11
    for wrong in (data[:-1], data + b"1", b"\xff\xff"):
        with pytest.raises(ValueError, match="deflated bytes"):
            inflated(wrong, 1000)


def test_the_crc_of_an_array_is_that_of_its_bytes_in_any_pieces(monkeypatch):
    from latente.codec import limits

    x = np.arange(1000, dtype="<i4").reshape(20, 50)
    wanted = google_crc32c.value(x.tobytes())
    monkeypatch.setattr(limits, "PIECE", 333)
    assert limits.crc32c(x) == limits.crc32c(memoryview(x.tobytes())) == limits.crc32c(bytearray(x.tobytes())) == wanted
    assert limits.crc32c(x[:, ::2]) == google_crc32c.value(x[:, ::2].tobytes())
    assert limits.crc32c(x[:0]) == 0
