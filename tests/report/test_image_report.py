"""The report on a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latente.codec import compress_file
from latente.report import write_codec_report
from latente.report.image_peers import Point, coders, curve, equal

pytest.importorskip("constriction")


def picture(side: int = 96) -> np.ndarray:
    """A smooth picture with an edge."""
    i, j = np.mgrid[:side, :side]
    x = np.stack([np.sin(i / 9) * 60, np.cos(j / 11) * 60, (i + j) / 2], -1) + 100
    x[side // 2 :] += 40
    return np.clip(x, 0, 255).astype(np.uint8)


def test_curves_rise_and_equal_quality_is_met() -> None:
    x = picture()
    for name, coder in coders().items():
        points = curve(coder, x)
        assert points[-1].mse < points[0].mse, name
        assert points[-1].bytes > points[0].bytes, name
        found = equal(coder, x, points[4].mse)
        assert found is not None
        assert found.mse <= points[4].mse
        assert found.bytes <= 1.25 * points[4].bytes, name  # JPEG is not quite monotone


def test_psnr_is_that_of_the_definition() -> None:
    assert Point(1, 255**2 / 1000).psnr == pytest.approx(30)
    assert Point(1, 0.0).psnr == float("inf")


def test_what_no_setting_reaches_is_none() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert equal(coders()["JPEG"], noise, 0.001) is None


def test_the_page_shows_the_picture_and_the_others(tmp_path: Path) -> None:
    Image.fromarray(picture()).save(tmp_path / "x.png")
    done = compress_file(tmp_path / "x.png", quality=0.4)
    text = write_codec_report(done, tmp_path / "page.html").read_text()
    assert text.count("difference x 4") == 4
    for name in ("latente", "JPEG", "WebP"):
        assert f">{name}</th>" in text
    assert "of the range)" not in text
    assert "The diamond is this file." in text
