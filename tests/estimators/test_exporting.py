"""ONNX files compute what the model computes."""

from __future__ import annotations

import builtins
import importlib.util
import re

import numpy as np
import pytest
import torch
from torch import nn

import latente
from latente import Autoencoder, Conv, DataSpec, Trainer
from latente.estimators import exporting

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

GENERATOR = np.random.default_rng(0)
TABLE = 100 + 5 * GENERATOR.normal(size=(30, 6))
BYTES = GENERATOR.integers(0, 256, size=(30, 7, 9, 3), dtype=np.uint8)


def fit(X, **kwargs):
    return Autoencoder(4, trainer=Trainer(epochs=1), random_state=0, **kwargs).fit(X)


def run(path, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,), (returned,) = session.get_inputs(), session.get_outputs()
    assert given.shape[0] == returned.shape[0] == "batch"
    assert given.type == returned.type == "tensor(float)"
    return session.run(None, {given.name: x.astype(np.float32)})[0]


def check(model, X, folder):
    encoder, decoder = model.export_onnx(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["decoder.onnx", "encoder.onnx"]
    unit = np.abs(X.astype(float) - X.mean(0)).mean()
    for n in (1, 2, 7, 30):
        codes = run(encoder, X[:n])
        np.testing.assert_allclose(codes, model.transform(X[:n].astype(np.float32)), rtol=1e-4, atol=1e-4)
        x_hat = model.inverse_transform(codes)
        rounding = 0.51 if X.dtype.kind in "iu" else 0  # the exported decoder does not round
        np.testing.assert_allclose(run(decoder, codes), x_hat, rtol=1e-5, atol=1e-4 * unit + rounding)


MODELS = {
    "table": (TABLE, {}),
    "table, sparse": (TABLE, {"network": "mlp:16", "bottleneck": "sparse"}),
    "bytes nhwc, vq": (BYTES, {"network": "conv:4,8", "bottleneck": "vq:8,2"}),
    "bytes nchw, k-sparse": (
        BYTES.transpose(0, 3, 1, 2).copy(),
        {"network": Conv((4, 8), normalization="batch"), "bottleneck": "k_sparse:2"},
    ),
    "floats nhw, fsq": (
        BYTES[..., 0] / 255,
        {"network": Conv((4,), normalization="layer", upsample="nearest"), "bottleneck": "fsq:4"},
    ),
    "rows of bytes": (BYTES.reshape(30, -1), {"network": "conv:4", "data": DataSpec(shape=(3, 7, 9))}),
    "signals ntc, gaussian": (BYTES[:, 0] - 100.0, {"network": "conv:4,8", "data": "ntc", "bottleneck": "gaussian"}),
    "signals of integers": (BYTES[:, 0].astype(np.int16), {"network": "conv:4", "data": "nct"}),
}


@pytest.mark.usefixtures("untouched_generators")
@pytest.mark.parametrize("kind", MODELS)
def test_every_bottleneck_and_layout(kind, tmp_path, capfd):
    X, parts = MODELS[kind]
    check(fit(X, **parts), X, tmp_path / "onnx")
    assert capfd.readouterr() == ("", "")


def test_offsets_are_taken_off_in_double_precision(tmp_path):
    X = (2.0**20 + GENERATOR.integers(0, 16, size=(30, 5))).astype(np.float32)
    model = fit(X)
    encoder, _ = model.export_onnx(tmp_path)
    np.testing.assert_allclose(run(encoder, X), model.transform(X), atol=1e-5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model and the folder that it was exported to."""
    model, folder = fit(TABLE), tmp_path_factory.mktemp("onnx")
    model.export_onnx(folder)
    return model, folder


def test_files_are_self_contained_and_keep_this_machine_to_themselves(exported):
    import onnx

    for path in exported[1].iterdir():
        proto = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(proto, full_check=True)
        assert re.search(rb"site-packages|latente/|\.py", path.read_bytes()) is None
        assert all(not tensor.external_data for tensor in proto.graph.initializer)


def test_a_loaded_model_exports_the_same_and_an_exported_one_still_trains(exported, tmp_path):
    model, folder = exported
    again = latente.load(model.save(tmp_path / "model"))
    again.export_onnx(tmp_path / "onnx")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "onnx" / path.name).read_bytes()
    np.testing.assert_array_equal(again.transform(TABLE), model.transform(TABLE))
    assert not np.array_equal(again.partial_fit(TABLE).transform(TABLE), model.transform(TABLE))


def test_older_files_are_kept_unless_forced(exported, tmp_path):
    model = exported[0]
    (tmp_path / "decoder.onnx").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"decoder\.onnx exist already.*force=True"):
        model.export_onnx(tmp_path)
    with pytest.raises(FileExistsError, match="is a file; the model is exported to a folder"):
        model.export_onnx(tmp_path / "decoder.onnx")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]
    model.export_onnx(tmp_path, force=True)
    assert (tmp_path / "decoder.onnx").stat().st_size > 100


class Counts(nn.Module):
    """Asks for the number of samples, as users' modules do."""

    def forward(self, x):
        return x.reshape(len(x), -1)[:, :4] + torch.zeros(len(x), 1)


class Decides(nn.Linear):
    """Does something else for large values."""

    def forward(self, x):
        return super().forward(x) if x.sum().item() > 0 else -super().forward(x)


def test_modules_of_the_users_own(tmp_path):
    check(fit(TABLE, network=(Counts(), nn.Linear(4, 6))), TABLE, tmp_path / "onnx")


def test_modules_that_cannot_be_expressed_are_named(tmp_path):
    model = fit(TABLE, network=(nn.Linear(6, 4), Decides(4, 6)))
    with pytest.raises(ValueError, match="the decoder cannot be exported to ONNX: .*decisions that depend on a tensor"):
        model.export_onnx(tmp_path / "onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_what_is_missing_is_named(missing, tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(ImportError, match=rf"needs {missing}: pip install 'latente\[onnx\]'"):
        fit(TABLE).export_onnx(tmp_path / "onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_onnxruntime_nothing_is_compared(tmp_path, monkeypatch):
    real, importing = importlib.util.find_spec, builtins.__import__
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else real(name))

    def refuse(name, *args, **kwargs):
        assert name != "onnxruntime"
        return importing(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert all(path.exists() for path in fit(TABLE).export_onnx(tmp_path))


def test_a_wrong_file_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_run", lambda content, x: np.zeros((len(x), 4), np.float32))
    with pytest.raises(
        RuntimeError, match=r"exported encoder does not compute .*largest difference \d.*Nothing was written"
    ):
        fit(TABLE).export_onnx(tmp_path / "onnx")
    assert list(tmp_path.iterdir()) == []
