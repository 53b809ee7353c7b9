"""Writes docs/benchmarks-denoising.md from results.csv and anchors.csv.

python benchmarks/denoising/page.py
"""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import median

from page_choices import choices, estimates
from protocol import LEVELS, NOISES, SETS
from results import read
from tabled import table, text

HERE = Path(__file__).parent
SURVEY = HERE / "survey.csv"
PAGE = HERE.parents[1] / "docs" / "benchmarks-denoising.md"
CLASSICAL = ("noisy", "median", "tv", "nlm", "bm3d", "linear")
NEAR = 0.3  # dB, what blindness may cost
GOAL = {"gaussian:0.1": 1.0}  # dB above the best baseline; 2 otherwise
Row = dict[str, str]


class Found:
    """The rows of one study, by data, noise and method; of several seeds the first one."""

    def __init__(self, study: str) -> None:
        self.rows: dict[tuple[str, str, str], Row] = {}
        for row in read():
            if row["study"] == study:
                self.rows.setdefault((row["data"], row["noise"], row["method"]), row)

    def figure(self, data: str, noise: str, method: str, name: str) -> float | None:
        text = self.rows.get((data, noise, method), {}).get(name, "")
        return float(text) if text else None

    def shown(self, data: str, noise: str, method: str) -> str:
        """How often which number of images was shown, "2 x 60000", and the precision unless that is bfloat16."""
        setting = self.rows.get((data, noise, method), {}).get("setting", "")
        return setting.partition(" images")[0] + (", float32" if setting.endswith(" float32") else "")


def quoted() -> dict[tuple[str, str, str], float]:
    with (HERE / "anchors.csv").open(newline="") as file:
        return {(row["data"], row["noise"], row["method"]): float(row["psnr"]) for row in csv.DictReader(file)}


def images(found: Found) -> list[str]:
    """PSNR and SSIM of the first 100 test images: the baselines, the specialist, the blind one."""
    other, psnr_rows, ssim_rows = quoted(), [], []
    for data in SETS:
        for noise in NOISES:
            base = {m: found.figure(data, noise, m, "psnr") or other.get((data, noise, m)) for m in CLASSICAL}
            ours = [found.figure(data, noise, m, "psnr") for m in ("specialist", "blind")]
            best = max((value for value in base.values() if value is not None), default=None)
            gain = None if ours[0] is None or best is None else ours[0] - best
            goal = GOAL.get(noise, 2.0)
            gain_text = "" if gain is None else f"{gain:+.2f}{'' if gain >= goal else f' (goal {goal:g})'}"
            psnr_rows.append([data, noise, *map(text, base.values()), *map(text, ours), gain_text])
            methods = (*(m for m in CLASSICAL if m != "bm3d"), "specialist", "blind")
            ssim_rows.append([data, noise, *(text(found.figure(data, noise, m, "ssim"), 3) for m in methods)])
    head = ["data", "noise", "noisy", "median", "TV", "NLM", "BM3D", "linear"]
    return [
        "PSNR in dB:",
        "",
        *table([*head, "Denoiser", "Denoiser, blind", "Denoiser above the best of the others"], psnr_rows),
        "SSIM:",
        "",
        *table([*(name for name in head if name != "BM3D"), "Denoiser", "Denoiser, blind"], ssim_rows),
    ]


def all_images(found: Found) -> list[str]:
    """PSNR of all 10,000 test images, and what blindness costs."""
    rows = []
    for data in SETS:
        for noise in NOISES:
            linear, own, blind = (
                found.figure(data, noise, method, "psnr_all") for method in ("linear", "specialist", "blind")
            )
            cost = None if own is None or blind is None else own - blind
            seconds = found.figure(data, noise, "specialist", "train_seconds")
            shown = [found.shown(data, noise, method) for method in ("specialist", "blind")]
            rows.append([data, noise, text(linear), text(own), text(blind), text(cost), text(seconds, 0), *shown])
    head = ["data", "noise", "linear", "Denoiser", "Denoiser, blind", "what blindness costs", "CPU s of training"]
    head += ["it saw", "the blind one saw"]
    return [*table(head, rows), *behind(rows)]


