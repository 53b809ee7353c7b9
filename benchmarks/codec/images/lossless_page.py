"""Writes docs/benchmarks-codec-images-lossless.md from lossless.csv and sheet.csv.

python benchmarks/codec/images/lossless_page.py
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "benchmarks-codec-images-lossless.md"
NAMES = {"PNG": "PNG (optimised)", "WebP": "WebP lossless, method 6", "JPEG XL e7": "JPEG XL, effort 7"}
OURS = "latente"
Row = dict[str, Any]


def read(name: str) -> list[Row]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def against(ours: float, other: float) -> str:
    """How much smaller or larger ours is, in words."""
    share = 100 * (ours / other - 1)
    return f"{abs(share):.0f}% {'smaller' if share < 0 else 'larger'} than"


def kodak(rows: list[Row]) -> tuple[list[str], dict[str, float]]:
    """The table of means, and bits a pixel by codec."""
    found: dict[str, dict[str, float]] = {}
    for codec in dict.fromkeys(row["codec"] for row in rows):
        mine = [row for row in rows if row["codec"] == codec]
        if len(mine) != 24:
            raise SystemExit(f"{codec} has {len(mine)} of Kodak's 24 photographs; run lossless.py")
        found[codec] = {f: float(np.mean([float(row[f]) for row in mine])) for f in ("bpp", "encode_s", "decode_s")}
    order = sorted(found, key=lambda codec: -found[codec]["bpp"])
    lines = [
        [NAMES.get(codec, codec), *(f"{found[codec][f]:.2f}" for f in ("bpp", "encode_s", "decode_s"))]
        for codec in order
    ]
    return table(["codec", "bits a pixel", "encode, s", "decode, s"], lines), {c: found[c]["bpp"] for c in found}


def clothing(rows: list[Row]) -> tuple[list[str], dict[str, int]]:
    """The table of what is without a loss, and bytes by way."""
    exact = [row for row in rows if row["psnr"] == "lossless"]
    names = {"latente, fitted": "latente, fitted; one header, the model not counted"}
    lines = [
        [
            names.get(row["way"], row["way"]),
            f"{int(row['bytes']):,}",
            f"{float(row['bits_per_picture']):,.0f}",
            row["note"],
        ]
        for row in exact
    ]
    return table(["way", "bytes", "bits a picture", ""], lines), {row["way"]: int(row["bytes"]) for row in exact}


def model_of(sheet: Sequence[Row]) -> str:
    """The size of the model of pictures with loss."""
    return next(row["note"].split("model ")[1] for row in sheet if row["way"].startswith("latente lossy"))


def fewer(sheet: Sequence[Row]) -> str:
    """How many times fewer bytes than WebP at its quality near 25 dB, for at least its PSNR."""
    webp = next(row for row in sheet if row["way"].startswith("WEBP") and float(row["psnr"]) > 25)
    ours = [row for row in sheet if row["way"].startswith("latente lossy") and row["psnr"] >= webp["psnr"]]
    least = min(int(row["bytes"]) for row in ours)
    return f"{int(webp['bytes']) / least:.2f} times fewer bytes than WebP at {webp['psnr']} dB"


def main() -> None:
    rows, sheet = read("lossless.csv"), read("sheet.csv")
    photos, bits = kodak(rows)
    pictures, sizes = clothing(sheet)
    ours = sizes["latente, fitted"]
    model = sizes["latente, model in the stream"] - ours
    seconds = np.mean([float(row["decode_s"]) for row in rows if row["codec"] == OURS])
    versions = sorted({row["version"] for row in rows})
    words = [f"{against(bits[OURS], bits[codec])} {codec.removesuffix(' e7')}" for codec in bits if codec != OURS]
    others = [
        f"{against(ours, size)} {way.removesuffix(' of the sheet').removesuffix(' e7')}"
        for way, size in sizes.items()
        if "sheet" in way
    ]
    lossy = [
        f"{row['way'].split(' ')[0]} needs {int(row['bytes']):,} bytes ({row['psnr']} dB)"
        for row in sheet
        if row["psnr"] != "lossless" and 24.99 <= float(row["psnr"]) < 25.4
    ]
    text = [
        "# Pictures without loss: latente beside PNG, WebP and JPEG XL",
        "",
        "Made by `benchmarks/codec/images/`: `lossless.py`, `sheet.py`, `lossless_page.py`. Everything in a stream is",
        "counted: container, header and checksums. CPU seconds of one thread on a shared two-core machine.",
        "",
        "## Kodak, 24 photographs",
        "",
        "`LosslessImageCodec` with nothing learned before: linear predictions are fitted to each photograph, their",
        "weights (about 600 bytes) are part of the stream. All streams are decoded and compared. Means over the",
        "photographs; encoding with latente includes decoding once, as a check.",
        "",
        *photos,
        "",
        f"latente is {', '.join(words[:-1])} and {words[-1]}; it decodes {0.393216 / seconds:.1f} megapixels a second.",
        f"Versions: {'; '.join(versions)}.",
        "",
        "## 1,000 pictures of clothing, 28 x 28, in one stream",
        "",
        "Fashion-MNIST's first 1,000 test pictures; the codec was fitted to the first 24,000 training pictures.",
        "PNG, WebP and JPEG XL code one sheet of 25 x 40 pictures.",
        "",
        *pictures,
        "",
        f"The fitted codec is {', '.join(others[:-1])} and {others[-1]}. Its model takes {model:,} bytes: with it in",
        "the stream, 1,000 pictures are larger than all of these.",
        "",
        f"The same sheet with loss, near 25 dB: {', '.join(lossy)}.",
        f"That is {fewer(sheet)}. This codec was fitted to the first 58,000 training pictures; what was chosen was",
        "chosen on the last 2,000.",
        f"The model of latente is not counted: {model_of(sheet)}. With it, its streams are larger than all others.",
        "",
    ]
    PAGE.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
