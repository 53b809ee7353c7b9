"""What a report says is what was measured."""

from __future__ import annotations

import html
import os
import re
import stat

import numpy as np
import pytest
import torch
from torch import nn

import latente
from latente import Autoencoder, Trainer
from latente.report import write_report
from latente.report.words import number, percent

QUICK = Trainer(epochs=2, batch_size=16, verbose=False)
NASTY = "<script>alert('x')</script> $\\frac{ & \"q\" \x00\x1b</svg>"


def text_of(path) -> str:
    """The text of a page without its markup."""
    page = path.read_text(encoding="utf-8")
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_numbers_are_those_of_evaluate(image_model, images, tmp_path):
    path = write_report(image_model, tmp_path / "r.html", images[:30], reference=images)
    e = image_model.evaluate(images[:30], reference=images)
    text = text_of(path)
    assert (
        f"The reconstructions of 30 images miss {number(e.error)} squared grey levels per image; PCA with as many "
        f"numbers (4) misses {number(e.pca_error)}, the mean image {number(e.mean_error)}."
    ) in text
    row = f"this model {number(e.error)} {number(e.mse)} {e.error / e.pca_error:.2f} ×"
    assert row in re.sub(r" +", " ", text)
    assert percent(e.explained_variance) in text
    assert f"{image_model.history_.records[-1].validation_loss:.2f}"[:3] in text


def test_psnr_is_that_of_the_model(image_model, images, tmp_path):
    text = text_of(write_report(image_model, tmp_path / "r.html", images, random_state=3))
    x = images / 255.0
    clean = 10 * np.log10(1 / np.square(x - image_model.reconstruct(images) / 255.0).mean())
    noisy = 10 * np.log10(1 / np.square(x - image_model.corrupt(images, random_state=3) / 255.0).mean())
    restored = image_model.reconstruct(images, corrupt=True, random_state=3) / 255.0
    found = [float(v) for v in re.findall(r"(-?\d+\.\d) dB", text[text.index("The noise leaves") :])]
    assert found[0] == pytest.approx(noisy, abs=0.06)
    assert found[1] == pytest.approx(10 * np.log10(1 / np.square(x - restored).mean()), abs=0.06)
    assert any(value == pytest.approx(clean, abs=0.06) for value in found[2:])


def test_a_model_that_loses_to_pca_is_told_so(table, tmp_path):
    trainer = Trainer(epochs=1, learning_rate=1e-6, verbose=False)
    model = Autoencoder(4, network="mlp:32", trainer=trainer, random_state=0).fit(table)
    text = text_of(write_report(model, tmp_path, table))
    assert not model.evaluate(table).beats_pca
    assert "The model does not beat PCA" in text
    assert "Train longer" in text


def test_per_column_errors(table_model, table, tmp_path):
    import pandas as pd

    frame = pd.DataFrame(table, columns=list("abcdef"))
    model = latente.VariationalAutoencoder(2, network="mlp:16", trainer=QUICK, random_state=0).fit(frame)
    text = text_of(write_report(model, tmp_path / "r.html", frame))
    x = (table - table.mean(0)) / table.std(0)
    x_hat = (model.reconstruct(frame) - table.mean(0)) / table.std(0)
    error = np.square(x - x_hat).mean(0)
    worst, best = "abcdef"[error.argmax()], "abcdef"[error.argmin()]
    assert f"The column rebuilt worst is {worst}, with a mean squared error of {number(error.max())}" in text
    assert f"the best {best}, with {number(error.min())}" in text


def test_hostile_names_are_only_text(table, tmp_path):
    import pandas as pd

    frame = pd.DataFrame(table, columns=[NASTY, *"bcdef"])
    model = Autoencoder(2, trainer=QUICK, random_state=0).fit(frame)
    labels = np.arange(len(table)) % 2
    path = write_report(model, tmp_path / "r.html", frame, labels=labels, label_names=[NASTY, "fine"])
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("</svg>") == page.count("<svg")
    assert "\x00" not in page
    assert "\x1b" not in page


def test_a_report_needs_nothing_else(image_model, images, tmp_path):
    page = write_report(image_model, tmp_path, images).read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(a.startswith(("data:image/png;base64,", "#")) for a in addresses)
    assert "@import" not in page
    assert "default-src 'none'" in html.unescape(page)


def test_where_it_goes(image_model, images, tmp_path):
    assert write_report(image_model, tmp_path, images) == tmp_path / "report.html"
    assert write_report(image_model, tmp_path / "new" / "a.HTML", images).name == "a.HTML"
    assert write_report(image_model, str(tmp_path / "folder"), images) == tmp_path / "folder" / "report.html"
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) & 0o444 == 0o444 & ~umask()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "new", "report.html"]


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_same_twice(image_model, images, tmp_path, untouched_generators):
    a = write_report(image_model, tmp_path / "a.html", images, labels=np.arange(60) % 3).read_bytes()
    b = write_report(image_model, tmp_path / "b.html", images, labels=np.arange(60) % 3).read_bytes()
    assert a == b


