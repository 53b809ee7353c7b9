"""Denoisers and imputers on the command line: trained, described, applied to arrays, images of any size and tables."""

from __future__ import annotations

import json
import signal

import numpy as np
import polars as pl
import pytest
from PIL import Image

from latente.cli import main
from latente.denoising import Denoiser, Imputer, load


@pytest.fixture(scope="module")
def denoiser(work):
    """Of the images as floats."""
    arguments = ["fit", work / "clean.npy", "-o", work / "denoiser", "--type", "denoiser", "--epochs", "20", "-q"]
    assert main([*map(str, arguments), "--corruption", "gaussian:0.3"]) == 0
    return work / "denoiser"


@pytest.fixture(scope="module")
def imputer(work):
    """Of a table with holes."""
    table = pl.read_csv(work / "table.csv")
    hidden = np.random.default_rng(0).random((len(table), table.width)) < 0.2
    holed = [pl.when(pl.Series(~hidden[:, i])).then(pl.col(name)) for i, name in enumerate(table.columns)]
    table.select(holed).write_csv(work / "holed.csv")
    arguments = ["fit", work / "holed.csv", "-o", work / "imputer", "--type", "imputer", "--epochs", "5", "-q"]
    assert main(list(map(str, arguments))) == 0
    return work / "imputer"


def pixels(file):
    with Image.open(file) as image:
        return np.asarray(image)


def test_a_denoiser_restores_what_the_python_interface_restores(call, work, denoiser, tmp_path):
    done = call("denoise", denoiser, work / "noisy.npy", "-o", tmp_path / "restored.npy", "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["shape"] == [200, 8, 8]
    restored, noisy, clean = (np.load(f) for f in (tmp_path / "restored.npy", work / "noisy.npy", work / "clean.npy"))
    np.testing.assert_array_equal(restored, Denoiser.load(denoiser).transform(noisy))
    assert Denoiser.load(denoiser).history_.learning_rate == 5e-3  # its own, although --epochs was given
    assert np.square(restored - clean).mean() < 0.6 * np.square(noisy - clean).mean()


def test_a_folder_of_images_of_any_sizes_becomes_a_folder(call, denoiser, tmp_path):
    rng = np.random.default_rng(0)
    pictures = {"a.png": (20, 30), "b.bmp": (33, 8), "inside/c.png": (9, 9)}
    for name, size in pictures.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(tmp_path / "in" / name)
    done = call("denoise", denoiser, tmp_path / "in", "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert "3 images" in done.out
    model = load(denoiser)
    for name in pictures:
        found = pixels((tmp_path / "out" / name).with_suffix(".png"))
        np.testing.assert_array_equal(found, model.transform(pixels(tmp_path / "in" / name)))
    one = call("denoise", denoiser, tmp_path / "in" / "a.png", "-o", tmp_path / "one.png")
    assert (one.code, one.err) == (0, "")
    np.testing.assert_array_equal(pixels(tmp_path / "one.png"), pixels(tmp_path / "out" / "a.png"))


def test_an_imputer_fills_a_table_and_keeps_its_columns(call, work, imputer, tmp_path):
    done = call("denoise", imputer, work / "holed.csv", "-o", tmp_path / "filled.csv")
    assert (done.code, done.err) == (0, "")
    holed, filled = pl.read_csv(work / "holed.csv"), pl.read_csv(tmp_path / "filled.csv")
    assert filled.columns == holed.columns
    known = ~np.isnan(holed.cast(pl.Float64).to_numpy())
    np.testing.assert_array_equal(filled.to_numpy()[known], holed.to_numpy()[known])
    np.testing.assert_array_equal(filled.to_numpy(), Imputer.load(imputer).transform(holed))


@pytest.mark.parametrize("name", ["denoiser", "imputer"])
def test_info(call, request, name):
    folder = request.getfixturevalue(name)
    record = json.loads(call("info", folder, "--json").out)
    assert record["estimator"] == name.capitalize()
    assert record["training"]["epochs"] == {"denoiser": 20, "imputer": 5}[name]
    text = call("info", folder).out
    assert name.capitalize() in text
    assert f"{record['parameters']:,} parameters" in text


MISTAKES = {
    "an autoencoder's option": (
        "fit {work}/clean.npy -o {out}/m --type denoiser --latent-dim 3",
        ["--type denoiser takes no --latent-dim", "--corruption"],
    ),
    "a report": ("fit {work}/clean.npy -o {out}/m --type denoiser --report", ["no --report"]),
    "pairs of tables": ("fit {work}/holed.csv -o {out}/m --type imputer --target {work}/holed.csv", ["no --target"]),
    "an autoencoder's command": ("transform {work}/denoiser {work}/clean.npy -o {out}/c.npy", ["holds a Denoiser"]),
    "a folder into a file": ("denoise {work}/denoiser {work}/pictures -o {out}/p.png", ["becomes a folder"]),
    "images into a table": ("denoise {work}/denoiser {work}/noisy.npy -o {out}/c.csv", ["'.csv'", ".npy"]),
    "floats of the range of bytes": ("denoise {work}/denoiser {work}/large.npy -o {out}/c.npy", ["up to 255"]),
    "two meanings": ("denoise none {work}/rows.npy -o {out}/c.npy", ["kind="]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(call, work, denoiser, imputer, tmp_path, name):
    np.save(work / "large.npy", np.load(work / "images.npy").astype(np.float32))
    line, pieces = MISTAKES[name]
    done = call(*line.format(work=work, out=tmp_path).split())
    assert (done.code, done.out) == (2, "")
    assert [piece for piece in pieces if piece not in done.err] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["denoiser", "imputer"])
def test_an_interrupted_training_without_checkpoints_is_saved_and_said(
    call, work, imputer, tmp_path, monkeypatch, kind
):
    from latente.training.run import Run

    original = Run._epoch

    def epoch(self, interruptions):
        if self.state.epoch == 2:
            signal.raise_signal(signal.SIGINT)
        return original(self, interruptions)

    monkeypatch.setattr(Run, "_epoch", epoch)
    data = {"denoiser": "clean.npy", "imputer": "holed.csv"}[kind]
    done = call("fit", work / data, "-o", tmp_path / "m", "--type", kind, "--epochs", 5)
    assert (done.code, done.out) == (130, "")
    assert f"interrupted after 2 epochs; the model so far is in {tmp_path / 'm'}" in done.err
    assert len(load(tmp_path / "m").history_) == 2
