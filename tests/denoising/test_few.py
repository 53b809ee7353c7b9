"""How long a denoiser is trained on few small samples: as long as on larger ones, and in batches as large."""

from __future__ import annotations

import numpy as np
import pytest

import latente
from latente.denoising import Denoiser
from latente.denoising.samples import patches, read_samples

RNG = np.random.default_rng(0)


class Planned(Exception):
    """Raised in place of a training, with its trainer and its data."""


@pytest.fixture
def plan(monkeypatch):
    """A function of samples and settings that returns how they would be trained on."""

    def stop(self, module, source, *arguments, **named):
        raise Planned(self, source)

    monkeypatch.setattr(latente.Trainer, "fit", stop)

    def planned(X, **settings):
        with pytest.raises(Planned) as caught:
            Denoiser(random_state=0, noise="gaussian:0.1", **settings).fit(X)
        trainer, source = caught.value.args
        return trainer, len(source), trainer.epochs * -(-len(source) // trainer.resolve_batch_size(len(source)))

    return planned


@pytest.mark.parametrize(
    ("shape", "batch"),
    [
        *(((n,), 32) for n in (50, 500, 768, 769)),
        *(((20, 30), 32), ((64, 64), 17), ((90, 90), 9), ((96, 96), 8), ((97, 97), 8)),
        *(((10, 8, 8), 32), ((59, 28, 28), 32)),
    ],
)
def test_few_small_samples_make_6000_patches_in_full_batches(plan, shape, batch):
    kind = "signal" if len(shape) == 1 else "image"
    trainer, n, steps = plan(RNG.random(shape), kind=kind)
    assert n >= 2000
    assert trainer.batch_size == batch
    assert steps == pytest.approx(6000 / batch, rel=0.05)


def test_the_cost_has_no_cliff_where_samples_become_few_or_small(plan):
    def values(shape):
        trainer, n, _ = plan(RNG.random(shape), kind="image" if len(shape) > 2 else "signal")
        if len(shape) == 3:
            size = patches(read_samples(RNG.random(shape), "image"), "auto", RNG, 60 if shape[0] < 60 else 1).shape[2:]
            return trainer.epochs * n * np.prod(size)
        return trainer.epochs * n

    assert values((768,)) == values((769,)) == 6000
    assert values((59, 96, 96)) == pytest.approx(values((60, 96, 96)), rel=0.05)
    assert values((59, 28, 28)) == pytest.approx(values((60, 28, 28)), rel=0.05)


@pytest.mark.parametrize(
    ("shape", "part"), [((500,), (334,)), ((768,), (512,)), ((80,), (64,)), ((90, 45), (60, 32)), ((28, 20), (28, 20))]
)
def test_patches_of_few_small_samples_are_two_thirds_of_them(shape, part):
    sample = RNG.random(shape)
    cut = patches(read_samples(sample, "signal" if len(shape) == 1 else "image"), "auto", RNG, enough=60).numpy()[:, 0]
    assert cut.shape == (len(cut), *part)
    firsts = {float(patch.flat[0]) for patch in cut}
    assert len(firsts) > 0.9 * np.prod([n - m + 1 for n, m in zip(shape, part, strict=True)])  # they begin everywhere
    assert firsts <= set(sample.ravel().tolist())


def test_sixty_samples_and_epochs_of_the_users_own_are_of_the_samples_as_they_are(plan):
    assert plan(RNG.random((60, 8, 8)))[1] == 60
    trainer = latente.Trainer(epochs=4, verbose=False)
    assert plan(RNG.random((5, 8, 8)), trainer=trainer)[1] == 5
    assert plan(RNG.random(500), trainer=trainer)[1:] == (1, 4)
