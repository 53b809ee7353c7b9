"""Every command through a real process, its numbers compared with those of the Python interface."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

import latente
from latente import datasets


@pytest.fixture
def table(work):
    return pl.read_csv(work / "table.csv")


def test_fit_trains_what_the_python_interface_trains(work, table, table_model):
    trainer = latente.Trainer(epochs=5)
    expected = latente.Autoencoder(3, trainer=trainer, random_state=1).fit(table).transform(table)
    np.testing.assert_array_equal(latente.load(table_model).transform(table), expected)


def test_fit_measures_on_the_held_out_split_of_a_data_set(process, tmp_path):
    done = process("fit", "digits", "-o", "m", "--latent-dim", 4, "--epochs", 2, "--json", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    record = json.loads(done.out)
    digits = datasets.load("digits")
    expected = latente.load(tmp_path / "m").evaluate(digits.x_test, reference=digits.x_train)
    measured = record["evaluation"]
    assert measured["error"] == pytest.approx(expected.error, rel=1e-6)
    assert measured["pca_error"] == pytest.approx(expected.pca_error, rel=1e-6)
    assert measured["samples"] == len(digits.x_test)
    assert "test split" in measured["data"]
    assert "train split" in measured["reference"]
    assert record["training"]["epochs"] == 2
    assert record["data"]["kind"] == "image"
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["config.json", "model.safetensors"]


def test_transform_refines(process, work, table, table_model, tmp_path):
    process("transform", table_model, work / "table.csv", "-o", tmp_path / "codes.npy", "--refine", "2")
    expected = latente.load(table_model).refine(table, steps=2)
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), expected)


def test_transform_and_inverse(process, work, table, table_model, tmp_path):
    model = latente.load(table_model)
    done = process("transform", table_model, work / "table.csv", "-o", tmp_path / "codes.csv")
    assert (done.code, done.err) == (0, "")
    assert "200 x 3" in done.out
    codes = pl.read_csv(tmp_path / "codes.csv")
    assert codes.columns == [str(name) for name in model.get_feature_names_out()]
    np.testing.assert_array_equal(codes.to_numpy().astype(np.float32), model.transform(table))
    done = process("inverse", table_model, tmp_path / "codes.csv", "-o", tmp_path / "back.parquet", "--json")
    assert json.loads(done.out) == {"output": str(tmp_path / "back.parquet"), "shape": [200, 12], "dtype": "float64"}
    back = pl.read_parquet(tmp_path / "back.parquet")
    assert back.columns == table.columns
    np.testing.assert_array_equal(back.to_numpy(), model.inverse_transform(model.transform(table)))


def test_reconstruct(process, work, images, image_model, tmp_path):
    done = process("reconstruct", image_model, work / "images.npy", "-o", tmp_path / "again.npy")
    assert (done.code, done.err) == (0, "")
    again = np.load(tmp_path / "again.npy")
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, latente.load(image_model).reconstruct(images))


def test_denoise(process, work, noise_model, tmp_path):
    done = process("denoise", noise_model, work / "noisy.npy", "-o", tmp_path / "restored.npy")
    assert (done.code, done.err) == (0, "")
    expected = latente.load(noise_model).reconstruct(np.load(work / "noisy.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "restored.npy"), expected)


def test_interpolate(process, work, images, image_model, tmp_path):
    way = ["--from", 3, "--to", 17, "--steps", 5, "--path", "spherical"]
    done = process("interpolate", image_model, work / "images.npy", *way, "-o", tmp_path / "way.npy")
    assert (done.code, done.err) == (0, "")
    expected = latente.load(image_model).interpolate(images[3], images[17], 5, path="spherical")
    np.testing.assert_array_equal(np.load(tmp_path / "way.npy"), expected)


def test_sample(process, image_model, tmp_path):
    done = process("sample", image_model, "-n", 6, "-o", tmp_path / "new.png", "--seed", 3)
    assert (done.code, done.err) == (0, "")
    expected = latente.load(image_model).sample(6, random_state=3)
    grid = np.asarray(Image.open(tmp_path / "new.png"))
    np.testing.assert_array_equal(grid[:8, 10:18], expected[1])


def test_sample_like_data_needs_no_prior(call, tmp_path):
    model = tmp_path / "plain"
    assert call("fit", "digits", "-o", model, "--latent-dim", 4, "--epochs", 2, "--quiet").code == 0
    asked = ("--like", "digits", "--density", "mixture:3", "--temperature", 0.5, "--label", "3", "--seed", 2)
    done = call("sample", model, "-n", 5, *asked, "-o", tmp_path / "new.npy")
    assert done.code == 0, done.err
    data = datasets.load("digits")
    generator = latente.Generator(latente.load(model), "mixture:3", random_state=2).fit(data.x_train, data.y_train)
    expected = generator.sample(5, y=3, temperature=0.5, random_state=2)
    np.testing.assert_array_equal(np.load(tmp_path / "new.npy"), expected)


def test_evaluate(process, work, table, table_model):
    done = process("evaluate", table_model, work / "table.parquet", "--json")
    assert (done.code, done.err) == (0, "")
    record, expected = json.loads(done.out), latente.load(table_model).evaluate(table)
    for name in ("error", "mean_error", "pca_error", "explained_variance"):
        assert record[name] == pytest.approx(getattr(expected, name), rel=1e-6)
    assert record["active_units"] == expected.active_units
    assert record["beats_pca"] == (record["error"] < record["pca_error"])


def test_info(process, table_model):
    done = process("info", table_model, "--json")
    assert (done.code, done.err) == (0, "")
    record, model = json.loads(done.out), latente.load(table_model)
    assert (record["estimator"], record["latent_dim"], record["training"]["epochs"]) == ("Autoencoder", 3, 5)
    assert record["parameters"] == sum(p.numel() for p in model.module_.parameters())
    assert record["parts"]["network"].startswith("LinearPath(")  # what "auto" chose
    assert record["versions"]["latente"] == latente.__version__
    text = process("info", table_model).out
    assert model.schema_.describe() in text
    assert "SquaredError()" in text
    assert record["sigma"] is None
    assert "sigma" not in text


def test_info_says_which_sigma_was_learned(call, image_model):
    low, high = json.loads(call("info", image_model, "--json").out)["sigma"]
    sigma = float(latente.load(image_model).module_.distortion.logvar.detach().exp().sqrt())
    assert low == high == pytest.approx(sigma, rel=1e-6)
    assert sigma >= 0.1
    text = call("info", image_model).out
    assert f"sigma       {sigma:.4g}, the learned standard deviation" in text
    assert "units of scaled data; its floor is 0.1" in text


def test_report(process, image_model, work, tmp_path):
    done = process("report", image_model, work / "images.npy", "-o", tmp_path / "report.html")
    assert (done.code, done.err) == (0, "")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert done.out.strip().endswith(str(tmp_path / "report.html"))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_export(process, table_model, tmp_path):
    pytest.importorskip("onnxruntime")
    done = process("export", table_model, "-o", tmp_path / "onnx", "--json")
    assert (done.code, done.err) == (0, "")
    record = json.loads(done.out)
    assert [name for name in record["files"] if name.endswith(".onnx")]
    assert sorted(path.name for path in (tmp_path / "onnx").iterdir()) == record["files"]


def test_datasets(process):
    assert process("datasets").out.split() == list(datasets.names())
    record = json.loads(process("datasets", "digits", "--json").out)
    assert record["train"].startswith("(1438, 8")
    assert record["licence"] == datasets.load("digits").licence
