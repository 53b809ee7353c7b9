"""Numbers on a grid come back within the bound, whichever way they are predicted."""

from __future__ import annotations

import numpy as np
import pytest

from latente.codec import ArrayCodec


@pytest.mark.parametrize("bound", [0.6, 1.0, 2.0, 5.0, 10.0, 20.0])
@pytest.mark.parametrize("decimals", [0, 1])
def test_smooth_values_on_a_grid(bound, decimals):
    y, x = np.mgrid[:120, :160]
    field = np.round(300 * np.sin(x / 25) * np.cos(y / 30) + 0.5 * y, decimals).astype(np.float32)
    codec = ArrayCodec(bound, relative=False)
    assert np.abs(codec.decode(codec.encode(field)) - field).max() <= bound


@pytest.mark.parametrize("psnr", [30, 40, 50])
def test_at_a_stated_signal_to_noise_ratio(psnr):
    y, x = np.mgrid[:120, :160]
    field = np.round(300 * np.sin(x / 25) * np.cos(y / 30), 1)
    codec = ArrayCodec(psnr=psnr)
    error = np.sqrt(np.square(codec.decode(codec.encode(field)) - field).mean())
    assert 20 * np.log10(np.ptp(field) / error) >= psnr
