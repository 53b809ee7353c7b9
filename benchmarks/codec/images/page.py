"""Writes docs/benchmarks-codec-images.md and its figure from results.csv.

python benchmarks/codec/images/page.py
"""

from __future__ import annotations

import csv
import json
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from protocol import read
from scipy.interpolate import PchipInterpolator

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks-codec-images.md"
FIGURE, TRAINING = "benchmarks-codec-images.svg", "benchmarks-codec-images-training.svg"
LOG = Path(__file__).parent / "training-photos-1.jsonl"
RATES = (0.25, 0.5, 1.0)  # bits a pixel
BEFORE = "JPEG 4:2:0"  # what BD-rates are against
PUBLISHED = {
    "factorised prior (Balle et al., 2017)": (29.15, 31.83, 35.58),
    "scale hyperprior (Balle et al., 2018)": (29.95, 33.06, 37.14),
    "ELIC (He et al., 2022)": (31.65, 34.68, None),
    "VVC (VTM)": (31.27, 34.37, 38.24),
}
FIGURES = ("wall_s", "cpu_s", "peak_mb", "imports_mb")
Curve = dict[str, np.ndarray]


def curves() -> dict[str, dict[str, Curve]]:
    """For each codec and photograph: bpp, mse, ms_ssim by ascending bpp."""
    rows = sorted(read(), key=lambda row: (row["codec"], row["photo"], float(row["bpp"])))
    found: dict[str, dict[str, Curve]] = {}
    for (codec, photo), group in groupby(rows, key=lambda row: (row["codec"], row["photo"])):
        several = list(group)
        found.setdefault(codec, {})[photo] = {
            field: np.array([float(row[field]) for row in several]) for field in ("bpp", "psnr", "ms_ssim")
        }
    return found


def mean_at(photos: dict[str, Curve], field: str, rate: float) -> float:
    """The mean curve (means over the photographs at each setting) at a rate, linear in its logarithm; NaN outside."""
    bpp, values = (np.mean([curve[name] for curve in photos.values()], axis=0) for name in ("bpp", field))
    return float(np.interp(np.log(rate), np.log(bpp), values, left=np.nan, right=np.nan))


def bd_rate(photos: dict[str, Curve], before: dict[str, Curve], field: str = "psnr") -> float:
    """Bjontegaard's mean difference of rates at equal quality in %, of each photograph, averaged."""
    differences = []
    for name, curve in photos.items():
        other = before[name]
        low = max(curve[field].min(), other[field].min())
        high = min(curve[field].max(), other[field].max())
        grid = np.linspace(low, high, 200)
        a, b = (PchipInterpolator(*increasing(c[field], np.log(c["bpp"])))(grid) for c in (curve, other))
        differences.append(np.exp((a - b).mean()) - 1)
    return 100 * float(np.mean(differences))