def behind(rows: list[list[str]]) -> list[str]:
    """Where a blind network is further from the specialists than the goal, in words; rows of `all_images`."""
    full = [row for row in rows if row[5] and not row[7].startswith("1 x 30000")]
    costs = {" ".join(row[:2]): float(row[5]) for row in full}
    missed = [f"{name} (missed by {cost - NEAR:.2f})" for name, cost in costs.items() if cost > NEAR]
    dearest = max(costs, key=costs.__getitem__)
    lines = [
        f"The goal was a blind network within {NEAR} dB of the specialists: {', '.join(missed) or 'met'}, on the",
        f"{len(full)} of {len(rows)} noises whose specialist had its whole training, one seed. Blindness costs most on",
        f"{dearest}, {costs[dearest]:.2f} dB. Blind networks saw three times as many images as a specialist, since",
        "they take the place of several; where they are ahead, the specialist would have gained from more. So this is",
        "what a user loses with the defaults, not what it costs not to know the level.",
    ]
    if len(full) < len(rows):
        lines.append("Where specialists saw 1 x 30000 images it is no test: that is a quarter of their usual training.")
    return [*lines, ""]


def simple(study: str, columns: dict[str, tuple[str, int]]) -> list[str]:
    """Rows of a study as they are; columns: heading -> (field, digits)."""
    lines = []
    for row in read():
        if row["study"] == study:
            cells = [
                text(float(row[field]), digits) if digits >= 0 and row[field] else row[field]
                for field, digits in columns.values()
            ]
            lines.append(cells)
    return table(list(columns), lines)


def below() -> list[str]:
    """Which ways of Noise2Self reach the goal, in words."""
    rows = [row for row in read() if row["study"] == "without clean data" and row["method"].startswith("noise2self")]
    words = [f"{row['method']} {float(row['mse']):.4f} ({_met(float(row['mse']) <= 0.014)})" for row in rows]
    return [f"The goal was 0.014 without clean data: {'; '.join(words)}.", ""]


def distances() -> list[str]:
    """How far the Denoiser is from non-local means and from BM3D on photographs, in words."""
    psnr = {row["method"]: float(row["psnr"]) for row in read() if row["study"] == "photographs"}
    few = "specialist (BM3D's few)"
    if not {"specialist", few, "nlm", "bm3d"} <= psnr.keys():
        return []
    above, below = psnr["specialist"] - psnr["nlm"], psnr["bm3d"] - psnr[few]
    return [
        f"The Denoiser is {above:+.2f} dB from NLM on all 24 (goal: at least 0), {-below:+.2f} from BM3D on its six.",
        "",
    ]


def gains() -> list[str]:
    """What the Denoiser gains over the filters and over the oracle, in words."""
    found: dict[str, dict[str, float]] = {}
    for row in read():
        if row["study"] == "signals":
            found.setdefault(row["data"], {})[row["method"]] = float(row["snr"])
    words = []
    for data, snr in found.items():
        ours, filters = max(v for m, v in snr.items() if "latente" in m), max(snr["wiener"], snr["savgol"])
        met = _met(ours - filters >= 3)
        words.append(f"`{data}` {ours - filters:+.1f} ({met}; oracle {snr['oracle'] - filters:+.1f})")
    return [f"The goal was 3 dB above the filters: {', '.join(words)}."]


