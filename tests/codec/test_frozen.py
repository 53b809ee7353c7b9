"""Files that an earlier latente wrote decode to what they did then: a released decoder is never dropped."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from latente.codec import ArrayCodec, decompress_file, describe_file

FROZEN = Path(__file__).parent / "frozen"
EXPECTED = json.loads((FROZEN / "expected.json").read_text())


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make", FROZEN / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_frozen_file_decodes_to_what_it_did(name, make, tmp_path):
    again = decompress_file(FROZEN / name, tmp_path / name.removesuffix(".lat"))
    assert again.kind == EXPECTED[name]["kind"] == describe_file(FROZEN / name).kind
    assert make.digest(again.output) == EXPECTED[name]["sha256"]


def test_a_frozen_archive_decodes_within_its_bound():
    original = np.load(FROZEN / "archive-original.npy")
    codec = ArrayCodec.load(FROZEN / "archive.latmodel")
    values = codec.decode((FROZEN / "archive.lat").read_bytes())
    assert np.abs(values - original).max() <= 1e-2 * np.ptp(original.astype(float))


def test_every_kind_is_there_and_they_are_small():
    kinds = {entry["kind"] for entry in EXPECTED.values()}
    assert kinds == {"bytes", "csv", "netcdf", "npy", "npz", "parquet", "wav", "zarr"}
    assert {path.name for path in FROZEN.glob("*.lat")} == {*EXPECTED, "archive.lat"}
    assert sum(path.stat().st_size for path in FROZEN.glob("*") if path.is_file()) < 100_000