def increasing(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leaves out points whose x is not above all before it."""
    keep = np.concatenate([[True], x[1:] > np.maximum.accumulate(x)[:-1]])
    return x[keep], y[keep]


def times(codec: str) -> tuple[str, str]:
    """Median CPU seconds of encoding and decoding."""
    rows = [row for row in read() if row["codec"] == codec]
    return tuple(f"{np.median([float(row[field]) for row in rows]):.2f}" for field in ("encode_s", "decode_s"))  # type: ignore[return-value]


def table(found: dict[str, dict[str, Curve]]) -> list[str]:
    lines = [
        "| codec | PSNR at 0.25 | 0.5 | 1.0 bpp | MS-SSIM at 0.25 | 0.5 | 1.0 | BD-rate | s there | s back |",
        "|---|" + "---:|" * 9,
    ]
    for codec, photos in sorted(found.items(), key=lambda item: mean_at(item[1], "psnr", 0.5)):
        cells = [codec]
        for field, form in (("psnr", ".2f"), ("ms_ssim", ".3f")):
            cells += [f"{mean_at(photos, field, rate):{form}}" for rate in RATES]
        cells += [f"{bd_rate(photos, found[BEFORE]):+.1f}%", *times(codec)]
        lines.append("| " + " | ".join(cells) + " |")
    for name, values in PUBLISHED.items():
        cells = [f"*{name}, published*"] + ["" if value is None else f"{value:.2f}" for value in values]
        lines.append("| " + " | ".join(cells + [""] * 6) + " |")
    return lines


def draw(found: dict[str, dict[str, Curve]]) -> None:
    """Mean PSNR over rate."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "latente"
    figure, axis = plt.subplots(figsize=(7, 4.5))
    rates = np.geomspace(0.12, 2.0, 40)
    for codec, photos in found.items():
        axis.plot(
            rates,
            [mean_at(photos, "psnr", rate) for rate in rates],
            label=codec,
            linewidth=2.5 if codec == "latente" else 1.2,
        )
    axis.set_xscale("log")
    axis.set_xticks([0.125, 0.25, 0.5, 1, 2], ["0.125", "0.25", "0.5", "1", "2"])
    axis.minorticks_off()
    axis.set_xlabel("bits a pixel")
    axis.set_ylabel("PSNR (dB), mean of Kodak's 24")
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(PAGE.parent / FIGURE, metadata={"Date": None})


def draw_training() -> None:
    """Loss on held-out photographs over CPU time, at each quality."""
    import matplotlib.pyplot as plt

    lines = [json.loads(line) for line in LOG.read_text().splitlines()]
    figure, axis = plt.subplots(figsize=(7, 3.5))
    for k, row in enumerate(lines[0]["held_out"]):
        losses = [line["held_out"][k]["loss"] for line in lines]
        label = f"quality {row['quality']:g}"
        axis.plot([line["cpu"] / 60 for line in lines], [x / losses[-1] for x in losses], marker="o", ms=3, label=label)
    axis.set_xlabel("CPU minutes of one thread")
    axis.set_ylabel("loss over the last one")
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(PAGE.parent / TRAINING, metadata={"Date": None})


def large() -> list[str]:
    """What a picture of 52 megapixels takes."""
    with (Path(__file__).parent / "large.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["| what | | bytes | wall s | CPU s | peak MB | of it imports |", "|---|---|" + "---:|" * 5]
    for row in rows:
        cells = [row["what"], row["way"], f"{int(row['bytes']):,}", *(row[f] for f in FIGURES)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    found = curves()
    draw(found)
    draw_training()
    ours, structure = (bd_rate(found["latente"], found["AVIF 4:2:0"], field) for field in ("psnr", "ms_ssim"))
    versions = sorted({row["version"] for row in read()})
    text: list[Any] = [
        "# Image compression on Kodak",
        "",
        "The 24 photographs of Kodak's suite (768 x 512), which no model was trained on; two choices of the encoder",
        "(tables that are counted, the weight of a symbol's cost in rounding) were tried on three of them (5, 13, 20)",
        "beside training photographs. PSNR over all values of all three channels after rounding to 8 bits; MS-SSIM of",
        "each channel, averaged. Both are means over the photographs at each setting of a codec, interpolated to",
        "equal mean bits a pixel. Everything in a stream counts. BD-rate: bytes at equal PSNR against JPEG, mean over",
        "the range that both cover and over the photographs (negative is smaller). Seconds: CPU time of one thread on",
        "a shared two-core machine, median over all settings.",
        "",
        *table(found),
        "",
        f"![PSNR over rate]({FIGURE})",
        "",
        "Each codec's BD-rate is over its own range beside JPEG's. Directly against AVIF, over the range of both,",
        f"latente needs {ours:+.0f}% of the bytes at equal PSNR and {structure:+.0f}% at equal MS-SSIM: it was trained",
        "for the squared error, and in MS-SSIM it stands where JPEG XL and WebP do, well behind AVIF.",
        "",
        "## Training",
        "",
        "9 epochs of 15,997 crops (128 x 128) of 44 photographs, eight in a step, bfloat16, each at a random quality:",
        "79 CPU minutes of one thread. The loss, bits a pixel + lambda * squared error, is that of three photographs",
        "that were held out; learning rate 2e-3, from cosine to 0.",
        "",
        f"![Training]({TRAINING})",
        "",
        "## Large pictures",
        "",
        "A picture of 8448 x 6144 pixels (52 megapixels, 156 MB of 8-bit values), put together from Kodak's, each row",
        "measured once in a process of its own; one thread of a two-core machine that was busy with other work, so",
        "wall seconds are long. `file` rows are `compress_file`, which decodes once to check, and `decompress_file`,",
        "both with reading or writing PNG. The peak is that of the process, with all that was imported.",
        "",
        *large(),
        "",
        f"Versions: {'; '.join(versions)}; Pillow for JPEG (optimised), WebP (method 6) and",
        "JPEG 2000 (irreversible, with the colour transform), imagecodecs for JPEG XL (effort 7) and AVIF (speed 6).",
        "Made by `benchmarks/codec/images/`: `peers.py`, `kodak.py`, `page.py`; how the model was trained is told in",
        "the README there.",
        "",
    ]
    PAGE.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