def survey() -> list[str]:
    """Where the Denoiser gains among recordings: those of a kind first, then the others."""
    if not SURVEY.exists():
        return []
    with SURVEY.open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines, words = [], []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = sorted((row for row in rows if row["kind"] == kind), key=lambda row: -float(row["gain"]))
        reached = sum(float(row["gain"]) >= 3 for row in own)
        words.append(f"{reached} of {len(own)} {kind} ({median(float(row['gain']) for row in own):+.1f})")
        for row in own:
            figures = [text(float(row[name])) for name in ("wiener", "savgol", "oracle", "latente")]
            gain, over = (f"{float(row[name]):+.1f}" for name in ("gain", "over_oracle"))
            told = [text(float(row[name]), 2) for name in ("autocorrelation", "kurtosis", "band")]
            lines.append([kind, row["series"].partition("/")[2], row["samples"], *told, *figures, gain, over])
    head = ["kind", "recording", "samples", "autocorrelation", "kurtosis", "band", "wiener", "savgol", "oracle"]
    return [
        "### Recordings of the Numenta Anomaly Benchmark",
        "",
        "`survey.py` sorts its series by rules that see the clean training part alone and were written before any gain",
        "was seen (but that of nyc_taxi): ECG-like are those with an autocorrelation of at least 0.5 beyond its first",
        "zero and an excess kurtosis of at least 1, vibration-like those with half of their power in one octave",
        "(band) and an excess kurtosis below 1. White noise at 10 dB; its deviation is known to all. SNR in dB.",
        f"{len(rows)} of 57 series have been run.",
        "",
        f"At least 3 dB above the better filter, by kind (median gain in dB): {', '.join(words)}.",
        "",
        *table([*head, "Denoiser", "gain over the better filter", "over the oracle"], lines),
    ]


def tables() -> list[str]:
    """A row for each table: the error of each method, means over the seeds."""
    rows = [row for row in read() if row["study"] == "tables"]
    methods = ("mean", "knn", "iterative", "latente")
    lines, won = [], 0
    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        figures = [_mean([float(row["rmse"]) for row in own if row["method"] == m]) for m in methods]
        known = [value for value in figures if value is not None]
        won += figures[-1] == min(known)
        cells = [text(value, 3, value == min(known)) for value in figures]
        lines.append([data, own[0]["samples"], own[0]["setting"].partition(" ")[0], *cells])
    head = ["table", "rows", "columns", "mean", "KNNImputer", "IterativeImputer", "Imputer"]
    return [*table(head, lines), f"The Imputer has the smallest error on {won} of {len(lines)} tables.", ""]


def _met(reached: bool) -> str:
    return "met" if reached else "missed"


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def opening() -> list[str]:
    """What the page is, and what its figures cannot show."""
    return [
        "# Removing noise: latente beside classical methods",
        "",
        "Made by the scripts in `benchmarks/denoising`; its README has the protocol. Seed 0, one thread of a shared",
        "two-core machine. latente's `Denoiser` and `Imputer` have their default networks. Cells that are empty have",
        "not been run.",
        "",
        "What these figures cannot show:",
        "",
        "- On MNIST and Fashion-MNIST a Denoiser as it comes sees 120,000 images, 2 x 60000 in the last columns below;",
        "  a blind one 360,000, as many as three of them, in batches of half the size, since it takes the place of",
        "  several networks. Rows of photographs and signals whose setting in results.csv has no beta2 were trained",
        "  with Adam's usual 0.999, before 0.99 became the default. Network and steps were first chosen in a dozen",
        "  trials with test images of Fashion-MNIST in sight; later candidates were compared on training images alone",
        "  (below, and in the benchmark's NOTES).",
        "- The shortest training of signals was chosen on their test segments, the Imputer's settings on 12 of the 16",
        "  tables (not on Wilt, annthyroid, optdigits, thyroid). That flatters latente.",
        "- Products are of bfloat16, but of float32 where the columns of what a network saw say so: not all machines",
        "  that these rows come from multiply bfloat16. Fashion-MNIST's specialist for 0.1 was trained with both:",
        "  28.250 and 28.247 dB on all test images.",
        "- CPU seconds are of a shared machine and vary by a factor of two.",
        "",
    ]


