"""Files and folders as arrays."""

from __future__ import annotations

__all__ = ["IMAGE_SUFFIXES", "read", "read_images"]

from collections import Counter
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
TABLE_SUFFIXES = {".csv", ".tsv", ".parquet"}


def read(path: str | Path, *, resize: tuple[int, int] | None = None) -> Any:
    """Returns what a path holds: an array (.npy memory-mapped, .npz, image folder) or a frame (.csv, .tsv, .parquet).

    An .npz with several arrays gives the one called X or x. The first line of a .csv or .tsv holds the columns' names;
    a line of numbers in that place is a row (unless it counts the columns, 0, 1, 2, ..., as pandas writes it).

    Args:
        path: a file or a folder of images.
        resize: (height, width) to which images are resized.

    Raises:
        FileNotFoundError: when nothing is there.
        ValueError: for a format that is not known, or a file that is damaged.
        ImportError: naming the extra to install, when a format needs one.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    if path.is_dir():
        return read_images(path, resize=resize)
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        return _read_numpy(path)
    if suffix in TABLE_SUFFIXES:
        return _read_table(path)
    if suffix in IMAGE_SUFFIXES:
        raise ValueError(f"{path} is a single image; give a folder of images to learn from")
    known = ", ".join([".npy", ".npz", *sorted(TABLE_SUFFIXES)])
    raise ValueError(
        f"cannot read {path}: unknown format {suffix or '(no extension)'!r}; known: {known}, image folders"
    )


def _read_numpy(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as loaded:
            names = list(loaded.files)
            name = next((n for n in ("X", "x") if n in names), names[0] if len(names) == 1 else None)
            if name is not None:
                return loaded[name]
    except (ValueError, EOFError, OSError, TypeError, AttributeError, BadZipFile) as error:  # not what the name says
        raise ValueError(f"cannot read {path}: {error}") from error
    raise ValueError(f"{path} holds the arrays {', '.join(names) or '(none)'}; keep one, or call it X")


def _read_table(path: Path) -> Any:
    """Reads with polars or, where that is missing, pandas."""
    try:
        import polars as pl
    except ImportError:
        return _read_with_pandas(path)
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        separator = _separator(path)
        return pl.read_csv(path, separator=separator, has_header=_has_header(path, separator), infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error


def _read_with_pandas(path: Path) -> Any:
    try:
        import pandas as pd

        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
    except ImportError as error:
        raise ImportError("reading tables from files needs: pip install 'latente[data]'") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    try:
        separator = _separator(path)
        return pd.read_csv(path, sep=separator, header=0 if _has_header(path, separator) else None)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error


def _separator(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _has_header(path: Path, separator: str) -> bool:
    """Returns whether the first line names the columns; numbers do not, unless they count them."""
    with open(path, encoding="utf-8-sig") as file:
        names = file.readline().rstrip("\r\n").split(separator)
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return True
    return len(names) > 1 and numbers == list(range(len(names)))


def read_images(folder: str | Path, *, resize: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Returns the images of a folder and its subfolders, in the order of their names: (n, height, width[, channels]).

    Grey images stay grey; as soon as one is coloured, all become RGB. Transparency is dropped, 16-bit grey values
    become bytes, and photographs are turned as their camera says.

    Args:
        folder: where the images are.
        resize: (height, width) to resize every image to (Lanczos); None wants them all of one size.

    Raises:
        ValueError: when there are no images, one cannot be read, or sizes are mixed and no `resize` is given (the sizes
            are counted).
    """
    files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not files:
        raise ValueError(f"no images in {folder}; known formats: {', '.join(sorted(IMAGE_SUFFIXES))}")
    good = resize is None or (isinstance(resize, (tuple, list)) and len(resize) == 2 and min(resize) >= 1)
    if not good:
        raise ValueError(f"resize must be (height, width), both above 0; got {resize!r}")
    images = [_read_image(file, resize) for file in files]
    if any(image.ndim == 3 for image in images):
        images = [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in images]
    sizes = Counter(image.shape[:2] for image in images)
    if len(sizes) > 1:
        listing = ", ".join(f"{h}x{w} ({count})" for (h, w), count in sizes.most_common(5))
        (height, width), _ = sizes.most_common(1)[0]
        raise ValueError(
            f"the {len(images)} images in {folder} have {len(sizes)} different sizes (height x width): {listing}. "
            f"Resize them all: resize=({height}, {width}) in read_images, --resize {height}x{width} on the command line"
        )
    return np.stack(images)


def _read_image(file: Path, resize: tuple[int, int] | None) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            image = _to_bytes(ImageOps.exif_transpose(opened))
            if resize is not None:
                image = image.resize((resize[1], resize[0]), Image.Resampling.LANCZOS)
            return np.asarray(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:  # SyntaxError: a broken PNG
        raise ValueError(f"cannot read the image {file}: {error}") from error


def _to_bytes(image: Any) -> Any:
    """Returns a Pillow image as grey or RGB bytes."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its values are floats without a known range; save the images as an array (.npy)")
    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would cut them off at 255
        values = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.rint(values / 257).clip(0, 255).astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
