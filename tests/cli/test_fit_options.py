"""What the options of `latente fit` do."""

from __future__ import annotations

import json

import numpy as np
import pytest

import latente

QUICK = ["--epochs", 1, "--quiet"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("autoencoder", "Autoencoder"),
        ("vanilla", "VanillaAutoencoder"),
        ("convolutional", "ConvolutionalAutoencoder"),
        ("denoising", "DenoisingAutoencoder"),
        ("stacked", "StackedAutoencoder"),
        ("variational", "VariationalAutoencoder"),
    ],
)
def test_every_type(kind, name, call, work, tmp_path):
    done = call("fit", work / "images.npy", "-o", tmp_path / "m", "--type", kind, "--latent-dim", 4, *QUICK)
    assert (done.code, done.out, done.err) == (0, "", "")
    model = latente.load(tmp_path / "m")
    assert (type(model).__name__, model.latent_dim) == (name, 4)


def test_the_size_of_the_code_by_itself(call, work, tmp_path):
    fit = ["fit", work / "images.npy", "--latent-dim", "auto", "--epochs", 1]
    done = call(*fit, "-o", tmp_path / "m", "--json")
    assert done.code == 0
    model = latente.load(tmp_path / "m")
    assert model.latent_dim == "auto"
    for told in (json.loads(done.out), json.loads(call("info", tmp_path / "m", "--json").out)):
        assert told["latent_dim"] == told["latent_size"]["latent_dim"] == model.latent_dim_
        np.testing.assert_array_equal(told["latent_size"]["errors"], model.latent_size_.errors)
        assert told["latent_size"]["doubts"] == list(model.latent_size_.doubts)
    told = call("info", tmp_path / "m").out
    assert f"Autoencoder, {model.latent_dim_} values (auto) for each sample" in told
    for text in (told, call(*fit, "-o", tmp_path / "again").out):
        for line in str(model.latent_size_).splitlines():
            assert line in text
    call("fit", work / "images.npy", "--latent-dim", 3, "--epochs", 1, "-o", tmp_path / "number", "--quiet")
    assert json.loads(call("info", tmp_path / "number", "--json").out)["latent_size"] is None


def test_doubts_about_the_size_of_the_code_are_told(call, work, tmp_path):
    X = np.load(work / "images.npy")[:12]
    np.save(tmp_path / "few.npy", X)
    done = call("fit", tmp_path / "few.npy", "-o", tmp_path / "m", "--latent-dim", "auto", "--epochs", 1)
    assert "latente: warning: latent_dim='auto' chose" in done.err
    for text in (done.out, call("info", tmp_path / "m").out):
        assert "a guess: it could measure sizes on 6 held-out samples only. Give a number, or at least 20" in text


def test_parts_and_training_reach_the_estimator(call, work, tmp_path):
    parts = ["--network", "mlp:16,8", "--bottleneck", "vq:16", "--corruption", "salt_and_pepper:0.25"]
    parts += ["--distortion", "absolute", "--objective", "plain", "--data", "scale=minmax", "--latent-dim", 4]
    training = ["--epochs", 3, "--batch-size", 50, "--learning-rate", 0.01, "--weight-decay", 0.5, "--patience", 2]
    training += ["--validation-fraction", 0.2, "--precision", "float32", "--device", "cpu", "--seed", 7]
    assert call("fit", work / "table.csv", "-o", tmp_path / "m", *parts, *training, "--quiet").code == 0
    model = latente.load(tmp_path / "m")
    assert model.recipe_.network == latente.MLP((16, 8))
    assert model.recipe_.bottleneck == latente.VQ(16)
    assert model.recipe_.corruption == latente.SaltAndPepper(0.25)
    assert model.recipe_.distortion == latente.AbsoluteError()
    assert model.schema_.scale == "minmax"
    expected = {"epochs": 3, "batch_size": 50, "learning_rate": 0.01, "patience": 2, "validation_fraction": 0.2}
    expected |= {"precision": "float32", "device": "cpu", "weight_decay": 0.5}
    assert {name: getattr(model.trainer, name) for name in expected} == expected
    assert model.random_state == 7


def test_the_rate_of_a_variational_model_reaches_the_estimator(call, work, tmp_path):
    rate = ["--type", "variational", "--beta", 4, "--free-bits", 0.2, "--warmup", 0.5, "--latent-dim", 2]
    assert call("fit", work / "table.csv", "-o", tmp_path / "m", *rate, *QUICK).code == 0
    assert latente.load(tmp_path / "m").recipe_.bottleneck == latente.Gaussian(beta=4, free_bits=0.2, warmup=0.5)


@pytest.mark.parametrize("name", ["images.npy", "images.npz", "table.csv", "table.tsv", "table.parquet"])
def test_every_file_is_read(name, call, work, tmp_path):
    assert call("fit", work / name, "-o", tmp_path / "m", "--latent-dim", 2, *QUICK).code == 0
    size = latente.load(tmp_path / "m").schema_.size
    assert size == (64 if "images" in name else 12)


def test_the_formats_of_a_table_train_the_same_model(call, work, tmp_path):
    codes = []
    for name in ("table.csv", "table.tsv", "table.parquet"):
        assert call("fit", work / name, "-o", tmp_path / name, "--latent-dim", 2, *QUICK).code == 0
        codes.append(latente.load(tmp_path / name).transform(latente.data.read(work / "table.csv")))
    np.testing.assert_array_equal(codes[0], codes[1])
    np.testing.assert_array_equal(codes[0], codes[2])


