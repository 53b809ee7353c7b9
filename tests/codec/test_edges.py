"""Bare streams and their models, masks, values beyond float32, originals that change meanwhile."""

from __future__ import annotations

import numpy as np
import pytest

from latente.codec import ArrayCodec, CodecError, MissingModelError, compress_file, decompress_file
from latente.codec.files import compressing


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
