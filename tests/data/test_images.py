"""A folder of images becomes one array of bytes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from latente.data import read
from latente.data.read import read_images

GENERATOR = np.random.default_rng(0)


def bytes_of(*shape):
    return np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)


def fill(folder, **images):
    for name, image in images.items():
        (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(folder / f"{name}.png")


def test_grey_images_stay_grey_in_the_order_of_their_names(tmp_path):
    images = bytes_of(3, 5, 4)
    (tmp_path / "sub").mkdir()
    fill(tmp_path, b=images[1], a=images[0])
    fill(tmp_path / "sub", a=images[2])
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    found = read(tmp_path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, images)


def test_colour_images(tmp_path):
    images = bytes_of(2, 5, 4, 3)
    fill(tmp_path, a=images[0], b=images[1])
    np.testing.assert_array_equal(read(tmp_path), images)


def test_one_colour_image_makes_all_rgb(tmp_path):
    grey, colour = bytes_of(5, 4), bytes_of(5, 4, 3)
    fill(tmp_path, a=grey, b=colour)
    np.testing.assert_array_equal(read(tmp_path), [np.repeat(grey[..., None], 3, 2), colour])


def test_every_mode_of_pillow(tmp_path):
    grey, colour = bytes_of(5, 4), bytes_of(5, 4, 3)
    alpha = np.full((5, 4, 1), 200, np.uint8)
    (tmp_path / "grey").mkdir()
    fill(
        tmp_path / "grey",
        a=grey,
        b=Image.fromarray(np.dstack([grey, alpha[..., 0]])),
        c=Image.fromarray(grey > 127),
        d=Image.fromarray(grey.astype(np.uint16) * 257),
    )
    np.testing.assert_array_equal(read(tmp_path / "grey"), [grey, grey, (grey > 127) * np.uint8(255), grey])
    (tmp_path / "colour").mkdir()
    palette = Image.fromarray(colour).quantize(20)
    fill(tmp_path / "colour", a=colour, b=Image.fromarray(np.dstack([colour, alpha])), c=palette)
    np.testing.assert_array_equal(read(tmp_path / "colour"), [colour, colour, np.asarray(palette.convert("RGB"))])


def test_photographs_are_turned_as_the_camera_says(tmp_path):
    upright = bytes_of(6, 4, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees to the right
    Image.fromarray(np.rot90(upright)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path)[0], upright)


def test_mixed_sizes_are_counted_and_the_remedy_named(tmp_path):
    fill(tmp_path, a=bytes_of(5, 4), b=bytes_of(5, 4), c=bytes_of(3, 7), d=bytes_of(2, 2))
    with pytest.raises(ValueError, match=r"4 images .* 3 different sizes .*5x4 \(2\), 3x7 \(1\).*resize=\(5, 4\)"):
        read(tmp_path)


def test_mixed_sizes_can_be_resized(tmp_path):
    fill(tmp_path, a=np.full((5, 4), 7, np.uint8), b=np.full((3, 7), 9, np.uint8))
    found = read(tmp_path, resize=(6, 8))
    assert found.shape == (2, 6, 8)
    assert (found[0].min(), found[0].max(), found[1].min(), found[1].max()) == (7, 7, 9, 9)


@pytest.mark.parametrize("resize", [8, (8,), (8, 8, 3), (0, 8), (8, -1), "8x8"])
def test_wrong_sizes(tmp_path, resize):
    fill(tmp_path, a=bytes_of(5, 4))
    with pytest.raises(ValueError, match=r"resize must be \(height, width\), both above 0; got"):
        read_images(tmp_path, resize=resize)


def test_a_folder_without_images(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match=r"no images in .*known formats: .*\.png"):
        read(tmp_path)


@pytest.mark.parametrize("damage", ["empty", "words", "cut", "flipped", "float"])
def test_damaged_images_are_named(tmp_path, damage):
    fill(tmp_path, good=bytes_of(30, 40))
    content = bytearray((tmp_path / "good.png").read_bytes())
    broken = tmp_path / "broken.png"
    if damage == "flipped":
        content[45] ^= 255  # inside the compressed pixels: the checksum fails
    if damage == "float":
        broken = tmp_path / "broken.tiff"
        Image.fromarray(GENERATOR.random((5, 4), dtype=np.float32)).save(broken)
    else:
        pieces = {"empty": b"", "words": b"not an image", "cut": content[: len(content) // 2], "flipped": content}
        broken.write_bytes(pieces[damage])
    with pytest.raises(ValueError, match=r"cannot read the image \S*broken\.\w+: \S"):
        read(tmp_path)
