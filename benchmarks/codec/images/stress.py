"""Thousands of small pictures through every way of the lossless codec: each must come back exactly.

    OMP_NUM_THREADS=1 python benchmarks/codec/images/stress.py --count 4000

Sizes are 1 x 1 to 40 x 40, grey and red, green, blue, one to three pictures at a time: constant, noise, slopes, only
extremes, checks, few values, sparse, smooth. Each is coded plainly, with fitted linear predictions, and with networks
of random weights (with and without a spike and places), and decoded without the check that the codec makes of itself.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray

from latente.codec.images.lossless import stream
from latente.codec.images.lossless.colour import from_rgb
from latente.codec.images.lossless.linear import fit_linear
from latente.codec.images.lossless.model import exported
from latente.codec.images.lossless.network import LosslessModule
from latente.codec.images.lossless.predictors import NetworkPredictor, PlainPredictor

LARGEST = 40
Pictures = NDArray[np.uint8]


def drawn(rng: np.random.Generator) -> Pictures:
    """Returns one to three pictures of a random size and kind."""
    shape = (int(rng.integers(1, 4)), *rng.integers(1, LARGEST + 1, 2).tolist(), int(rng.choice([1, 3])))
    i, j = np.mgrid[: shape[1], : shape[2]]
    kind = int(rng.integers(8))
    if kind == 0:
        x = np.full(shape, rng.integers(256))
    elif kind == 1:
        x = rng.integers(0, 256, shape)
    elif kind == 2:
        x = (rng.uniform(-9, 9) * i + rng.uniform(-9, 9) * j)[None, ..., None] + rng.uniform(0, 255, shape[-1])
    elif kind == 3:
        x = 255 * rng.integers(0, 2, shape)
    elif kind == 4:
        x = 255 * (np.indices(shape).sum(0) % 2)
    elif kind == 5:
        x = rng.choice(rng.integers(0, 256, 4), shape)
    elif kind == 6:
        x = rng.integers(0, 256, shape) * (rng.random(shape) < 0.2)
    else:
        x = 120 + 90 * np.sin(i / 3 + rng.uniform(0, 6))[None, ..., None] + rng.normal(0, 3, shape)
    return np.clip(np.rint(np.broadcast_to(x, shape)), 0, 255).astype(np.uint8)


def networks(seed: int) -> list[NetworkPredictor]:
    """Returns networks of random weights: grey, colour, and both with a spike."""
    found = []
    for colours, spike in ((1, None), (3, None), (1, 0), (3, 255)):
        torch.manual_seed(seed)
        module = LosslessModule(colours, 8, 2, spike)
        pictures = drawn(np.random.default_rng(seed))[..., :1].repeat(colours, axis=3)
        found.append(NetworkPredictor(exported(module, pictures)))
    return found


def broken(pictures: Pictures, predictors: list[NetworkPredictor]) -> list[str]:
    """Returns the ways that did not give the pictures back."""
    shape = pictures.shape
    linear = fit_linear(from_rgb(pictures))
    weights = linear.to_bytes()
    coded = {
        "stored": stream.encode_pixels(pictures, stored=True),
        "plain": b"\x01" + stream._coded(pictures, PlainPredictor()),
        "linear": b"\x03" + len(weights).to_bytes(2, "little") + weights + stream._coded(pictures, linear),
    }
    found = [way for way, data in coded.items() if (stream.decode_pixels(data, shape) != pictures).any()]
    for k, network in enumerate(predictors):
        if network.colours == shape[3]:
            data = b"\x02" + stream._coded(pictures, network)
            if (stream.decode_pixels(data, shape, network) != pictures).any():
                found.append(f"network {k}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong, trips, begun = 0, 0, time.process_time()
    predictors: list[NetworkPredictor] = []
    for k in range(options.seed, options.seed + options.count):
        if k % 500 == 0 or not predictors:
            predictors = networks(k)
        pictures = drawn(np.random.default_rng(k))
        ways = broken(pictures, predictors)
        wrong += len(ways)
        trips += 3 + sum(network.colours == pictures.shape[3] for network in predictors)
        if ways:
            print(f"seed {k}: {pictures.shape} is not what it was after {ways}", flush=True)
        if (k + 1) % 500 == 0:
            print(f"{trips:,} round trips, {wrong} wrong, {time.process_time() - begun:.0f} CPU s", flush=True)
    print(f"{options.count:,} draws, {trips:,} round trips, {wrong} wrong, {time.process_time() - begun:.0f} CPU s")


if __name__ == "__main__":
    main()
