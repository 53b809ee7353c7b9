"""oneDNN multiplies where it pays, as exactly as before, and nothing else changes."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch import nn

import latente
from latente.networks import MLP
from latente.nn import hardware, onednn_pays, products, products_by_onednn, quick_float32
from latente.training import Trainer


@pytest.fixture
def amd(monkeypatch):
    monkeypatch.setattr(products, "cpu_vendor", lambda: "AuthenticAMD")
    monkeypatch.setattr(products, "_onednn_is_exact", lambda: True)


def test_large_products_on_amd_only(amd, monkeypatch):
    large, small = nn.Sequential(nn.Linear(784, 512), nn.SiLU(), nn.Linear(512, 32)), nn.Linear(9, 64)
    assert onednn_pays(large, 128)
    assert not onednn_pays(large, 4)
    assert not onednn_pays(small, 1024)
    assert not onednn_pays(nn.Conv2d(64, 64, 3), 1024)
    assert not onednn_pays(large.to("meta"), 128)
    monkeypatch.setattr(products, "cpu_vendor", lambda: "GenuineIntel")
    assert not onednn_pays(nn.Linear(784, 512), 128)


def test_never_where_it_rounds(amd, monkeypatch):
    monkeypatch.setattr(products, "_onednn_is_exact", lambda: False)
    assert not onednn_pays(nn.Linear(784, 512), 128)


def test_the_check_tells_float32_from_bfloat16(monkeypatch):
    exact = torch.Tensor.__matmul__
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: exact(a.bfloat16(), b.bfloat16()).float())
    assert not products._onednn_is_exact.__wrapped__()


def test_products_are_exact_where_they_are_chosen():
    generator = torch.Generator().manual_seed(3)
    a, b = torch.randn(300, 784, generator=generator), torch.randn(784, 512, generator=generator)
    with products_by_onednn(products._onednn_is_exact()):
        got = (a @ b).double()
    expected = a.double() @ b.double()
    assert (got - expected).abs().max() < 1e-5 * expected.abs().max()


def test_settings_come_back_also_after_an_error():
    settings = [torch.backends.mkldnn.matmul, torch.backends.cuda.matmul]
    before = [setting.fp32_precision for setting in settings]
    for block in (products_by_onednn, quick_float32):
        with contextlib.suppress(KeyError), block(True):
            assert [setting.fp32_precision for setting in settings] != before
            raise KeyError
        assert [setting.fp32_precision for setting in settings] == before
        with block(False):
            assert [setting.fp32_precision for setting in settings] == before
        assert [setting.fp32_precision for setting in settings] == before
    assert torch.get_float32_matmul_precision() == "highest"


def test_older_torch_has_one_setting_for_all(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "matmul", None)
    monkeypatch.setattr(torch.backends.cuda, "matmul", None)
    for block, name in ((products_by_onednn, "medium"), (quick_float32, "high")):
        with block(True):
            assert torch.get_float32_matmul_precision() == name
        assert torch.get_float32_matmul_precision() == "highest"


def test_a_fit_ends_where_it_does_without(amd, monkeypatch):
    x = torch.rand(512, 256, generator=torch.Generator().manual_seed(0)).numpy()
    trainer = Trainer(epochs=3, batch_size=128, precision="float32", threads=1, verbose=False)
    losses = []
    for pays in (True, False):
        monkeypatch.setattr("latente.training.choices.onednn_pays", lambda module, rows, pays=pays: pays)
        model = latente.Autoencoder(8, network=MLP((256,)), trainer=trainer, random_state=0).fit(x)
        losses.append(model.history_.column("loss"))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_processors_are_read_from_the_operating_system(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor : 1\n")
    monkeypatch.setattr(hardware, "CPUINFO", file)
    assert hardware.cpu_vendor() == "AuthenticAMD"
    assert hardware.cpu_flags() == {"fpu", "avx2", "amx_bf16"}
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "none")
    assert (hardware.cpu_vendor(), hardware.cpu_flags()) == ("", frozenset())
