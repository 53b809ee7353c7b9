"""Where the Denoiser gains: every recording of the Numenta Anomaly Benchmark with white noise at 10 dB.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/survey.py

The protocol of signals.py: trained on the first 70% with default settings, measured on the last 25%, one seed, filters
with the parameters that are best for the clean test signal. One thing differs, since some recordings change their
level by a factor of ten: the standard deviation of the noise, that of the clean test part / sqrt(10), is told to the
Denoiser and to the Wiener filters. Series take part that have at least 1,000 samples and change in both parts.

Kinds are decided by the clean training part alone. The rule was written, and its outcome seen, before any gain was,
except that of nyc_taxi, which is in signals.py:

- "ECG-like", a strong period with peaks: the autocorrelation r (without bias, lags up to a third of the part) has a
  maximum of at least 0.5 beyond its first zero crossing, and the excess kurtosis is at least 1.
- "vibration-like", an oscillation: at least half of the power is within half an octave on both sides of the highest
  peak of Welch's spectrum (segments of 1,024 samples, or a quarter of a shorter part; the mean is taken away), that
  peak is not at one of the two lowest frequencies, and the excess kurtosis is below 1.
- "other".

Rows go to survey.csv as they arrive; those that are there are not made again.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from protocol import root, snr, with_snr
from results import write
from scipy.signal import welch
from scipy.stats import kurtosis
from signals import LEVEL, best, filters, learned, oracle, parts

SURVEY = Path(__file__).parent / "survey.csv"
FIELDS = (
    "series", "kind", "samples", "autocorrelation", "lag", "kurtosis", "period", "band", "noisy", "wiener", "savgol",
    "oracle", "latente", "gain", "over_oracle", "train_seconds", "setting",
)  # fmt: skip
FEWEST, SEGMENT = 1_000, 1_024
PERIODIC, PEAKY, WITHIN = 0.5, 1.0, 0.5
Values = NDArray[np.float64]


def series() -> dict[str, Values]:
    """The values (n,) of every recording that takes part, by folder and name."""
    folder, found = root() / "series" / "data", {}
    for path in sorted(folder.glob("*/*.csv")):
        with path.open(newline="") as file:
            values = np.array([float(row["value"]) for row in csv.DictReader(file)])
        halves = values[: int(0.7 * len(values))], values[int(0.75 * len(values)) :]
        if len(values) >= FEWEST and all(np.ptp(half) > 0 for half in halves):
            found[f"{path.parent.name}/{path.stem}"] = values
    return found


def autocorrelation(x: Values) -> tuple[float, int]:
    """Returns the highest autocorrelation beyond the first zero crossing, and its lag; 0 where it never crosses."""
    x, lags = x - x.mean(), len(x) // 3
    sums = np.fft.irfft(np.abs(np.fft.rfft(x, 2 * len(x))) ** 2)[:lags]
    r = sums / (len(x) - np.arange(lags))
    crossed = np.flatnonzero(r < 0)
    if not len(crossed):
        return 0.0, 0
    lag = int(crossed[0] + np.argmax(r[crossed[0] :]))
    return float(r[lag] / r[0]), lag


def spectrum(x: Values) -> tuple[int, float, float]:
    """Returns the place of the highest peak, its period in samples and the share of power within half an octave."""
    frequencies, power = welch(x, nperseg=min(SEGMENT, len(x) // 4))
    power[0] = 0.0
    top = int(np.argmax(power))
    f = frequencies[top]
    near = (frequencies >= f / 2**0.5) & (frequencies <= f * 2**0.5)
    return top, float(1 / f), float(power[near].sum() / power.sum())


def described(train: Values) -> dict[str, Any]:
    """The kind of a signal (n,) and what decides it."""
    (r, lag), (top, period, band) = autocorrelation(train), spectrum(train)
    peaks = float(kurtosis(train))
    kind = "other"
    if r >= PERIODIC and peaks >= PEAKY:
        kind = "ECG-like"
    elif band >= WITHIN and top > 1 and peaks < PEAKY:
        kind = "vibration-like"
    numbers = {"autocorrelation": r, "lag": lag, "kurtosis": peaks, "period": period, "band": band}
    return {"kind": kind} | numbers


def study(name: str, values: Values, seed: int) -> dict[str, Any]:
    """The row of one recording."""
    train, test = parts(values[:, None])
    noisy = with_snr(test, LEVEL, np.random.default_rng(seed + 1))
    sigma = float(test.std()) * 10 ** (-LEVEL / 20)
    row: dict[str, Any] = {"series": name, **described(train[:, 0]), "samples": len(values), "noisy": snr(test, noisy)}
    row |= {method: snr(test, best(test, noisy, settings)[0]) for method, settings in filters(sigma).items()}
    row["oracle"] = snr(test, oracle(test, noisy))
    restored, row["train_seconds"], row["setting"] = learned(train[None], noisy[None], seed, sigma)
    row["latente"] = snr(test, restored[0])
    row["gain"] = row["latente"] - max(row["wiener"], row["savgol"])
    row["over_oracle"] = row["latente"] - row["oracle"]
    return {key: f"{value:.5g}" if isinstance(value, float) else str(value) for key, value in row.items()}


def read() -> list[dict[str, str]]:
    """The lines of survey.csv."""
    if not SURVEY.exists():
        return []
    with SURVEY.open(newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the name, or a kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, values in series().items():
        rows = read()
        kind = described(parts(values[:, None])[0][:, 0])["kind"]
        if options.only not in f"{name} {kind}" or any(row["series"] == name for row in rows):
            continue
        rows.append(study(name, values, options.seed))
        print(rows[-1], flush=True)
        write(SURVEY, FIELDS, sorted(rows, key=lambda row: (row["kind"], row["series"])))


if __name__ == "__main__":
    main()
