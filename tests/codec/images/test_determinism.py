"""The same symbols in other processes: other threads, kernels, libraries of matrix products and layouts in memory."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from latente import Trainer
from latente.codec import ImageCodec, LosslessImageCodec
from latente.codec.images.lossless.stream import WAYS

from .conftest import painted, tiny

# decodes every stream of a folder and prints a digest of all symbols; encodes the pictures again
SYMBOLS = """
import hashlib, sys
from pathlib import Path
import numpy as np, torch
from latente.codec import ImageCodec, LosslessImageCodec
from latente.codec.images import tables
folder, threads, onednn = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "on"
torch.set_num_threads(threads)
torch.backends.mkldnn.enabled = onednn
digest = hashlib.sha256()
def listening(name):
    made = getattr(tables.SymbolDecoder, name)
    def decode(self, which, *more):
        found = made(self, which, *more)
        digest.update(np.asarray(which).tobytes() + found.tobytes())
        return found
    setattr(tables.SymbolDecoder, name, decode)
listening("decode"), listening("decode_by")
for kind, made in (("lossy", ImageCodec), ("lossless", LosslessImageCodec)):
    for file in sorted(folder.glob(f"*.{kind}")):
        codec = made.load(file.with_suffix(".latmodel"))
        if file.stem == "grid" and not onednn:
            for part in (codec.model_.analysis, codec.model_.synthesis):
                part.to(memory_format=torch.contiguous_format)
        decoded = codec.decode_many(file.read_bytes())
        pictures = np.load(file.with_suffix(".npy"))
        if kind == "lossless":
            digest.update(decoded.tobytes())
        again = codec.encode_many(pictures)
        Path(sys.argv[4], file.name).write_bytes(again)
print(digest.hexdigest())
"""
SETTINGS = [
    ("1", "on", {}),
    ("2", "off", {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}),
    ("1", "on", {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "dispatched"}),
]


def dispatched() -> str:
    """What numpy may use here beyond what it always uses."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))


@pytest.fixture(scope="module")
def folder(codec, whole, tmp_path_factory):
    """Streams of every way, with the codecs and the pictures."""
    made = tmp_path_factory.mktemp("streams")
    trainer = Trainer(epochs=2, batch_size=100, compile=False, verbose=False, precision="float32")
    network = LosslessImageCodec(trainer=trainer).fit(tiny(400))
    lossy = {"grid": (codec, painted(70, 90)[None]), "whole": (whole, tiny(80))}
    lossless = {"network": (network, tiny(80)), "linear": (LosslessImageCodec(), painted(150, 130)[None])}
    lossless["plain"] = (LosslessImageCodec(), painted(40, 60)[None])
    for kind, cases in (("lossy", lossy), ("lossless", lossless)):
        for name, (made_by, pictures) in cases.items():
            data = made_by.encode_many(pictures)
            made_by.save(made / f"{name}.latmodel")
            (made / f"{name}.{kind}").write_bytes(data)
            np.save(made / f"{name}.npy", pictures)
    return made


def ways_of(folder) -> set[str]:
    from latente.codec import unpack

    return {WAYS[unpack(file.read_bytes()).section("pixels")[0]] for file in folder.glob("*.lossless")}


def test_symbols_are_the_same_in_other_processes(folder, tmp_path):
    assert ways_of(folder) == {"network", "linear", "plain"}
    digests = set()
    for k, (threads, onednn, more) in enumerate(SETTINGS):
        more = {name: dispatched() if value == "dispatched" else value for name, value in more.items()}
        out = tmp_path / str(k)
        out.mkdir()
        command = [sys.executable, "-c", SYMBOLS, str(folder), threads, onednn, str(out)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **more}
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1
    for k in range(len(SETTINGS)):  # what they encoded: its symbols have a CRC, lossless pictures are the very same
        for file in sorted((tmp_path / str(k)).iterdir()):
            made_by = (ImageCodec if file.suffix == ".lossy" else LosslessImageCodec).load(
                folder / f"{file.stem}.latmodel"
            )
            decoded, pictures = made_by.decode_many(file.read_bytes()), np.load(folder / f"{file.stem}.npy")
            assert decoded.shape == pictures.shape
            assert file.suffix == ".lossy" or np.array_equal(decoded, pictures)