def test_pictures_are_resized_on_demand(call, work, tmp_path):
    arguments = ["fit", work / "pictures", "-o", tmp_path / "m", "--latent-dim", 2, "--resize", "6x10"]
    assert call(*arguments, *QUICK).code == 0
    assert latente.load(tmp_path / "m").schema_.sample_shape == (1, 6, 10)
    done = call("transform", tmp_path / "m", work / "pictures", "-o", tmp_path / "z.npy", "--resize", "6x10")
    assert done.code == 0
    assert np.load(tmp_path / "z.npy").shape == (60, 2)


def test_rows_are_pictures_when_their_shape_is_given(call, work, tmp_path):
    arguments = ["fit", work / "rows.npy", "-o", tmp_path / "m", "--latent-dim", 2, "--data", "shape=8x8"]
    assert call(*arguments, *QUICK).code == 0
    schema = latente.load(tmp_path / "m").schema_
    assert (schema.kind, schema.sample_shape, schema.user_shape) == ("image", (1, 8, 8), (64,))


def test_pairs_of_noisy_and_clean_samples(call, work, tmp_path):
    arguments = ["fit", work / "noisy.npy", "--target", work / "clean.npy", "-o", tmp_path / "m", "--type", "denoising"]
    done = call(*arguments, "--latent-dim", 4, "--epochs", 2, "--json")
    assert done.code == 0
    assert "clean targets" in json.loads(done.out)["evaluation"]["data"]
    model = latente.load(tmp_path / "m")
    assert model.corruption is None  # no noise on top of the user's own
    noisy, clean = np.load(work / "noisy.npy"), np.load(work / "clean.npy")
    expected = latente.DenoisingAutoencoder(4, corruption=None, trainer=latente.Trainer(epochs=2), random_state=0)
    np.testing.assert_array_equal(model.transform(noisy), expected.fit(noisy, target=clean).transform(noisy))


def test_denoise_says_when_a_model_never_saw_noise(call, work, image_model, tmp_path):
    done = call("denoise", image_model, work / "images.npy", "-o", tmp_path / "x.npy")
    assert done.code == 0
    assert done.err.count("\n") == 1
    assert done.err.startswith("latente: note: this model was trained without --corruption")


def test_the_split_of_a_data_set_can_be_chosen(call, tmp_path):
    done = call("fit", "digits:test", "-o", tmp_path / "m", "--latent-dim", 2, "--epochs", 1, "--json")
    evaluation = json.loads(done.out)["evaluation"]
    assert (evaluation["samples"], evaluation["data"]) == (359, "digits (test split), the training data")
    for given, samples in (("digits", 359), ("digits:train", 1438), ("digits:test", 359)):
        assert json.loads(call("evaluate", tmp_path / "m", given, "--json").out)["samples"] == samples


def test_text_for_people(call, work, tmp_path):
    done = call("fit", work / "table.csv", "-o", tmp_path / "m", "--latent-dim", 2, "--epochs", 1, "--network", "mlp")
    assert (done.code, done.err) == (0, "")
    labels = [line.split()[0] for line in done.out.splitlines() if not line.startswith(" ")]
    assert [label for label in labels if label not in ("note", "good")] == [
        "data", "training", "measured", "result", "warning", "model",
    ]  # fmt: skip
    assert "columns are standardised" in done.out
    assert "the training data" in done.out
    first = next(line for line in done.out.splitlines() if line.startswith("warning"))
    assert "too few steps: " in first  # after one epoch
    assert "It follows from: too few steps." in done.out


def test_what_training_showed_is_told(call, work, tmp_path):
    rate = ("--learning-rate", 1e-12, "--epochs", 3, "--latent-dim", 2)
    done = call("fit", work / "table.csv", "-o", tmp_path / "m", *rate, "--json")
    record = json.loads(done.out)
    names = [finding["name"] for finding in record["training"]["findings"]]
    assert names == ["learning rate too low", "loss never moved"]
    assert record["evaluation"]["findings"][0]["change"] == {"trainer__learning_rate": 0.002}
    told = next(line for line in call("info", tmp_path / "m").out.splitlines() if line.startswith("found "))
    assert "warning: learning rate too low. The learning rate of 1e-12 moves a weight" in told


def test_force_replaces_a_model_and_nothing_else(call, work, tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "report.html").write_text("of an older model")
    arguments = ["fit", work / "table.csv", "-o", folder, "--latent-dim", 2, *QUICK]
    assert call(*arguments).code == 2
    assert not (folder / "model.safetensors").exists()
    assert call(*arguments, "--force").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "notes.txt"]


def test_missing_folders_around_the_result_are_made(call, work, tmp_path):
    arguments = ["fit", work / "table.csv", "-o", tmp_path / "a" / "b", "--latent-dim", 2, *QUICK]
    assert call(*arguments).code == 0
    assert (tmp_path / "a" / "b" / "model.safetensors").is_file()


def test_report_goes_into_the_folder(call, work, tmp_path):
    arguments = ["fit", work / "images.npy", "-o", tmp_path / "m", "--latent-dim", 2, "--epochs", 1, "--report"]
    done = call(*arguments)
    assert (done.code, done.err) == (0, "")
    assert str(tmp_path / "m" / "report.html") in done.out
    assert (tmp_path / "m" / "report.html").stat().st_size > 1000
    assert latente.load(tmp_path / "m").latent_dim == 2
