"""`latent_dim="auto"`: what is said of a size that is not certain, and how one is shown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.datasets import load_digits
from tests.estimators.conftest import auto, subspace

from latente import ConvolutionalAutoencoder, Trainer
from latente.estimators import LatentSizeWarning
from latente.estimators.found_size import LatentSize
from latente.estimators.latent_size import choose_size

pytestmark = pytest.mark.usefixtures("untouched_generators")


@pytest.mark.parametrize(("rows", "held"), [(3, 1), (4, 2), (11, 5), (19, 9)])
def test_few_rows_are_a_guess(rows, held):
    """Half is held out, and the tolerance is that of all rows, not nothing."""
    X = subspace(2, columns=6)[:rows]
    with pytest.warns(LatentSizeWarning, match=rf"a guess: it could .* on {held} held-out samples? only. Give"):
        model = auto(2, data="scale=none").fit(X)
    found = model.latent_size_
    assert (found.held_out, found.bound) == (held, min(rows, 6) - 1)
    assert found.variance == pytest.approx(X.var(0).sum(), rel=1e-4)
    assert found.latent_dim == choose_size(found.errors, found.variance)


@pytest.mark.parametrize(("rows", "held"), [(20, 10), (60, 10), (100, 10), (104, 10), (106, 11)])
def test_ten_rows_or_a_tenth_are_held_out(rows, held):
    found = auto(1).fit(np.random.default_rng(0).normal(size=(rows, 4))).latent_size_
    assert (found.held_out, found.doubts) == (held, ())


@pytest.mark.parametrize(
    ("chosen", "widest", "bound", "near"),
    [
        (94, 95, 717, True),
        (95, 95, 717, True),
        (93, 95, 717, False),
        (251, 256, 257, True),  # 2% of 256 are 5.1
        (250, 256, 257, False),
        (60, 60, 60, False),  # nothing wider is allowed
        (14, 15, 15, False),
        (2, 14, 39, False),
    ],
)
def test_a_size_near_the_widest_code_is_doubted(table, chosen, widest, bound, near):
    history = auto(1, 2).fit(table).history_
    found = LatentSize(chosen, widest, 3.0, np.ones(widest), 10.0, (history,), bound, 100)
    assert (found.at_its_limit, len(found.doubts)) == (near, int(near))
    if near:
        assert f"chose {chosen}, and the widest code that it tried has {widest}, so the size" in found.doubts[0]


def test_how_the_size_was_found_is_shown():
    errors = np.array([5.0, 1.0, 0.5, 0.1, 0.0001])
    found = LatentSize(4, 5, 2.125, errors, 10.0, (), 7, 1000)
    assert str(found).splitlines() == [
        "4, found with a code of 5 that was cut, measured on 1,000 held-out samples, intrinsic dimension 2.1",
        "         size    1    2   4       5",
        "variance lost  50%  10%  1%  0.001%",
    ]
    assert str(LatentSize(1, 1, math.nan, np.empty(0), math.nan, (), 1)) == "1, all that these samples allow"


def test_a_search_says_what_its_bars_are(table, capsys):
    model = auto(1, training={"verbose": True}).fit(table)
    told = [line for line in capsys.readouterr().err.splitlines() if "auto" in line]
    widest, chosen = model.latent_size_.widest, model.latent_dim_
    assert told == [
        f"latent_dim='auto': two short trainings with a code of {widest} to find the size, then the fit",
        f"latent_dim='auto' chose {chosen}; the fit:",
    ]
    auto(1).fit(table)
    assert capsys.readouterr().err == ""


def test_the_widest_code_is_chosen_with_a_warning(monkeypatch):
    """Ten columns that have nothing in common: a code of 3 is too narrow, and nothing wider was tried."""
    monkeypatch.setattr("latente.estimators.latent_size._widest", lambda dimension, bound: 3)
    X = np.random.default_rng(0).normal(size=(200, 10))
    with pytest.warns(
        LatentSizeWarning, match="chose 3, and the widest code that it tried has 3, so the size may say where"
    ):
        model = auto(epochs=10).fit(X)
    assert (model.latent_dim_, model.latent_size_.bound) == (3, 9)
    assert model.latent_size_.at_its_limit


@pytest.mark.parametrize(
    ("lowest", "variance", "little"), [(0.91, 1.0, True), (1.3, 1.0, True), (0.89, 1.0, False), (0.0, 0.0, False)]
)
def test_a_size_that_explains_nothing_is_doubted(table, lowest, variance, little):
    history = auto(1, 2).fit(table).history_
    errors = np.array([1.4, lowest, 1.4, 1.4])
    found = LatentSize(2, 4, 3.0, errors, variance, (history,), 30, 100)
    assert (found.explains_little, len(found.doubts)) == (little, int(little))
    if little:
        assert "but no size explains a tenth of the variance of held-out samples" in found.doubts[0]
        assert f"the chosen one loses {100 * lowest:.0f}% of it" in found.doubts[0]
    few = LatentSize(2, 4, 3.0, errors, variance, (history,), 30, 9)
    assert [doubt for doubt in few.doubts if "a guess" not in doubt] == []  # nine errors say too little for that


def test_where_no_size_beats_the_mean_there_is_one_more_warning():
    """Noise without structure, and a network that has hardly been trained."""
    noise = np.random.default_rng(0).normal(size=(20, 200))
    with pytest.warns(LatentSizeWarning, match="but no size explains a tenth of the variance"):
        model = auto(20).fit(noise)
    assert model.latent_size_.errors.min() > 0.9 * model.latent_size_.variance
    digits = load_digits().images[:300]
    trainer = Trainer(epochs=2, verbose=False)
    with pytest.warns(LatentSizeWarning, match=r"loses 1\d\d% of it, .* Train for longer \(Trainer\(epochs="):
        ConvolutionalAutoencoder("auto", trainer=trainer, random_state=0).fit(digits)
