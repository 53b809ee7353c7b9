"""Refined codes against least squares, and what must not change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from torch import nn

from latente import Autoencoder, Conv, Trainer, VariationalAutoencoder
from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic
from latente.distortions import SquaredError
from latente.estimators.refinement import refined_codes


def module_of(decoder: nn.Module, values: int) -> AutoencoderModule:
    torch.manual_seed(0)
    encoder = nn.Linear(values, 2)
    return AutoencoderModule(
        encoder, Deterministic().build(2), decoder, distortion=SquaredError().build((values,))
    ).eval()


def test_a_linear_decoder_is_solved_as_least_squares_does():
    torch.manual_seed(1)
    decoder, x = nn.Linear(2, 6), torch.randn(5, 6)
    expected = np.linalg.lstsq(decoder.weight.detach().numpy(), (x - decoder.bias).detach().numpy().T)[0].T
    found = refined_codes(module_of(decoder, 6), x, 8)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-3)  # single precision ends the descent


def test_a_curved_decoder_is_solved_as_scipy_does():
    torch.manual_seed(2)
    decoder, x = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 6)), torch.randn(4, 6)
    module = module_of(decoder, 6)
    start, found = module.encode(x).mode.detach().numpy(), refined_codes(module, x, 40)

    def residual(z: np.ndarray, own: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return decoder(torch.from_numpy(z).float()).numpy() - own

    ours = np.square(residual(found.numpy(), x.numpy())).sum(1)
    peers = [
        2 * least_squares(residual, z, args=(own,), diff_step=1e-3).cost
        for z, own in zip(start, x.numpy(), strict=True)
    ]
    np.testing.assert_allclose(ours, peers, rtol=0.01)


MODELS = {
    "plain": lambda: Autoencoder(3, trainer=Trainer(epochs=3), random_state=0),
    "convolutional": lambda: Autoencoder(3, network=Conv((4, 8)), trainer=Trainer(epochs=1), random_state=0),
    "variational": lambda: VariationalAutoencoder(3, trainer=Trainer(epochs=3), random_state=0),
    "sparse": lambda: Autoencoder(3, bottleneck="sparse", trainer=Trainer(epochs=3), random_state=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_no_sample_is_rebuilt_worse(name, pictures):
    model = MODELS[name]().fit(pictures)
    scaled = model.schema_.prepare(model.schema_.ingest(pictures))
    errors = [
        np.square(scaled.numpy() - model.module_.decode(torch.from_numpy(codes)).detach().numpy()).sum((1, 2, 3))
        for codes in (model.transform(pictures), model.refine(pictures))
    ]
    assert (errors[1] <= errors[0] * (1 + 1e-5)).all()
    assert errors[1].mean() < 0.99 * errors[0].mean()


def test_the_error_is_that_of_scaled_data():
    X = np.random.default_rng(0).normal(size=(40, 4)) * [1, 10, 100, 0]  # the last column is constant
    model = Autoencoder(2, trainer=Trainer(epochs=1), random_state=0).fit(X)
    errors = []
    for codes in (model.transform(X), model.refine(X)):
        apart = model.schema_.ingest(X) - model.schema_.ingest(model.inverse_transform(codes))
        errors.append(apart.square().sum(1).numpy())
    assert (errors[1] <= errors[0] * (1 + 1e-5)).all()


def test_a_sample_does_not_depend_on_its_neighbours(pictures, tmp_path):
    model = MODELS["plain"]().fit(pictures)
    whole = model.refine(pictures, out=tmp_path / "codes.npy")
    np.testing.assert_array_equal(whole, np.load(tmp_path / "codes.npy"))
    np.testing.assert_array_equal(model.refine(pictures[5:8]), whole[5:8])


def test_what_cannot_move_is_refused(pictures):
    model = Autoencoder(4, bottleneck="fsq", trainer=Trainer(epochs=1), random_state=0).fit(pictures)
    with pytest.raises(ValueError, match="codes of FSQ come from a fixed set"):
        model.refine(pictures)


def test_a_decoder_without_forward_derivatives_is_named():
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(2, 2, batch_first=True)  # in one native operation

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            seen = z.view(-1, 1, 2).expand(-1, 3, -1)
            return self.attention(seen, seen, seen)[0].flatten(1)

    with pytest.raises(ValueError, match=r"through this decoder, for torch lacks a derivative: .*attention"):
        refined_codes(module_of(Attending(), 6), torch.randn(4, 6), 2)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "3", None, True])
def test_steps_are_at_least_one(steps, pictures):
    model = MODELS["plain"]().fit(pictures)
    with pytest.raises(ValueError, match="steps must be an integer of at least 1"):
        model.refine(pictures, steps=steps)
