"""1,000 pictures of clothing, 28 x 28, in one stream against formats of one big sheet of them.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/sheet.py lossless --codec lossless.latmodel
    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/codec/images/sheet.py lossy --codec lossy.latmodel
    LATENTE_DATA=... python benchmarks/codec/images/sheet.py formats

Each writes its rows of sheet.csv and leaves the others. `lossless`: LosslessImageCodec, fitted to training pictures;
beside it stand PNG and WebP of the sheet (and JPEG XL where imagecodecs is installed). `lossy`: ImageCodec, fitted to
training pictures, with the smallest quality that keeps 25 dB, and the 25.15 dB that WebP has at quality 3; beside it
stands what JPEG and WebP need for the sheet near 25 dB. Counted is the whole stream with its header; the model is not,
and is printed beside it.
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


def lossless(epochs: int | None, samples: int, saved_codec: Path) -> list[dict[str, Any]]:
    """latente's lossless rows, after fitting, or with the codec that an earlier run has saved."""
    from latente import Trainer
    from latente.codec.images.lossless.codec import LosslessImageCodec

    train, test = clothing("train")[:samples], clothing("t10k")[: ROWS * COLUMNS]
    begun = time.process_time()
    trainer = Trainer(
        epochs=epochs or 1, batch_size=64, learning_rate=5e-3, precision="float32", compile=False, threads=1,
        verbose=False,
    )  # fmt: skip
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


def lossy(epochs: int | None, samples: int, saved_codec: Path) -> list[dict[str, Any]]:
    """latente's rows near 25 dB, after fitting, or with the codec that an earlier run has saved."""
    from latente import Trainer
    from latente.codec import ImageCodec

    train, test = clothing("train")[:samples], clothing("t10k")[: ROWS * COLUMNS]
    trainer = Trainer(
        epochs=epochs or 8, batch_size=256, learning_rate=1.5e-3, weight_decay=0.0, precision="float32", compile=False,
        verbose=False,
    )  # fmt: skip
    if saved_codec.exists():
        codec = ImageCodec.load(saved_codec)
    else:
        begun = time.process_time()
        codec = ImageCodec(trainer=trainer, random_state=0).fit(train)
        print(f"fitted in {time.process_time() - begun:.0f} CPU seconds", flush=True)
        codec.save(saved_codec)
    rows = []
    for wanted in (25.0, 25.15):
        found = codec.encode_many(test, psnr=wanted)
        quality = ImageCodec.info(found).quality
        begun = time.process_time()
        data = codec.encode_many(test, quality)
        middle = time.process_time()
        decoded = codec.decode_many(data).astype(np.float64)
        decoding = time.process_time() - middle
        reached = 10 * np.log10(255**2 / np.square(decoded - test).mean())
        note = (
            f"{middle - begun:.2f} s to encode, {decoding:.2f} s to decode; model {saved_codec.stat().st_size:,} bytes"
        )
        rows.append(row(f"latente lossy, quality {quality:.4f}", f"{reached:.2f}", len(data), note))
    return rows


def row(way: str, psnr_: str, size: int, note: str = "") -> dict[str, Any]:
    return {"way": way, "psnr": psnr_, "bytes": size, "bits_per_picture": f"{size * 8 / 1000:.1f}", "note": note}


def formats() -> list[dict[str, Any]]:
    """Rows of PNG, WebP, JPEG XL and JPEG."""
    sheet = sheet_of(clothing("t10k")[: ROWS * COLUMNS])
    rows = [row(way, "lossless", size) for way, size in lossless_formats(sheet).items()]
    for kind, qualities in (("JPEG", (20, 25, 27, 30)), ("WEBP", (1, 2, 3, 5))):
        for quality in qualities:
            options = {"optimize": True} if kind == "JPEG" else {"method": 6}
            data = saved(sheet, kind, quality=quality, **options)
            rows.append(row(f"{kind} quality {quality} of the sheet", f"{psnr(sheet, data):.2f}", len(data)))
    return rows


def part_of(way: str) -> str:
    """Which of the parts makes a row."""
    return "formats" if not way.startswith("latente") else "lossy" if way.startswith("latente lossy") else "lossless"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["formats", "lossless", "lossy"])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--samples", type=int, help="training pictures; 24,000 for lossless, 58,000 for lossy")
    parser.add_argument("--codec", type=Path, help="file of the fitted codec; made where it is missing")
    options = parser.parse_args()
    if options.part != "formats" and options.codec is None:
        parser.error(f"{options.part} needs --codec")
    if options.part == "formats":
        made = formats()
    elif options.part == "lossless":
        made = lossless(options.epochs, options.samples or 24_000, options.codec)
    else:
        made = lossy(options.epochs, options.samples or 58_000, options.codec)
    with RESULTS.open(newline="") as file:
        kept = [old for old in csv.DictReader(file) if part_of(old["way"]) != options.part]
    rows = [r for part in ("formats", "lossless", "lossy") for r in (*kept, *made) if part_of(r["way"]) == part]
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for line in rows:
        print(*line.values(), sep=" | ")


if __name__ == "__main__":
    main()
