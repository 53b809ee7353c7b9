"""Shared by the tests of the command line: real data in small files, fitted models, two ways to run a command."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from latente.cli import main

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def process():
    """Runs `python -m latente` as a process of its own."""

    def run(*arguments: object, cwd: Path | None = None) -> Done:
        command = [sys.executable, "-m", "latente", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300, env=ENVIRONMENT
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def call(capsys):
    """Runs the same command line in this process, which is faster."""

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """(200, 8, 8) handwritten digits in bytes."""
    return np.rint(load_digits().images[:200] * (255 / 16)).astype(np.uint8)


@pytest.fixture(scope="session")
def work(tmp_path_factory, images) -> Path:
    """A folder of real data in every format that is read."""
    folder = tmp_path_factory.mktemp("work")
    table = load_digits().data[:200, 10:22]
    frame = pl.DataFrame({f"pixel {i}": table[:, i] for i in range(table.shape[1])})
    frame.write_csv(folder / "table.csv")
    frame.write_csv(folder / "table.tsv", separator="\t")
    frame.write_parquet(folder / "table.parquet")
    np.save(folder / "images.npy", images)
    np.savez(folder / "images.npz", X=images, other=images[:3])
    rows = images.reshape(len(images), -1).astype(np.float32)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "clean.npy", images / 255.0)
    noise = np.random.default_rng(0).normal(0, 0.3, images.shape)
    np.save(folder / "noisy.npy", np.clip(images / 255.0 + noise, 0, 1))
    (folder / "pictures").mkdir()
    for i, image in enumerate(images[:60]):
        Image.fromarray(image).save(folder / "pictures" / f"{i:03}.png")
    return folder


@pytest.fixture(scope="session")
def table_model(work, process) -> Path:
    """A plain model of table.csv, fitted by a real process."""
    done = process("fit", "table.csv", "-o", "table", "--latent-dim", 3, "--epochs", 5, "--seed", 1, cwd=work)
    assert (done.code, done.err) == (0, "")
    return work / "table"


@pytest.fixture(scope="session")
def image_model(work) -> Path:
    """A variational model of images.npy: it has a prior to sample from."""
    arguments = ["fit", work / "images.npy", "-o", work / "vae", "--type", "variational", "--latent-dim", "4"]
    assert main([*map(str, arguments), "--epochs", "5", "--quiet"]) == 0
    return work / "vae"


@pytest.fixture(scope="session")
def noise_model(work) -> Path:
    """A denoising model of the images as floats."""
    arguments = ["fit", work / "clean.npy", "-o", work / "cleaner", "--type", "denoising", "--latent-dim", "8"]
    assert main([*map(str, arguments), "--epochs", "5", "--corruption", "gaussian:0.3", "--quiet"]) == 0
    return work / "cleaner"
