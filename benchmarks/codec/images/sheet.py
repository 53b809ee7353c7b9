"""1,000 pictures of clothing, 28 x 28, in one stream against formats of one big sheet of them.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/sheet.py --codec clothing.latmodel [--epochs 1]

Lossless: LosslessImageCodec, fitted to training pictures, beside PNG and WebP of the sheet (and JPEG XL where
imagecodecs is installed). Counted is the whole stream with its header; the model is not, and is printed beside it.
Then what JPEG and WebP need for the sheet near 25 dB. A row a way goes to sheet.csv.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RESULTS = Path(__file__).parent / "sheet.csv"
ROWS, COLUMNS = 25, 40
Pictures = NDArray[np.uint8]


def clothing(part: str) -> Pictures:
    """Returns Fashion-MNIST's pictures: `train` or `t10k`."""
    path = Path(os.environ["LATENTE_DATA"]) / f"fashion-mnist/{part}-images-idx3-ubyte.gz"
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)


def sheet_of(pictures: Pictures) -> Pictures:
    return np.ascontiguousarray(
        pictures.reshape(ROWS, COLUMNS, 28, 28).transpose(0, 2, 1, 3).reshape(28 * ROWS, 28 * COLUMNS)
    )


def saved(sheet: Pictures, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, kind, **options)
    return file.getvalue()


def psnr(sheet: Pictures, data: bytes) -> float:
    decoded = np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.float64)
    return float(10 * np.log10(255**2 / np.square(decoded - sheet).mean()))


def lossless_formats(sheet: Pictures) -> dict[str, int]:
    found = {
        "PNG of the sheet": len(saved(sheet, "PNG", optimize=True)),
        "WebP of the sheet": len(saved(sheet, "WEBP", lossless=True, method=6, quality=100)),
    }
    try:
        import imagecodecs
    except ImportError:
        return found
    return found | {"JPEG XL e7 of the sheet": len(imagecodecs.jpegxl_encode(sheet, lossless=True, effort=7))}


def ours(epochs: int, samples: int, saved_codec: Path) -> list[dict[str, Any]]:
    """latente's rows, after fitting on training pictures, or with the codec that an earlier run has saved."""
    from latente import Trainer
    from latente.codec.images.lossless.codec import LosslessImageCodec

    train, test = clothing("train")[:samples], clothing("t10k")[: ROWS * COLUMNS]
    begun = time.process_time()
    trainer = Trainer(
        epochs=epochs, batch_size=64, learning_rate=5e-3, precision="float32", compile=False, threads=1, verbose=False
    )
    if saved_codec.exists():
        codec = LosslessImageCodec.load(saved_codec)
    else:
        codec = LosslessImageCodec(trainer=trainer).fit(train)
        print(f"fitted in {time.process_time() - begun:.0f} CPU seconds", flush=True)
        codec.save(saved_codec)
    rows = []
    for embed in (False, True):
        codec.embed = embed
        begun = time.process_time()
        data = codec.encode_many(test)
        middle = time.process_time()
        if not np.array_equal(codec.decode_many(data), test):
            raise SystemExit("pictures changed")
        decoding = time.process_time() - middle
        times = f"{middle - begun:.2f} s to encode, {decoding:.2f} s to decode"
        rows.append(row("latente, model in the stream" if embed else "latente, fitted", "lossless", len(data), times))
    return rows


def row(way: str, psnr_: str, size: int, note: str = "") -> dict[str, Any]:
    return {"way": way, "psnr": psnr_, "bytes": size, "bits_per_picture": f"{size * 8 / 1000:.1f}", "note": note}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--samples", type=int, default=24_000)
    parser.add_argument("--codec", type=Path, required=True, help="file of the fitted codec; made where it is missing")
    parser.add_argument("--formats-only", action="store_true", help="leave latente's rows as they are")
    options = parser.parse_args()
    sheet = sheet_of(clothing("t10k")[: ROWS * COLUMNS])
    rows = [row(way, "lossless", size) for way, size in lossless_formats(sheet).items()]
    for kind, qualities in (("JPEG", (20, 25, 27, 30)), ("WEBP", (1, 2, 3, 5))):
        for quality in qualities:
            options_ = {"optimize": True} if kind == "JPEG" else {"method": 6}
            data = saved(sheet, kind, quality=quality, **options_)
            rows.append(row(f"{kind} quality {quality} of the sheet", f"{psnr(sheet, data):.2f}", len(data)))
    if options.formats_only:
        with RESULTS.open(newline="") as file:
            rows += [old for old in csv.DictReader(file) if old["way"].startswith("latente")]
    else:
        rows += ours(options.epochs, options.samples, options.codec)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for line in rows:
        print(*line.values(), sep=" | ")


if __name__ == "__main__":
    main()
