"""Folders of images: sizes from the headers, pixels when they are needed."""

from __future__ import annotations

__all__ = ["IMAGE_SUFFIXES", "ImageRows", "read_each", "read_images"]

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import Rows, StoredRowsChanged

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
THREADS = min(8, os.cpu_count() or 1)
ORIENTATION, ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # what a camera says of how it was held
T = TypeVar("T")


class ImageRows(Rows):
    """The images of a folder and its subfolders, in the order of their names: (n, height, width[, channels]) bytes.

    Grey images stay grey; as soon as one is coloured, all become RGB. Transparency is dropped, 16-bit grey values
    become bytes, and photographs are turned as their camera says.

    Args:
        folder: where the images are.
        resize: (height, width) to resize every image to (Lanczos); None wants them all of one size.

    Raises:
        ValueError: when there are no images, one cannot be read, or sizes are mixed and no `resize` is given (the sizes
            are counted).
    """

    def __init__(self, folder: str | Path, resize: tuple[int, int] | None = None) -> None:
        self.name, self.resize = str(folder), resize
        self.files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        if not self.files:
            raise ValueError(f"no images in {folder}; known formats: {', '.join(sorted(IMAGE_SUFFIXES))}")
        good = resize is None or (isinstance(resize, (tuple, list)) and len(resize) == 2 and min(resize) >= 1)
        if not good:
            raise ValueError(f"resize must be (height, width), both above 0; got {resize!r}")
        headers = _in_threads(_header, self.files)
        size = (int(resize[0]), int(resize[1])) if resize else self._common(Counter(size for size, _ in headers))
        coloured = any(colour for _, colour in headers)
        self.shape, self.dtype = (len(self.files), *size, *((3,) if coloured else ())), np.dtype(np.uint8)

    def _common(self, sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
        """Returns the size that all images have."""
        (height, width), _ = sizes.most_common(1)[0]
        if len(sizes) > 1:
            listing = ", ".join(f"{h}x{w} ({count})" for (h, w), count in sizes.most_common(5))
            raise ValueError(
                f"the {len(self.files)} images in {self.name} have {len(sizes)} different sizes (height x width): "
                f"{listing}. Resize them all: resize=({height}, {width}) in read_images and open_rows, --resize "
                f"{height}x{width} on the command line"
            )
        return height, width

    def edges(self) -> NDArray[np.int64]:
        return np.arange(len(self) + 1, dtype=np.int64)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return self.gather(np.array([[start, stop]]))

    def gather(self, ranges: NDArray[np.int64]) -> NDArray[Any]:
        files = [file for start, stop in ranges.tolist() for file in self.files[start:stop]]
        out = np.empty((len(files), *self.shape[1:]), np.uint8)

        def decode(index: int) -> None:
            out[index] = self._pixels(files[index])

        _in_threads(decode, range(len(files)))
        return out

    def _pixels(self, file: Path) -> NDArray[np.uint8]:
        if not file.exists():
            raise StoredRowsChanged(f"{file} is gone since the folder was opened")
        image = _read_image(file, self.resize)
        image = image if image.ndim == len(self.shape) - 1 else np.repeat(image[..., None], 3, axis=2)
        if image.shape != self.shape[1:]:
            raise ValueError(f"cannot read the image {file}: it has shape {image.shape}, not {self.shape[1:]} as its "
                             "header said when the folder was opened")  # fmt: skip
        return image


def read_images(folder: str | Path, *, resize: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Returns all images of a folder as an array; see `ImageRows`.

    Args:
        folder: where the images are.
        resize: (height, width) to resize every image to.
    """
    rows = ImageRows(folder, resize)
    return rows.read(0, len(rows))


def read_each(path: str | Path) -> dict[Path, NDArray[np.uint8]]:
    """Returns images of any sizes, (height, width) or (height, width, 3) bytes, by their files in the order of names.

    They become bytes as in `ImageRows`: all are RGB as soon as one is coloured.

    Args:
        path: one image, or a folder of images.

    Raises:
        ValueError: when there are no images, or one cannot be read.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise ValueError(f"no images in {path}; known formats: {', '.join(sorted(IMAGE_SUFFIXES))}")
    images = _in_threads(lambda file: _read_image(file, None), files)
    if len({image.ndim for image in images}) > 1:
        images = [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in images]
    return dict(zip(files, images, strict=True))


def _in_threads(function: Callable[[Any], T], items: Any) -> list[T]:
    """Returns the function's values; of several errors, that of the first item is raised."""
    if len(items) == 1:
        return [function(items[0])]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, items))


def _header(file: Path) -> tuple[tuple[int, int], bool]:
    """Returns an image's (height, width), once it is upright, and whether it is coloured; pixels are not decoded."""
    from PIL import Image

    with _problems_of(file), Image.open(file) as image:
        if image.mode == "F":
            raise ValueError("its values are floats without a known range; save the images as an array (.npy)")
        told = image.format != "PNG" or "exif" in image.info  # elsewhere in a PNG, only decoding would find it
        turned = told and image.getexif().get(ORIENTATION) in ON_ITS_SIDE
        size = image.size if turned else image.size[::-1]
        return size, not (image.mode in ("1", "L", "LA") or image.mode.startswith("I"))


def _read_image(file: Path, resize: tuple[int, int] | None) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    with _problems_of(file), Image.open(file) as opened:
        image = _to_bytes(ImageOps.exif_transpose(opened))
        if resize is not None:
            image = image.resize((resize[1], resize[0]), Image.Resampling.LANCZOS)
        return np.asarray(image)


class _problems_of:
    """Names the file in what Pillow raises inside the block."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (OSError, SyntaxError, ValueError)):  # SyntaxError: a broken PNG
            raise ValueError(f"cannot read the image {self.file}: {error}") from error


def _to_bytes(image: Any) -> Any:
    """Returns a Pillow image as grey or RGB bytes."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would cut them off at 255
        values = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.rint(values / 257).clip(0, 255).astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
