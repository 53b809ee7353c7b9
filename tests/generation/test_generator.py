"""A generator: any model samples, in the user's units, and comes back from its folder."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

import latente
import latente.generation

SAMPLERS = ["gaussian", "mixture:3", "kde", "flow:maf,epochs=2", "second_stage:epochs=2"]
TRAINER = latente.Trainer(epochs=3, verbose=False)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return (data.images * 15).astype(np.uint8)[:600], data.target[:600]


@pytest.fixture(scope="module")
def model(digits):
    return latente.Autoencoder(4, trainer=TRAINER, random_state=0).fit(digits[0])


def test_samples_are_in_the_users_units(model, digits, untouched_generators):
    generator = latente.Generator(model, "mixture:3", random_state=0).fit(digits[0])
    samples = generator.sample(7, random_state=0)
    assert samples.shape == (7, 8, 8)
    assert samples.dtype == np.uint8
    assert (samples == generator.sample(7, random_state=0)).all()
    codes = generator.sampler_.sample(7, random_state=0)
    assert (samples == model.inverse_transform(codes)).all()
    np.testing.assert_allclose(
        generator.log_density(digits[0]), generator.sampler_.log_density(model.transform(digits[0]))
    )


def test_what_the_error_without_a_prior_says_works(model, digits):
    with pytest.raises(latente.NoPriorError) as caught:
        model.sample(3)
    found = re.search(r"latente\.generation\.Generator\(model\)\.fit\(X\)\.sample\(n\)", str(caught.value))
    space = {"latente": latente, "model": model, "X": digits[0], "n": 3}
    assert eval(found.group(), space).shape == (3, 8, 8)


def test_labels(model, digits):
    generator = latente.Generator(model, "gaussian", random_state=0).fit(*digits)
    centres = {label: generator.sample(1, y=label, temperature=0)[0].astype(float) for label in range(10)}
    means = {label: digits[0][digits[1] == label].mean(0) for label in range(10)}
    right = [min(means, key=lambda m: np.abs(means[m] - centres[label]).sum()) == label for label in range(10)]
    assert sum(right) >= 7


@pytest.mark.parametrize("text", SAMPLERS)
@pytest.mark.parametrize("with_labels", [False, True], ids=["plain", "labels"])
def test_save_and_load(text, with_labels, model, digits, tmp_path):
    X, y = digits[0][:200], np.where(digits[1][:200] < 5, "low", "high")
    generator = latente.Generator(model, text, random_state=0).fit(X, y if with_labels else None)
    folder = generator.save(tmp_path / "generator")
    again = latente.Generator.load(folder)
    asked = {"y": "high"} if with_labels else {}
    assert (again.sample(20, random_state=1, **asked) == generator.sample(20, random_state=1, **asked)).all()
    assert (again.log_density(X[:50]) == generator.log_density(X[:50])).all()
    assert again.sampler == generator.sampler_
    assert json.loads((folder / "config.json").read_text())["estimator"] == "Generator"
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".safetensors", ".json"}


def test_the_users_sampler_is_left_as_it_is(model, digits):
    own = latente.GaussianSampler()
    generator = latente.Generator(model, own).fit(digits[0])
    assert generator.sampler_ is not own
    assert not hasattr(own, "densities_")


def test_scikit_learns_parameters_and_clone(model, digits):
    """A clone has the settings and the fitted model, no density, and draws the same once it is fitted."""
    generator = latente.Generator(model, latente.MixtureSampler(2), random_state=3).fit(digits[0])
    assert generator.get_params(deep=False) == {
        "model": model, "sampler": latente.MixtureSampler(2), "random_state": 3
    }  # fmt: skip
    again = clone(generator)
    assert (again.model, again.sampler, again.random_state) == (model, generator.sampler, 3)
    assert again.sampler is not generator.sampler
    with pytest.raises(NotFittedError, match=r"call fit\(X\)"):
        again.sample()
    drawn = again.fit(digits[0]).sample(5, random_state=0)
    assert (drawn == generator.sample(5, random_state=0)).all()
    again.set_params(sampler__n_components=4)
    assert (again.sampler.n_components, generator.sampler.n_components) == (4, 2)
    assert again.set_params(sampler="kde").fit(digits[0]).sample().shape == (1, 8, 8)
    assert "sampler='kde'" in repr(again)
    assert again.set_params(sampler="mixture", sampler__n_components=3).sampler == latente.generation.MixtureSampler(3)
    with pytest.raises(ValueError, match="has no 'bandwidth'. It belongs to kde"):
        again.set_params(sampler__bandwidth=1.0)
    with pytest.raises(ValueError, match="Generator has no parameter 'samplr'; it has: model, random_state, sampler"):
        again.set_params(samplr="kde")


def test_a_half_replaced_or_foreign_folder_is_refused(model, digits, tmp_path):
    folder = latente.Generator(model, "gaussian").fit(digits[0]).save(tmp_path / "g")
    with pytest.raises(latente.ModelFileError, match="no model in"):
        latente.Generator.load(tmp_path / "nothing")
    with pytest.raises(
        latente.ModelFileError, match="another kind of model, Autoencoder, not Generator; use latente.load"
    ):
        latente.Generator.load(folder / "model")
    latente.Autoencoder(4, trainer=TRAINER, random_state=1).fit(digits[0]).save(folder / "model")
    with pytest.raises(latente.ModelFileError, match="not the one that was saved here"):
        latente.Generator.load(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="is a file"):
        latente.Generator(model, "gaussian").fit(digits[0]).save(tmp_path / "file")


def test_mistakes(model, digits):
    with pytest.raises(TypeError, match="model must be a fitted latente autoencoder; got 3"):
        latente.Generator(3).fit(digits[0])
    with pytest.raises(TypeError, match="sampler must be one of .*GaussianSampler"):
        latente.Generator(model, 3).fit(digits[0])
    with pytest.raises(TypeError, match="got None"):
        latente.Generator(model, None).fit(digits[0])
    with pytest.raises(NotFittedError):
        latente.Generator(latente.Autoencoder(2)).fit(digits[0])
    with pytest.raises(NotFittedError, match=r"call fit\(X\)"):
        latente.Generator(model).sample()
    for bottleneck in ("vq:8,2", "fsq:4"):
        quantised = latente.Autoencoder(4, bottleneck=bottleneck, trainer=TRAINER, random_state=0).fit(digits[0][:100])
        with pytest.raises(ValueError, match=r"entries of a codebook.*model\.sample"):
            latente.Generator(quantised).fit(digits[0])
