"""The page about a compressed file, for every kind of file."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from typer.testing import CliRunner

from latente.cli.app import app
from latente.codec import ArrayCodec, compress_file
from latente.report import write_codec_report
from latente.report.codec_peers import ours, sizes_at

Y, X = np.ogrid[0:40, 0:60]
WAVES = (np.sin(Y / 9) * 30 + np.cos(X / 7) * 20).astype(np.float32)


def written(tmp_path, name: str) -> object:
    path = tmp_path / name
    if name.endswith(".npy"):
        np.save(path, np.where(WAVES > 45, np.nan, WAVES) if "holes" in name else WAVES)
    elif name.endswith(".npz"):
        np.savez(path, a=WAVES, text=np.array(["x"]))
    elif name.endswith(".csv"):
        path.write_text("key,value\n" + "".join(f"{i},{np.sin(i / 9):.5f}\n" for i in range(700)))
    else:
        path.write_text("nothing but words " * 100)
    return path


@pytest.mark.parametrize("name", ["waves.npy", "holes.npy", "waves.npz", "table.csv", "words.txt"])
@pytest.mark.parametrize("how", [{"max_error": 1e-2}, {"psnr": 50}, {}])
def test_the_page_has_its_chapters(name, how, tmp_path):
    done = compress_file(written(tmp_path, name), **how)
    text = write_codec_report(done, tmp_path / "page.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "http://" not in text.replace("http://www.w3.org/", "")
    numbers = name != "words.txt"
    lossy = numbers and bool(how)
    assert 'id="summary"' in text
    assert 'id="parts"' in text
    assert ('id="errors"' in text) == lossy
    assert ('id="curve"' in text) == numbers
    assert ('id="views"' in text) == numbers
    assert ('id="others"' in text) == numbers
    if lossy:
        each = how == {"max_error": 1e-2} or name == "table.csv"
        assert ("No value is outside of it." in text) == each
        assert ("Single errors have no bound: allowed is a mean squared error of at most" in text) != each
        assert ("at the bound, " in text) == each
    assert f"{done.compressed_bytes:,}" in text


def test_names_are_escaped(tmp_path):
    np.savez(tmp_path / "x.npz", **{"<b>": WAVES})
    text = write_codec_report(compress_file(tmp_path / "x.npz", max_error=0.1), tmp_path / "page.html").read_text()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_others_are_measured_as_they_are(monkeypatch):
    """A stand-in for imagecodecs that rounds, and one of whose compressors breaks its bound."""

    def rounding(share: float):
        def encode(values, **settings):
            error = settings.get("abs", settings.get("level"))
            return np.rint(values / (2 * error * share)).astype(np.int16).tobytes()

        def decode(stream, **known):
            return np.frombuffer(stream, np.int16).reshape(WAVES.shape) * np.float32(2 * 0.5 * share)

        return encode, decode

    fake = types.ModuleType("imagecodecs")
    fake.sz3_encode, fake.sz3_decode = rounding(0.9)
    fake.zfp_encode, fake.zfp_decode = rounding(1.5)
    fake.sperr_encode = fake.sperr_decode = None  # raises
    monkeypatch.setitem(sys.modules, "imagecodecs", fake)
    sizes = {size.name: size for size in sizes_at(WAVES, 0.5)}
    assert list(sizes) == ["latente", "SZ3", "ZFP", "zstd, level 19"]
    assert sizes["latente"].held
    assert sizes["SZ3"].held
    assert not sizes["ZFP"].held
    assert sizes["SZ3"].bytes == 2 * WAVES.size
    assert sizes["latente"].largest <= 0.5
    assert ours(WAVES, 0.0).mse == 0


def test_a_file_that_refers_to_a_model_has_a_page(tmp_path):
    rng = np.random.default_rng(0)
    shapes = np.array([np.outer(np.sin(np.arange(20) / f), np.cos(np.arange(24) / f)) for f in (2, 3, 5, 8)])
    x = (np.tensordot(rng.normal(size=(60, 4)), shapes, 1) + 0.01 * rng.normal(size=(60, 20, 24))).astype(np.float32)
    ArrayCodec(latent_dim=4, random_state=0).fit(x[:40]).save(tmp_path / "x.latmodel")
    np.save(tmp_path / "x.npy", x[40:])
    options = ["--max-error", "1e-2", "--model", str(tmp_path / "x.latmodel"), "--report"]
    done = CliRunner().invoke(app, ["compress", str(tmp_path / "x.npy"), *options])
    assert done.exit_code == 0, done.output
    assert "decompressing it needs the model" in done.output
    assert "No value is outside of it." in (tmp_path / "x.npy.lat.html").read_text()


def test_a_bound_of_many_digits_is_not_called_broken(tmp_path):
    x = np.random.default_rng(1).normal(size=(60, 70))
    np.save(tmp_path / "x.npy", x)
    for bound in (0.10000049, 0.12345649, 0.3000004999):
        done = compress_file(tmp_path / "x.npy", max_error=bound, relative=False, overwrite=True)
        assert done.parts[0].bound.startswith("error of at most 0.")
        assert done.largest_error <= bound <= float(done.parts[0].bound.split()[-1])
        assert "No value is outside of it." in write_codec_report(done, tmp_path / "page.html").read_text()


def test_errors_of_large_integers_are_measured_in_integers(tmp_path):
    x = 1_700_000_000_000_000_000 + np.random.default_rng(0).integers(0, 1000, (40, 40))
    np.save(tmp_path / "x.npy", x)
    done = compress_file(tmp_path / "x.npy", max_error=0.02)
    assert "No value is outside of it." in write_codec_report(done, tmp_path / "page.html").read_text()
