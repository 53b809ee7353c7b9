"""The way from a 1 to a 7 and from a 3 to an 8 through the latent space, and through the pixels.

    python examples/interpolation.py                # scikit-learn's digits, seconds
    python examples/interpolation.py mnist          # if it is on this machine or can be downloaded, minutes

Writes interpolation-<data>.png: for each pair a row that mixes pixels, then a row for each kind of autoencoder.
Prints how uneven each way is: the largest of its steps over the mean step (1 is perfectly even). Seed 0.
"""

import sys

import numpy as np
from PIL import Image

import latente
from latente.datasets import load

PAIRS = ((1, 7), (3, 8))
STEPS = 11


def unevenness(way):
    """Returns the largest step over the mean step of pictures (steps, height, width)."""
    sizes = np.linalg.norm(np.diff(way.astype(float), axis=0).reshape(len(way) - 1, -1), axis=1)
    return sizes.max() / sizes.mean()


def main(name="digits"):
    data = load(name)
    kinds = {
        "autoencoder": latente.Autoencoder(8, random_state=0),
        "denoising": latente.DenoisingAutoencoder(8, corruption="masking:0.25", random_state=0),
        "variational": latente.VariationalAutoencoder(8, random_state=0),
    }
    for model in kinds.values():
        model.fit(data.x_train)
    rows = []
    for start, end in PAIRS:
        a = data.x_test[data.y_test == start][0]
        b = data.x_test[data.y_test == end][0]
        ways = {"pixels": np.linspace(a, b, STEPS)} | {k: m.interpolate(a, b, STEPS) for k, m in kinds.items()}
        for kind, way in ways.items():
            print(f"{start} to {end}, {kind:12s} unevenness {unevenness(way):.2f}")
            rows.append(np.hstack(list(way)))
    top = 255 if data.x_train.dtype == np.uint8 else data.x_train.max()
    picture = Image.fromarray((np.vstack(rows) * (255 / top)).clip(0, 255).astype(np.uint8))
    picture = picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST)
    picture.save(f"interpolation-{name}.png")
    print(f"interpolation-{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:2])
