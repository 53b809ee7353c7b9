"""Models in streams and files whose tensors were exchanged: each is an error of the codec's own, at once."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from latente import Trainer
from latente.codec import CodecError, ImageCodec, LosslessImageCodec, Model, pack, unpack
from latente.codec.images.exact import Affine, Layer
from latente.codec.images.lossless.codec import predictor_of
from latente.codec.images.lossless.linear import LinearPredictor
from latente.codec.images.lossless.stream import decode_pixels
from latente.codec.images.ways import model_from

from .conftest import painted, tiny

SMALLEST = {name: np.iinfo(name).min for name in ("int8", "int16", "int32", "int64")}


@pytest.fixture(scope="module")
def fuzz():
    """The benchmark of damaged streams of pictures."""
    folder = Path(__file__).parents[3] / "benchmarks" / "codec"
    for name, path in (("hostile", folder / "hostile.py"), ("fuzz", folder / "images" / "fuzz.py")):
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def network() -> LosslessImageCodec:
    trainer = Trainer(epochs=1, batch_size=100, compile=False, verbose=False, precision="float32")
    return LosslessImageCodec(trainer=trainer).fit(tiny(300))


def refuses(made, tensors) -> bool:
    begun = time.perf_counter()
    try:
        model = made(Model("forged", tensors))
        if hasattr(model, "check"):
            model.check()
    except CodecError:
        return True
    finally:
        assert time.perf_counter() - begun < 10
    return False


@pytest.mark.parametrize("kind", ["codec", "whole", "network"])
def test_exchanged_tensors(kind, codec, whole, network, fuzz):
    """Nothing but CodecError comes out, whatever one tensor is; other shapes and types are always refused."""
    tensors = {"codec": codec, "whole": whole}[kind].model.tensors if kind != "network" else network.model_.tensors
    made = predictor_of if kind == "network" else model_from
    rng, refused = np.random.default_rng(0), 0
    for _ in range(150):
        how, forged = fuzz.exchanged(dict(tensors), rng)
        found = refuses(made, forged)
        refused += found
        if how.endswith((" shape", " none", " empty")):
            assert found, how
    assert refused > 75


@pytest.mark.parametrize("kind", ["codec", "whole"])
def test_smallest_integers_do_not_pass_as_small_ones(kind, codec, whole):
    """The magnitude of the smallest integer is negative in its own type: bounds must not be computed in that."""
    tensors = {"codec": codec, "whole": whole}[kind].model.tensors
    names = [name for name in tensors if name.endswith((".start", ".clusters", ".spreads", ".steps", "out.bias"))]
    assert len(names) > 5
    for name in names:
        forged = dict(tensors)
        forged[name] = np.full_like(tensors[name], SMALLEST[tensors[name].dtype.name])
        assert refuses(model_from, forged), name
    with pytest.raises(ValueError, match=r"exact only below 2\^53"):
        Affine(Layer(np.ones((1, 1), np.int16), np.array([SMALLEST["int64"]]), 0), 1)


def test_smallest_biases_of_lossless_networks(network):
    tensors = dict(network.model_.tensors)
    for name in ("lossless.0.0.first.bias", "lossless.1.2.second.bias"):
        forged = tensors | {name: np.full_like(tensors[name], SMALLEST["int32"])}
        assert refuses(predictor_of, forged), name


@pytest.mark.parametrize("rows", [4, 5000])
def test_heads_of_other_widths(codec, rows):
    """A wide layer that fits its neighbours would take memory for each position."""
    tensors, name = dict(codec.model.tensors), "context.heads.7"
    width = tensors[f"{name}.hidden.weight"].shape[1]
    wide = {
        f"{name}.hidden.weight": np.zeros((rows, width), np.int16), f"{name}.hidden.bias": np.zeros(rows, np.int64),
        f"{name}.out.weight": np.zeros((len(tensors[f"{name}.out.weight"]), rows), np.int16),
    }  # fmt: skip
    assert refuses(model_from, tensors | wide)


def test_wide_lossless_networks(network):
    tensors = dict(network.model_.tensors)
    rows, taps = 3000, tensors["lossless.0.0.first.weight"].shape[1]
    wide = {
        "first.weight": np.zeros((rows, taps), np.int8), "first.bias": np.zeros(rows, np.int32),
        "first.factor": np.ones(rows, np.float32), "second.weight": np.zeros((rows, rows), np.int8),
        "second.bias": np.zeros(rows, np.int32), "second.factor": np.ones(rows, np.float32),
        "head0.weight": np.zeros((len(tensors["lossless.0.0.head0.weight"]), rows), np.int8),
    }  # fmt: skip
    assert refuses(predictor_of, tensors | {f"lossless.0.0.{name}": tensor for name, tensor in wide.items()})


def test_embedded_forgeries(whole, codec, network, fuzz):
    """The whole way: streams with right checksums that hold such a model."""
    rng = np.random.default_rng(3)
    pictures = {"whole": tiny(20), "codec": painted(20, 30)[None], "network": tiny(20)}
    for name, made in (("whole", whole), ("codec", codec), ("network", network)):
        container = unpack(made.encode_many(pictures[name]))
        symbols = {key: part.symbols for key, part in container.contents.items()}
        tensors = dict(made.model_.tensors if name == "network" else made.model.tensors)
        for _ in range(12):
            how, forged = fuzz.exchanged(tensors, rng)
            data = pack(container.kind, container.header, container.sections, Model("forged", forged), symbols)
            try:
                decoded = type(made)().decode_many(data)
            except CodecError:
                continue
            assert decoded.shape == pictures[name].shape, how


def test_saved_codecs_with_forged_models(whole, network, tmp_path):
    for made, kind, tensors in (
        (ImageCodec, "image-codec", whole.model.tensors),
        (LosslessImageCodec, "lossless-image-codec", network.model_.tensors),
    ):
        first = sorted(tensors)[-1]
        forged = Model("forged", dict(tensors) | {first: np.zeros((3, 3), np.float64)})
        (tmp_path / "forged.latmodel").write_bytes(pack(kind, {"embed": False}, {}, forged))
        with pytest.raises(CodecError):
            made.load(tmp_path / "forged.latmodel")


def test_linear_streams():
    """Weights of linear predictions are packed bytes: too many, too few, too large or no bytes at all are errors."""
    import zlib

    size = 2 * LinearPredictor.from_bytes(_linear(3), 3).all.size
    shape = (1, 16, 16, 3)
    bombs = [zlib.compress(bytes(50_000_000)), zlib.compress(bytes(size - 2)), zlib.compress(b"\xff\x7f" * (size // 2))]
    for weights in (*bombs, b"", b"\0" * 40, _linear(3)[:-5]):
        data = b"\x03" + min(len(weights), 65535).to_bytes(2, "little") + weights
        with pytest.raises(ValueError, match="damaged"):
            decode_pixels(data, shape)
    with pytest.raises(ValueError, match="damaged"):
        decode_pixels(b"\x03\xff\xff" + _linear(3), shape)


def _linear(colours: int) -> bytes:
    from latente.codec.images.lossless.colour import from_rgb
    from latente.codec.images.lossless.linear import fit_linear

    return fit_linear(from_rgb(painted(40, 40)[None][..., :colours])).to_bytes()


def test_a_few_hundred_damaged_streams(fuzz):
    every, rng = list(fuzz.cases()), np.random.default_rng(7)
    for k in range(240):
        case, tally = every[k % len(every)], fuzz.Tally()
        if k % 3:
            data = fuzz.damage(str(rng.choice(fuzz.KINDS)), case.stream, b"", rng)
        else:
            data = fuzz.forge(case.stream, rng)
        fuzz.attempt(case, "damaged", data, tally, known=True, forged=not k % 3)
        assert tally.failed == [], case.name
