"""`latente compress`, `decompress` and `info` of .lat files."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest


@pytest.fixture
def field(tmp_path):
    """A .npy file of waves."""
    y, x = np.ogrid[0:40, 0:60]
    np.save(tmp_path / "field.npy", (np.sin(y / 9) * 30 + np.cos(x / 7) * 20).astype(np.float32))
    return tmp_path / "field.npy"


def test_compress_info_and_decompress_in_processes(field, process):
    done = process("compress", "field.npy", "--max-error", "0.05", "--absolute", cwd=field.parent)
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^wrote +field.npy.lat\n", done.out)
    assert "error of at most 0.05" in done.out
    told = process("info", "field.npy.lat", cwd=field.parent)
    assert (told.code, told.err) == (0, "")
    assert re.search(r"^file +npy, written by latente", told.out)
    assert "bits per value" in told.out  # why it was predicted that way
    back = process("decompress", "field.npy.lat", "-o", "again.npy", cwd=field.parent)
    assert (back.code, back.err) == (0, "")
    assert back.out.startswith("wrote again.npy: npy, ")
    assert back.out.endswith("within its bound\n")
    difference = np.abs(np.load(field.with_name("again.npy")) - np.load(field))
    assert 0 < difference.max() <= 0.05


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        ([], "lossless"), (["--lossless"], "lossless"), (["--max-error", "1e-3"], "0.001 of the range"),
        (["--psnr", "50"], "PSNR of at least 50 dB"), (["--snr", "30"], "SNR of at least 30 dB"),
        (["--quality", "0.5"], "quality 0.5"), (["--max-error", "0"], "lossless"),
    ],
)  # fmt: skip
def test_bounds(bound, text, field, call):
    done = call("compress", field, *bound, "--json")
    record = json.loads(done.out)
    assert done.code == 0
    assert text in record["bound"]
    assert record["ratio"] > 1
    told = json.loads(call("info", field.with_name("field.npy.lat"), "--json").out)
    assert told["bound"] == record["bound"]
    assert told["compressed_bytes"] == record["compressed_bytes"]
    again = json.loads(call("decompress", record["output"], "-o", field.with_name("y.npy"), "--json").out)
    assert again["exact"] is (text == "lossless")
    if again["exact"]:
        assert field.with_name("y.npy").read_bytes() == field.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-error", "1", "--psnr", "40"], "state one bound only; got max_error and psnr"),
        (["--lossless", "--quality", "0.5"], "state one bound only"),
        (["--absolute"], "--absolute says how --max-error is meant; give that, too"),
        (["--relative", "--psnr", "40"], "--relative says how --max-error is meant"),
        (["--quality", "2"], "quality must be a finite number of at least 0 and at most 1; got 2.0"),
        (["--max-error", "-1"], "max_error must be a finite number of at least 0; got -1.0"),
        (["--max-error", "small"], "unable to parse string as a number; got 'small'"),
        (["--column", "x"], "--column must be NAME=E"),
        (["--column", "x=1"], "a bound is stated for 'x', but the file has no columns"),
        (["--model", "nowhere"], "no such model: nowhere"),
    ],
)
def test_mistakes(arguments, message, field, call):
    done = call("compress", field, *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in field.parent.iterdir()] == ["field.npy"]


def test_what_is_there_is_not_overwritten(field, call):
    assert call("compress", field).code == 0
    assert "ask for overwrite (--force)" in call("compress", field).err
    assert call("compress", field, "--force").code == 0
    assert "exists" in call("decompress", f"{field}.lat").err
    field.unlink()
    assert call("decompress", f"{field}.lat").code == 0
    assert np.load(field).shape == (40, 60)
    assert "no such file" in call("compress", field.with_name("other.npy")).err
    assert "no .lat file" in call("decompress", field, "-o", field.with_name("y")).err
    assert "no such file" in call("info", field.with_name("other.lat")).err


def test_damage_and_limits_in_one_line(field, call):
    call("compress", field, "--max-error", "1e-3")
    lat = field.with_name("field.npy.lat")
    done = call("decompress", lat, "-o", field.with_name("y.npy"), "--max-bytes", "1000")
    assert (done.code, "more than the limit of 1,000" in done.err) == (2, True)
    lat.write_bytes(lat.read_bytes()[:-5])
    for command in (["info", lat], ["decompress", lat, "-o", field.with_name("y.npy")]):
        done = call(*command)
        assert (done.code, "the file ends" in done.err) == (2, True)
    assert not field.with_name("y.npy").exists()


def test_columns_have_bounds_of_their_own(tmp_path, call):
    lines = ["key,a,b"] + [f"{i},{np.sin(i / 9) * 10:.4f},{np.cos(i / 7) * 10:.4f}" for i in range(900)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    done = call("compress", tmp_path / "t.csv", "--max-error", "1e-2", "--column", "b=0")
    assert done.code == 0
    assert "note: kept exactly" in done.err
    assert "- b" in done.out
    call("decompress", tmp_path / "t.csv.lat", "-o", tmp_path / "u.csv")
    a, b = (np.genfromtxt(tmp_path / name, delimiter=",", skip_header=1) for name in ("t.csv", "u.csv"))
    np.testing.assert_array_equal(a[:, [0, 2]], b[:, [0, 2]])
    assert 0 < np.abs(a[:, 1] - b[:, 1]).max() <= 0.2


def test_report_and_model(field, call, tmp_path):
    from latente.codec import ArrayCodec

    done = call("compress", field, "--max-error", "1e-2", "--report")
    page = tmp_path / "field.npy.lat.html"
    assert (done.code, page.is_file()) == (0, True)
    other = ["-o", tmp_path / "other.lat", "--report"]
    (tmp_path / "other.lat.html").touch()
    assert "other.lat.html exists" in call("compress", field, *other).err
    assert call("compress", field, *other, "--force").code == 0
    waves = np.sin(np.linspace(0, 6, 80) + np.random.default_rng(0).uniform(0, 6, (300, 1))).astype(np.float32)
    ArrayCodec(latent_dim=2, random_state=0).fit(waves[:250]).save(tmp_path / "waves.latmodel")
    np.save(tmp_path / "waves.npy", waves[250:])
    model = ["--model", tmp_path / "waves.latmodel"]
    assert call("compress", tmp_path / "waves.npy", "--max-error", "1e-2", *model).code == 0
    told = call("info", tmp_path / "waves.npy.lat").out
    if "needs model" in told:
        assert "needs the model" in call("decompress", tmp_path / "waves.npy.lat", "-o", tmp_path / "w.npy").err
    assert call("decompress", tmp_path / "waves.npy.lat", "-o", tmp_path / "w.npy", *model).code == 0
    span = np.ptp(waves[250:].astype(float))
    assert np.abs(np.load(tmp_path / "w.npy") - waves[250:]).max() <= 1e-2 * span