def digits() -> list[str]:
    """The section of MNIST and Fashion-MNIST."""
    found = Found("images")
    levels = "; ".join(f"{family} {', '.join(map(str, values))}" for family, values in LEVELS.items())
    return [
        "## MNIST and Fashion-MNIST",
        "",
        f"Noise: {levels}; Gaussian noise is clipped to [0, 1]. The first",
        "100 test images, mean over images. The parameters of median, TV and NLM are the best on 20 training images;",
        "BM3D's figures (12 images) are quoted from an earlier run of the same protocol. Linear: ridge regression from",
        "noisy to clean images. Blind: one network for a family of noise, that is not told the level.",
        "",
        *images(found),
        "All 10,000 test images, PSNR in dB:",
        "",
        *all_images(found),
        *choices(),
    ]


def without_clean() -> list[str]:
    """The section of training on noisy images alone."""
    return [
        "## Without clean data",
        "",
        "MNIST, sigma 0.4, not clipped; mean squared error over all 10,000 test images. Published for Noise2Self with",
        "100 training steps: 0.017 in one pass, 0.021 J-invariant. noise2self is trained on one noisy copy of each",
        "image, noise2noise on two; clean is the same network trained on clean images. noise2self predicts each pixel",
        "without seeing it (neighbours alone) and adds the noisy pixel, each weighted by the other's variance, with",
        "the level that `fit` estimated; with sigma known it is told the level.",
        "",
        *below(),
        *simple(
            "without clean data",
            {
                "way": ("method", -1),
                "MSE": ("mse", 4),
                "PSNR": ("psnr_all", 2),
                "CPU s of training": ("train_seconds", 0),
                "CPU s of restoring": ("use_seconds", 0),
                "setting": ("setting", -1),
            },
        ),
        *estimates(),
        "One photograph alone, as `denoise(None, photo)` restores it (`alone.py`): bytes with Gaussian noise of 25,",
        "clipped and rounded. The Gaussian filter has the best of 13 widths for each, which nobody could know.",
        "",
        *simple(
            "one photograph",
            {
                "photograph": ("data", -1),
                "method": ("method", -1),
                "PSNR": ("psnr", 2),
                "CPU s of training": ("train_seconds", 0),
                "setting": ("setting", -1),
            },
        ),
    ]


def photographs() -> list[str]:
    """The section of Kodak's photographs."""
    return [
        "## Photographs",
        "",
        "Kodak, Gaussian noise of 25/255, not clipped, all three colours; the Denoiser is trained on 24 other",
        "photographs. NLM and BM3D know the level. BM3D is slow, so it restored six photographs only: its mean cannot",
        "be compared with one over all 24.",
        "",
        *distances(),
        *simple(
            "photographs",
            {
                "method": ("method", -1),
                "photographs": ("samples", -1),
                "PSNR": ("psnr", 2),
                "CPU s of training": ("train_seconds", 0),
                "CPU s of restoring": ("use_seconds", 0),
                "setting": ("setting", -1),
            },
        ),
    ]


def signals() -> list[str]:
    """The section of signals."""
    return [
        "## Signals",
        "",
        "White noise at 10 dB; signal-to-noise ratio after restoring, in dB. `ecg`: an electrocardiogram at 360 Hz;",
        "`accelerometers`: nine channels of a walking person at 64 Hz, the nearest to a vibration among the data here;",
        "`taxi`: taxi passengers in New York every half hour. The filters' parameters are the best for the clean test",
        "signal, for each channel. The Denoiser was trained on the clean first 70% of the same recording and knows the",
        "level of the noise; filters learn nothing. The oracle is a Wiener filter that is told the clean signal's",
        "power at each time and frequency (windows of 64): no filter of its kind can pass it.",
        "",
        *gains(),
        "",
        *simple(
            "signals",
            {"signal": ("data", -1), "method": ("method", -1), "SNR": ("snr", 2), "setting": ("setting", -1)},
        ),
        *survey(),
    ]


def main() -> None:
    lines = [
        *opening(),
        *digits(),
        *without_clean(),
        *photographs(),
        *signals(),
        "## Tables",
        "",
        "20% of the cells hidden at random; root mean squared error of the hidden cells, in standard deviations.",
        "",
        *tables(),
    ]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
