"""How long a denoiser is trained, and in which batches, by the amount of data."""

from __future__ import annotations

import pytest

from latente import Trainer
from latente.denoising.steps import suited

PATCH = 512


@pytest.mark.parametrize(
    ("values", "patches", "epochs", "batch_size"),
    [
        (1_137, 2_000, 1, 8),  # no value more than 500 times: one pass
        (7_224, 2_000, 3, 8),  # 6,000 patches, 750 steps
        (75_600, 2_000, 7, 18),  # no value more than 100 times: 14,000 patches
        (500_000, 2_000, 49, 32),
        (10_000_000, 39_062, 3, 32),  # 120,000 patches
    ],
)
def test_small_data_have_fewer_patches_in_smaller_batches(values, patches, epochs, batch_size):
    found = suited(Trainer(), patches, values / PATCH, PATCH, 5e-3, False)
    assert (found.epochs, found.batch_size) == (epochs, batch_size)
    assert found.learning_rate == pytest.approx(5e-3 * (batch_size / 32) ** 0.5)


def test_epochs_that_are_given_leave_the_batches_as_they_are():
    found = suited(Trainer(epochs=2), 2_000, 2.0, PATCH, 5e-3, False)
    assert (found.epochs, found.batch_size) == (2, 32)
    assert suited(Trainer(batch_size=5), 2_000, 14.0, PATCH, 5e-3, False).batch_size == 5
