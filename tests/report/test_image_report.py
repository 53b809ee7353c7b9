"""The report on a picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latente.codec import LosslessImageCodec, compress_file
from latente.report import write_codec_report
from latente.report.image_peers import Point, coders, curve, equal, exact_sizes

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
    assert "The diamond is at the quality of this file." in text
    assert "all of the picture, without metadata" in text
    assert ("JPEG XL appears here once" in text) == (importlib.util.find_spec("imagecodecs") is None)


def test_all_formats_code_the_same_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size beside the others is that of the crop, coded by itself at the file's quality, no share of the file."""
    from latente.codec import ImageCodec
    from latente.report import image_report

    monkeypatch.setattr(image_report, "LARGEST", 64)
    monkeypatch.setattr(image_report, "coders", dict)
    x = picture(160)
    x[:40] = np.random.default_rng(0).integers(0, 256, (40, 160, 3))  # dear, and not in the middle
    Image.fromarray(x).save(tmp_path / "x.png")
    done = compress_file(tmp_path / "x.png", quality=0.4)
    text = write_codec_report(done, tmp_path / "page.html").read_text()
    alone = len(ImageCodec().encode(x[48:112, 48:112], quality=0.4))
    assert f"{alone:,}" in text
    assert "the middle of the picture (16% of it)" in text
    assert alone < 0.1 * done.compressed_bytes


def test_without_a_loss_sizes_are_shown(tmp_path: Path) -> None:
    x = np.clip(picture(160) + np.random.default_rng(0).normal(0, 4, (160, 160, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(x).save(tmp_path / "x.png")
    done = compress_file(tmp_path / "x.png", lossless=True)
    assert done.kind == "image-lossless"
    text = write_codec_report(done, tmp_path / "page.html").read_text()
    assert "The decoded picture is the original, bit for bit." in text
    assert "every pixel and all other bytes of the file" in text
    assert f"{len(LosslessImageCodec().encode(x)):,}" in text
    for kind, size in exact_sizes(x).items():
        assert f">{kind}</th>" in text
        assert f"{size:,}" in text
    assert "Rate and distortion" not in text


def test_views_state_how_much_they_are_enlarged() -> None:
    from latente.report.image_report import image_sections

    def views(x: np.ndarray, y: np.ndarray) -> str:
        return str(image_sections(x, y, None)[0])

    large, small, tiny = (picture(side) for side in (220, 104, 40))
    text = views(large, large)
    assert text.count("difference x 4") == 2  # where nothing was lost there is no largest error
    assert "the middle, 1:1" in text
    assert "the middle, 4:1" in text
    text = views(small, small ^ 1)
    assert text.count("difference x 4") == 4
    assert "the largest error, 2:1" in text
    text = views(tiny, tiny ^ 1)
    assert text.count("difference x 4") == 1
    assert "all of it, 5.2:1" in text