def test_a_loaded_model_gives_the_same_numbers(image_model, images, tmp_path):
    image_model.save(tmp_path / "m")
    a = text_of(write_report(image_model, tmp_path / "a.html", images))
    b = text_of(write_report(latente.load(tmp_path / "m"), tmp_path / "b.html", images))
    assert a == b


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [1, 2]}, r"one for each of the 60 samples.*got shape \(2,\)"),
        ({"labels": np.full(60, 5), "label_names": ["a", "b"]}, "integers from 0 to 1"),
        ({"labels": np.full(60, 0.5), "label_names": ["a", "b"]}, "integers from 0 to 1; got float64"),
    ],
)
def test_labels_must_fit(image_model, images, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_report(image_model, tmp_path / "r.html", images, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_data_must_fit(image_model, images, tmp_path):
    with pytest.raises(ValueError, match="at least 2 samples; X has 1"):
        write_report(image_model, tmp_path / "r.html", images[:1])
    with pytest.raises(ValueError, match=r"of shape \(6, 10\), but .* trained on samples of shape \(12, 10\)"):
        write_report(image_model, tmp_path / "r.html", images[:, :6])
    assert list(tmp_path.iterdir()) == []


def test_an_unfitted_model_is_refused(images, tmp_path):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        write_report(Autoencoder(2), tmp_path / "r.html", images)


RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (30, 9, 7), dtype=np.uint8)
PAIR = (
    nn.Sequential(nn.Flatten(), nn.Linear(63, 3)),
    nn.Sequential(nn.Linear(3, 63), nn.Unflatten(1, (1, 9, 7))),
)
ODD = {
    "colours, small convolutions": (
        latente.ConvolutionalAutoencoder(3, channels=(4,), hidden_features=(), corruption="masking:0.5", trainer=QUICK),
        RNG.integers(0, 256, (30, 8, 10, 3), dtype=np.uint8),
    ),
    "five channels": (
        Autoencoder(3, network="conv:4", corruption="gaussian:0.1..0.4+masking:0.1", trainer=QUICK),
        RNG.random((30, 5, 8, 8)),
    ),
    "large pictures": (Autoencoder(2, network="mlp:4", trainer=QUICK), RNG.random((10, 150, 140))),
    "pictures without bounds": (
        Autoencoder(2, data=latente.DataSpec(scale="standard"), corruption="speckle:0.3", trainer=QUICK),
        RNG.normal(size=(30, 8, 8)),
    ),
    "one latent unit": (Autoencoder(1, trainer=QUICK), BYTES),
    "modules of one's own": (Autoencoder(3, network=PAIR, trainer=QUICK), BYTES),
    "integers": (latente.DenoisingAutoencoder(2, trainer=QUICK), RNG.integers(0, 5, (30, 4))),
    "booleans": (latente.VariationalAutoencoder(2, trainer=QUICK), RNG.random((30, 6)) > 0.5),
    "many columns, codebook": (
        Autoencoder(4, bottleneck="vq:8,code_dim=2", trainer=QUICK),
        RNG.normal(size=(30, 60)),
    ),
    "levels": (Autoencoder(3, bottleneck="fsq:4", trainer=QUICK), RNG.normal(size=(30, 5))),
    "channels of signals": (
        Autoencoder(3, data="nct", network="conv:4", corruption="salt_and_pepper:0.1", trainer=QUICK),
        RNG.normal(size=(30, 4, 21)),
    ),
    "a stack": (latente.StackedAutoencoder(2, hidden_features=(6, 4), trainer=QUICK), RNG.normal(size=(30, 8))),
    "a prior by its objective": (Autoencoder(2, objective="wasserstein", trainer=QUICK), RNG.normal(size=(30, 5))),
}


@pytest.mark.parametrize("name", ODD)
def test_any_model_has_a_report(name, tmp_path):
    model, X = ODD[name]
    model.random_state = 0
    model.fit(X)
    labels = np.random.default_rng(1).integers(0, 15, len(X))
    text = text_of(write_report(model, tmp_path / "all.html", X, labels=labels))
    assert "nan" not in text.lower().replace("nanos", "")
    two = text_of(write_report(model, tmp_path / "two.html", X[:2], reference=X))
    assert "of 2 " in two


def test_one_column(tmp_path):
    X = RNG.normal(size=(30, 1))
    with pytest.warns(latente.estimators.LatentSizeWarning):
        model = Autoencoder(1, trainer=QUICK, random_state=0).fit(X)
    assert "its one value" in text_of(write_report(model, tmp_path, X))


@pytest.mark.filterwarnings("ignore::latente.estimators.LatentSizeWarning")
def test_a_size_that_was_found_is_told(table, tmp_path):
    model = Autoencoder("auto", trainer=QUICK, random_state=0).fit(table[:19])
    text = text_of(write_report(model, tmp_path / "auto.html", table))
    found = model.latent_size_
    assert f"A code of {found.widest} numbers was trained briefly and cut" in text
    assert f"{found.latent_dim} is the smallest size within 0.1% of the variance" in text
    assert "Give a number, or at least 20 samples." in text
    fixed = Autoencoder(2, trainer=QUICK, random_state=0).fit(table)
    assert "Size of the code" not in text_of(write_report(fixed, tmp_path / "fixed.html", table))


def test_without_a_history(table, tmp_path):
    model = Autoencoder(2, random_state=0).partial_fit(table)
    assert "keeps no table of epochs" in text_of(write_report(model, tmp_path, table))


def test_what_training_showed_is_told(table, tmp_path):
    model = Autoencoder(2, trainer=Trainer(epochs=3, learning_rate=1e-12, verbose=False), random_state=0).fit(table)
    text = text_of(write_report(model, tmp_path, table))
    assert text.count("Learning rate too low (warning).") == 2  # among the findings, and below the curve
    assert "Use Trainer(learning_rate=0.002)." in text


def test_evaluation_mode_is_kept(image_model, images, tmp_path):
    weights = [p.clone() for p in image_model.module_.parameters()]
    write_report(image_model, tmp_path, images)
    assert not image_model.module_.training
    assert all(torch.equal(a, b) for a, b in zip(weights, image_model.module_.parameters(), strict=True))
    assert not any(m._forward_hooks for m in image_model.module_.modules())
