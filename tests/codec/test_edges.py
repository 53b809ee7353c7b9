"""Bare streams and their models, masks, values beyond float32, originals that change meanwhile."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest

from latente.codec import ArrayCodec, CodecError, MissingModelError, compress_file, decompress_file
from latente.codec.files import compressing
from latente.codec.files.tables import text


@pytest.fixture(scope="module")
def archive():
    rng = np.random.default_rng(0)
    shapes = np.array([np.outer(np.sin(np.arange(20) / f), np.cos(np.arange(24) / f)) for f in (2, 3, 5, 8)])
    fields = np.tensordot(rng.normal(size=(120, 4)), shapes, 1) + 0.01 * rng.normal(size=(120, 20, 24))
    return fields.astype(np.float32)


@pytest.fixture(scope="module")
def fitted(archive):
    return ArrayCodec(1e-2, latent_dim=4, random_state=0).fit(archive[:80])


def test_a_bare_stream_is_decoded_with_the_model_that_is_given(archive, fitted, tmp_path):
    stream = tmp_path / "field.npy.lat"
    stream.write_bytes(fitted.encode(archive[80:]))
    assert fitted.info(stream.read_bytes()).model is not None
    with pytest.raises(MissingModelError):
        decompress_file(stream)
    out = decompress_file(stream, codec=fitted).output
    assert np.abs(np.load(out) - archive[80:]).max() <= 1e-2 * np.ptp(archive[80:])


def test_a_masked_stream_is_no_npy_file(tmp_path):
    stream = tmp_path / "masked.npy.lat"
    stream.write_bytes(ArrayCodec(0).encode(np.ma.masked_less(np.arange(9.0), 3)))
    with pytest.raises(CodecError, match="has a mask"):
        decompress_file(stream)
    assert not (tmp_path / "masked.npy").exists()


@pytest.mark.parametrize("factor", [1e3, 1e20, 1e45, 1e300])
def test_values_that_the_network_cannot_hold_are_predicted_otherwise(archive, fitted, factor):
    x = archive[80:].astype(np.float64) * factor
    assert np.abs(fitted.decode(fitted.encode(x)) - x).max() <= 1e-2 * np.ptp(x)


def test_the_stated_error_is_none_for_a_psnr_and_else_never_too_small(archive):
    assert ArrayCodec.info(ArrayCodec(psnr=40).encode(archive)).max_error is None
    for bound in (0.1, 1 / 3, 4.8754486e-4, 2 / 7e5):
        stated = ArrayCodec.info(ArrayCodec(bound, relative=False).encode(archive)).max_error
        assert bound <= stated <= bound * (1 + 2e-5)


def test_an_older_output_survives_when_the_source_changes_meanwhile(tmp_path, monkeypatch):
    source, out = tmp_path / "a.txt", tmp_path / "a.txt.lat"
    source.write_text("first " * 100)
    before = compress_file(source).output.read_bytes()
    states = iter([(1, 1), (2, 2)])
    monkeypatch.setattr(compressing, "_state", lambda path: next(states))
    with pytest.raises(OSError, match="was changed while it was read"):
        compress_file(source, overwrite=True)
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "a.txt.lat"]


@pytest.mark.parametrize("start", [2**62, 1_700_000_000_000_000_000, -(2**63), 2**63])
@pytest.mark.parametrize("bound", [{"max_error": 0.01}, {"max_error": 0.05}, {"psnr": 40}])
def test_a_relative_bound_of_large_integers_is_one_of_their_own_range(start, bound, tmp_path):
    """As floats, which are 256 and more apart there, they would have a larger range, and the bound with it."""
    values = [start + int(i) for i in np.random.default_rng(0).integers(0, 1000, 1000)]
    x = np.array(values, "u8" if start == 2**63 else "i8")
    np.save(tmp_path / "x.npy", x)
    compress_file(tmp_path / "x.npy", **bound)
    again = np.load(decompress_file(tmp_path / "x.npy.lat", tmp_path / "again.npy").output)
    span = max(values) - min(values)
    for y in (ArrayCodec(**bound).decode(ArrayCodec(**bound).encode(x)), again):
        errors = [abs(int(a) - b) for a, b in zip(y, values, strict=True)]
        if "max_error" in bound:
            assert 0 < max(errors) <= bound["max_error"] * span
        else:
            assert 0 < sum(e * e for e in errors) / len(errors) <= span**2 / 10**4 * (1 + 1e-9)


@pytest.mark.parametrize("start", [2**54 + 2, 2**61])
def test_a_relative_bound_of_large_integers_in_a_table_is_one_of_their_own_range(start, tmp_path):
    values = [start + int(i) for i in np.random.default_rng(0).integers(0, 1000, 1000)]
    (tmp_path / "x.csv").write_text("time,y\n" + "".join(f"{v},a\n" for v in values))
    done = compress_file(tmp_path / "x.csv", columns={"time": 0.05})
    lines = decompress_file(tmp_path / "x.csv.lat", tmp_path / "again.csv").output.read_text().split()[1:]
    errors = [abs(int(line.split(",")[0]) - v) for line, v in zip(lines, values, strict=True)]
    assert 0 < max(errors) <= 0.05 * (max(values) - min(values))
    assert done.largest_error == max(errors)


def test_a_quote_that_is_never_closed_does_not_take_the_table_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LONGEST", 1 << 17)
    lines = "".join(f"{i},{i * 0.37:.2f}\n" for i in range(60_000))
    (tmp_path / "x.csv").write_text('size,y\n"5,1\n' + lines)
    done = compress_file(tmp_path / "x.csv", max_error=1e-3, block_bytes=1 << 16)
    assert done.kind == "bytes"
    assert "a quote that is not closed" in done.notes[0]
    assert decompress_file(done.output, tmp_path / "y").output.read_bytes() == (tmp_path / "x.csv").read_bytes()


def test_a_long_quoted_cell_takes_no_more_memory_than_its_text():
    whole = '1,"' + 1_000_000 * "x" + '"\n2,"a ""b"" c"\n'
    tracemalloc.start()
    cells = text.split_cells(whole, ",")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cells.columns[1][1] == '"a ""b"" c"'
    assert peak < 10 * len(whole)


def test_an_empty_table_is_called_empty(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"")
    assert compress_file(tmp_path / "x.csv").notes == ("kept byte by byte and not as csv: it is empty",)


def test_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for what in (compress_file, decompress_file):
        with pytest.raises(ValueError, match="is a pipe or a device"):
            what(tmp_path / "pipe", tmp_path / "out")
