"""Signals with white noise at 10 dB: latente's Denoiser, Wiener and Savitzky-Golay filters.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/signals.py --ecg ecg.dat

- `ecg`: five minutes of an electrocardiogram at 360 Hz, recording 208 of the MIT-BIH Arrhythmia Database. `ecg.dat` is
  what scipy.datasets.electrocardiogram downloads; scipy before 1.10 has it as scipy/misc/ecg.dat.
- `accelerometers`: Daphnet, a walking person's ankle, leg and trunk, nine channels at 64 Hz.
- `taxi`: passengers of New York's taxis every half hour, from the Numenta Anomaly Benchmark.

latente is trained on the first 70% with its default settings, everything is measured on the last 25%. The filters get
their parameters from the clean test signal, for each channel: the best that they can do. "one channel" is latente
without the other channels. "oracle" is a Wiener filter that knows the clean signal's power at each time and frequency
(windows of 64, the best gains P / (P + noise)): what no filter of this kind can pass.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from protocol import root, snr, with_snr
from results import keep
from scipy.signal import istft, savgol_filter, stft, wiener

import latente
from latente.denoising import Denoiser
from latente.denoising.steps import BETA2

LEVEL = 10.0  # dB
SIGMA = 10 ** (-LEVEL / 20)  # of a standardised channel
Signal = NDArray[np.float64]


def accelerometers() -> Signal:
    """(7040, 9) in milli-g."""
    with (root() / "series-multivariate" / "daphnet_S06R02E0.csv").open(newline="") as file:
        return np.array([[float(cell) for cell in row[1:-1]] for row in list(csv.reader(file))[1:]])


def taxi() -> Signal:
    """(10320, 1)."""
    with (root() / "series" / "data" / "realKnownCause" / "nyc_taxi.csv").open(newline="") as file:
        return np.array([[float(row["value"])] for row in csv.DictReader(file)])


def ecg(path: str) -> Signal:
    """(108000, 1) in millivolts."""
    with np.load(path) as file:
        return (file["ecg"].astype(np.float64)[:, None] - 1024) / 200


def parts(signal: Signal) -> tuple[Signal, Signal]:
    """Returns the first 70% and the last 25%, standardised by the former."""
    train, test = signal[: int(0.7 * len(signal))], signal[int(0.75 * len(signal)) :]
    return (train - train.mean(0)) / train.std(0), (test - train.mean(0)) / train.std(0)


def filters(sigma: float = SIGMA) -> dict[str, list[tuple[str, Callable[[Signal], Signal]]]]:
    """The filters and all their settings, for noise of a standard deviation."""
    wieners = [
        (f"size={n}, power {'known' if power else 'estimated'}", lambda x, n=n, p=power: wiener(x, n, p))
        for n in (3, 5, 7, 9, 11, 15, 21, 31)
        for power in (None, sigma**2)
    ]
    polynomials = [
        (f"window={n}, order={k}", lambda x, n=n, k=k: savgol_filter(x, n, k))
        for n in (3, 5, 7, 9, 11, 13, 15, 17, 21, 25, 31)
        for k in (1, 2, 3, 4, 5)
        if k < n
    ]
    return {"wiener": wieners, "savgol": polynomials}


def best(clean: Signal, noisy: Signal, settings: list[tuple[str, Callable[[Signal], Signal]]]) -> tuple[Signal, str]:
    """Returns each channel filtered with the setting that is best for it."""
    columns, chosen = [], set()
    for true, seen in zip(clean.T, noisy.T, strict=True):
        made = {setting: function(seen) for setting, function in settings}
        name = max(made, key=lambda setting: snr(true[:, None], made[setting][:, None]))
        columns.append(made[name])
        chosen.add(name)
    return np.stack(columns, axis=1), "; ".join(sorted(chosen))


def oracle(clean: Signal, noisy: Signal, window: int = 64) -> Signal:
    """Returns (length, c) filtered with the gains P / (P + noise) of the clean signal's power P."""
    spectrum = partial(stft, nperseg=window, noverlap=3 * window // 4, axis=0)
    power = np.abs(spectrum(clean)[2]) ** 2
    noise = np.mean(np.abs(spectrum(noisy - clean)[2]) ** 2, axis=(0, 2), keepdims=True)
    gains = power / (power + noise)
    restored = istft(spectrum(noisy)[2] * gains, nperseg=window, noverlap=3 * window // 4, time_axis=2, freq_axis=0)[1]
    return np.asarray(restored).T[: len(clean)]


def learned(train: Signal, noisy: Signal, seed: int, sigma: float) -> tuple[Signal, float, str]:
    """Returns the noisy signals (n, length, c) restored, the CPU seconds and the setting."""
    trainer = latente.Trainer(threads=1, verbose=False)
    model = Denoiser(latente.GaussianNoise(sigma), kind="signal", trainer=trainer, random_state=seed)
    start = time.process_time()
    model.fit(train)
    seconds = time.process_time() - start
    setting = f"{len(model.history_)} epochs, batches of {model.history_.batch_size}, beta2 {BETA2}"
    return model.transform(noisy), seconds, setting


def study(name: str, signal: Signal, seed: int, train_too: bool = True) -> list[dict[str, Any]]:
    """Rows of one signal."""
    train, test = parts(signal)
    noisy = with_snr(test, LEVEL, np.random.default_rng(seed + 1))
    base = {"study": "signals", "data": name, "noise": f"white, {LEVEL:g} dB", "seed": seed, "samples": len(test)}
    rows = [base | {"method": "noisy", "snr": snr(test, noisy)}]
    for method, settings in filters().items():
        restored, setting = best(test, noisy, settings)
        rows.append(base | {"method": method, "snr": snr(test, restored), "setting": setting})
    rows.append(base | {"method": "oracle", "snr": snr(test, oracle(test, noisy)), "setting": "windows of 64"})
    if not train_too:
        return rows
    together = learned(train[None], noisy[None], seed, SIGMA)
    rows.append(base | _row("latente", test, together[0][0], *together[1:]))
    if signal.shape[1] > 1:
        alone = learned(train.T[..., None], noisy.T[..., None], seed, SIGMA)
        rows.append(base | _row("latente, one channel", test, alone[0][..., 0].T, *alone[1:]))
    return rows


def _row(method: str, clean: Signal, restored: Signal, seconds: float, setting: str) -> dict[str, Any]:
    return {"method": method, "snr": snr(clean, restored), "train_seconds": seconds, "setting": setting}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ecg", default="", help="ecg.dat; without it only the accelerometers")
    parser.add_argument("--only", default="")
    parser.add_argument("--filters", action="store_true", help="leave out what is trained")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = {"ecg": lambda: ecg(options.ecg)} if options.ecg else {}
    found |= {"accelerometers": accelerometers, "taxi": taxi}
    for name, load in found.items():
        if options.only in name:
            keep(study(name, load(), options.seed, not options.filters))


if __name__ == "__main__":
    main()
