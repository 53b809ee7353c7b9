"""The file itself: what is in it, what is refused, and that a save is one rename."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import pickle
import pkgutil
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import latente
from latente import MLP, Autoencoder, ModelFileError, Trainer
from latente.files import write_atomically
from latente.persistence import FORMAT, LOADERS, Stored, _hash, read_model

TABLE = np.random.default_rng(0).normal(size=(30, 5))


@pytest.fixture(scope="module")
def model():
    return Autoencoder(2, network=MLP((8,)), trainer=Trainer(epochs=1), random_state=0).fit(TABLE)


@pytest.fixture
def folder(model, tmp_path):
    """A saved model."""
    return model.save(tmp_path / "model")


def contents(folder):
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["latente"])  # noqa: SIM118


def rewrite(folder, change, *, honest=True):
    """Changes tensors and description in place; an honest forger also renews the hash."""
    tensors, description = contents(folder)
    change(tensors, description)
    if honest:
        with contextlib.suppress(ValueError):  # not valid anyway
            description["sha256"] = _hash(tensors, Stored.model_validate(description))
    save_file(tensors, folder / "model.safetensors", metadata={"latente": json.dumps(description)})


def test_a_folder_with_one_truth_and_one_copy(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    _, description = contents(folder)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8")) == description
    assert description["format"] == FORMAT
    assert description["versions"]["torch"] == torch.__version__
    assert description["estimator"] == "Autoencoder"
    (folder / "config.json").unlink()
    assert latente.load(folder).latent_dim == 2


def test_tensors_come_back_as_they_were(folder, model):
    tensors, stored = read_model(folder)
    assert stored.tensors == sorted(tensors)
    for name, tensor in model.module_.state_dict().items():
        assert torch.equal(tensors[f"module.{name}"], tensor)


def test_nothing_of_the_training_data_is_kept(tmp_path):
    X = np.random.default_rng(0).random((5000, 5))
    X[0] = 0.123456789
    folder = Autoencoder(2, network="mlp:8", trainer=Trainer(epochs=1)).fit(X).save(tmp_path / "m")
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert len(content) < 30_000 < X.nbytes
    for dtype in (np.float32, np.float64):
        assert X[0].astype(dtype).tobytes() not in content


def test_no_byte_can_be_changed_unnoticed(folder, model):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    codes = model.transform(TABLE)
    for position in np.random.default_rng(0).choice(len(content), 150, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(position % 8)
        path.write_bytes(damaged)
        try:
            again = latente.load(folder)
        except ModelFileError as error:
            assert str(folder) in str(error)  # noqa: PT017
        else:  # white space between the words of the description
            np.testing.assert_array_equal(again.transform(TABLE), codes)
            assert again.get_params()["latent_dim"] == 2


def test_altered_weights_and_words_are_found(folder):
    original = (folder / "model.safetensors").read_bytes()
    for change in (
        lambda t, d: t["module.encoder.0.1.0.bias"].add_(1e-6),
        lambda t, d: t["data.shift"].add_(1),
        lambda t, d: t.update(more=torch.zeros(1)),
        lambda t, d: d["data"].update(layout="nt"),
        lambda t, d: d["params"].update(latent_dim=3),
        lambda t, d: d["training"].update(stopped="interrupted"),
        lambda t, d: d.update(sha256="0" * 64),
    ):
        (folder / "model.safetensors").write_bytes(original)
        rewrite(folder, change, honest=False)
        with pytest.raises(ModelFileError, match="altered after saving|not valid"):
            latente.load(folder)


BIAS = "module.decoder.0.0.bias"


def network_of(description):
    return description["params"]["network"]["params"]


REFUSED = {
    "newer format": (lambda t, d: d.update(format=99), r"format 99; this version of latente reads format 1\. Upgrade"),
    "no format": (lambda t, d: d.pop("format"), "format None"),
    "no estimator": (lambda t, d: d.pop("estimator"), "not valid at 'estimator': Field required"),
    "more keys": (lambda t, d: d.update(code="import os"), "not valid at 'code': Extra inputs"),
    "wrong type": (lambda t, d: d.update(params=3), "not valid at 'params'"),
    "unknown estimator": (lambda t, d: d.update(estimator="Autodecoder"), "holds a 'Autodecoder', which .* not know"),
    "os.system": (lambda t, d: d.update(estimator="os.system"), "holds a 'os.system'"),
    "unknown part": (lambda t, d: d["params"]["network"].update(name="transformer"), "unknown part .* 'transformer'"),
    "unknown argument of a part": (lambda t, d: network_of(d).update(x=1), "MLP has no parameter 'x'"),
    "unknown parameter": (lambda t, d: d["params"].update(depth=3), "unexpected keyword argument 'depth'"),
    "parameter of no sense": (lambda t, d: d["params"].update(latent_dim="wide"), "cannot be built: .*'wide'"),
    "unknown activation": (lambda t, d: network_of(d).update(activation="x"), "unknown activation 'x'"),
    "data lacks a field": (lambda t, d: d["data"].pop("output"), "not valid: .*'output'"),
    "data of no sense": (lambda t, d: d["data"].update(sample_shape="abc"), "not valid"),
    "history of no sense": (lambda t, d: d["training"].update(records=[{}]), "not valid"),
    "missing tensor": (lambda t, d: t.pop(BIAS), f"lacks 1 of its tensors, e.g. '{BIAS}'"),
    "missing weights": (
        lambda t, d: (t.pop(BIAS), d["tensors"].remove(BIAS)),
        "do not fit the model.*Missing key.*decoder.0.0.bias",
    ),
    "missing scale": (lambda t, d: (t.pop("data.shift"), d["tensors"].remove("data.shift")), "lacks the tensors data"),
    "wrong shape": (lambda t, d: t.update({BIAS: torch.zeros(9)}), r"do not fit.*torch.Size\(\[9\]\)"),
    "wrong shape of the scale": (lambda t, d: t.update({"data.shift": torch.zeros(4).double()}), "not valid"),
    "one tensor too many": (
        lambda t, d: (t.update({"module.x": torch.zeros(1)}), d["tensors"].append("module.x")), "Unexpected key.*x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_forged_descriptions_are_refused(name, folder):
    change, message = REFUSED[name]
    rewrite(folder, change)
    with pytest.raises(ModelFileError, match=message):
        latente.load(folder)


@pytest.mark.parametrize("kind", LOADERS)
def test_a_folder_of_another_kind_names_its_loader(kind, folder):
    rewrite(folder, lambda t, d: (t.clear(), d.update(estimator=kind, tensors=[])))
    with pytest.raises(ModelFileError, match=f"holds an? {kind}, which is no autoencoder; use {LOADERS[kind]}$"):
        latente.load(folder)
    with pytest.raises(ModelFileError, match="is not valid|missing there"):
        pkgutil.resolve_name(LOADERS[kind])(folder)  # reads it


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
def test_cut_files(folder, keep):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(ModelFileError, match="damaged and cannot be read"):
        latente.load(folder)


def test_what_is_no_model(tmp_path, folder):
    with pytest.raises(ModelFileError, match="no model in .*nowhere: model.safetensors is missing there"):
        latente.load(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match="give the folder that `save` wrote"):
        latente.load(folder / "model.safetensors")
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(ModelFileError, match="no description in its header; it was not written by latente"):
        latente.load(folder)
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors", metadata={"latente": "{"})
    with pytest.raises(ModelFileError, match="is no JSON"):
        latente.load(folder)
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors", metadata={"latente": "[" * 100_000})
    with pytest.raises(ModelFileError, match="is no JSON"):
        latente.load(folder)
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors", metadata={"latente": "[1]"})
    with pytest.raises(ModelFileError, match="format None"):
        latente.load(folder)


def test_pickles_are_never_opened(folder, monkeypatch):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("executed",))

    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    for function in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, function, lambda *args, **kwargs: pytest.fail("unpickled"))
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: pytest.fail("unpickled"))
    with pytest.raises(ModelFileError, match="damaged"):
        latente.load(folder)


@pytest.mark.parametrize("broken", ["replace", "fsync", "write"])
def test_an_interrupted_save_leaves_the_older_model(folder, model, monkeypatch, broken):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    newer = Autoencoder(3, network="mlp:4", trainer=Trainer(epochs=1), random_state=1).fit(TABLE)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    if broken == "write":
        real = builtins.open

        def full(path, mode="r", **kwargs):
            file = real(path, mode, **kwargs)
            if "x" in mode:
                file.close()  # as if the disk were full: writing fails
            return file

        monkeypatch.setattr(builtins, "open", full)
    else:
        monkeypatch.setattr(os, broken, interrupt)
    with pytest.raises((KeyboardInterrupt, ValueError)):
        newer.save(folder)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    np.testing.assert_array_equal(latente.load(folder).transform(TABLE), model.transform(TABLE))


def test_an_interruption_between_the_two_files_leaves_a_model(folder, monkeypatch):
    newer = Autoencoder(3, network="mlp:4", trainer=Trainer(epochs=1), random_state=1).fit(TABLE)
    real = os.replace

    def second_fails(source, target):
        if Path(target).name == "config.json":
            raise OSError("disk full")
        real(source, target)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(OSError, match="disk full"):
        newer.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    np.testing.assert_array_equal(latente.load(folder).transform(TABLE), newer.transform(TABLE))


def test_a_file_has_the_permissions_that_the_user_wants(tmp_path):
    old = os.umask(0o077)
    try:
        write_atomically(tmp_path / "x", b"1")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
