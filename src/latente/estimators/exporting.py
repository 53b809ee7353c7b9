"""A fitted model as two ONNX files, which run without latente and without PyTorch."""

from __future__ import annotations

__all__ = ["export_onnx"]

import contextlib
import copy
import importlib.util
import logging
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latente.autoencoder import AutoencoderModule
from latente.data import Schema
from latente.data.schema import FROM_MODEL, TO_MODEL
from latente.files import write_atomically

if TYPE_CHECKING:
    from latente.estimators.fitted import FittedAutoencoder

NEEDED = ("onnx", "onnxscript")
PROBES = 16  # samples that the exported files are tried with
TOLERANCE = 1e-4  # of a code's size and of a value's spread


class _Units(nn.Module):
    """The user's units and layout to scaled samples and back, in double precision where there is an offset."""

    shift: Tensor
    factor: Tensor

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.schema = schema
        self.precise = bool(np.any(schema.shift))
        dtype = torch.float64 if self.precise else torch.float32
        self.register_buffer("shift", torch.as_tensor(schema.shift, dtype=dtype))
        self.register_buffer("factor", torch.as_tensor(schema.factor, dtype=dtype))

    def scale(self, x: Tensor) -> Tensor:
        """Returns scaled samples (n, *sample_shape) of x (n, *user_shape)."""
        x = x.permute(TO_MODEL[self.schema.layout]) if self.schema.layout in TO_MODEL else x
        x = x.reshape(-1, *self.schema.sample_shape)
        return ((x.double() - self.shift) * self.factor).float() if self.precise else x * self.factor

    def restore(self, scaled: Tensor) -> Tensor:
        """Returns samples (n, *user_shape) in the user's units, not rounded."""
        values = (scaled.double() / self.factor + self.shift).float() if self.precise else scaled / self.factor
        values = values.permute(FROM_MODEL[self.schema.layout]) if self.schema.layout in FROM_MODEL else values
        return values.reshape(-1, *self.schema.user_shape)


class _Encoder(nn.Module):
    def __init__(self, module: AutoencoderModule, units: _Units) -> None:
        super().__init__()
        self.module, self.units = module, units

    def forward(self, x: Tensor) -> Tensor:
        return self.module.encode(self.units.scale(x)).mode


class _Decoder(nn.Module):
    def __init__(self, module: AutoencoderModule, units: _Units) -> None:
        super().__init__()
        self.module, self.units = module, units

    def forward(self, codes: Tensor) -> Tensor:
        return self.units.restore(self.module.decode(codes))


def export_onnx(model: FittedAutoencoder, folder: str | Path, *, force: bool = False) -> tuple[Path, Path]:
    """Writes encoder.onnx and decoder.onnx and returns their paths.

    The encoder takes x (batch, *shape of a sample as the user has it) in the user's units and returns codes
    (batch, latent_dim), the deterministic mode; the decoder takes codes and returns x_hat like x, but not rounded where
    the user's data are integers. All are float32; the number of samples is free. Where onnxruntime is installed, both
    are run with it and compared with the model before anything is written.

    Args:
        model: fitted.
        folder: made where it is missing.
        force: whether older files may be replaced.

    Raises:
        FileExistsError: when there are older files and no `force`.
        ImportError: when onnx or onnxscript is missing.
        ValueError: when a module of the user's own cannot be expressed in ONNX.
        RuntimeError: when onnxruntime computes something else than the model.
    """
    folder = Path(folder)
    paths = folder / "encoder.onnx", folder / "decoder.onnx"
    _check_place(folder, paths, force)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"exporting to ONNX needs {' and '.join(missing)}: pip install 'latente[onnx]'")
    module, units = copy.deepcopy(model.module_).cpu().eval(), _Units(model.schema_)
    parts = {"encoder": _Encoder(module, units).eval(), "decoder": _Decoder(module, units).eval()}
    x = _probes(model.schema_)
    with torch.no_grad():
        given = {"encoder": x, "decoder": parts["encoder"](x)}
    files = {name: _to_onnx(name, part, given[name]) for name, part in parts.items()}
    if importlib.util.find_spec("onnxruntime") is not None:
        for name, part in parts.items():
            _compare(name, part, files[name], given[name], model.schema_)
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, files.values(), strict=True):
        write_atomically(path, content)
    return paths


def _check_place(folder: Path, paths: tuple[Path, ...], force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; the model is exported to a folder. Choose another path")
    older = [str(path) for path in paths if path.exists()]
    if older and not force:
        raise FileExistsError(f"{' and '.join(older)} exist already; choose another folder, or pass force=True")


def _probes(schema: Schema) -> Tensor:
    """Returns samples (PROBES, *user_shape) in the user's units that look a little like the training data."""
    generator = np.random.default_rng(0)
    shape = (PROBES, *schema.sample_shape)
    scaled = generator.normal(size=shape) if schema.bounds is None else generator.uniform(*schema.bounds, size=shape)
    return _Units(schema).restore(torch.from_numpy(scaled).float())


def _to_onnx(name: str, part: nn.Module, given: Tensor) -> bytes:
    """Returns the ONNX file of a module with one input and a free number of samples."""
    output = {"encoder": "codes", "decoder": "x_hat"}[name]
    source = {"encoder": "x", "decoder": "codes"}[name]
    with _quiet():
        program = _trace(name, part, given)
        try:
            exported: Any = torch.onnx.export(
                program, (given,), dynamo=True, verbose=False, input_names=[source], output_names=[output]
            )
        except Exception as error:
            raise ValueError(_cannot(name, error)) from error
    return _tidy(exported.model_proto).SerializeToString()


def _trace(name: str, part: nn.Module, given: Tensor) -> torch.export.ExportedProgram:
    """Returns the module's graph; strict tracing follows `len(x)`, the other kind more of Python's own constructs."""
    problem: Exception | None = None
    for strict in (True, False):
        try:
            batch = torch.export.Dim("batch", min=1, max=2**31 - 1)
            with torch.no_grad():
                return torch.export.export(part, (given,), dynamic_shapes=({0: batch},), strict=strict)
        except Exception as error:  # whatever the user's module and the tracer raise
            problem = problem or error
    raise ValueError(_cannot(name, problem)) from problem


def _cannot(name: str, error: Exception | None) -> str:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return (
        f"the {name} cannot be exported to ONNX: {reason}. Its modules must be made of tensor operations, without "
        "decisions that depend on a tensor's values; latente's own networks all can be exported"
    )


def _tidy(proto: Any) -> Any:
    """Names the free axis, and removes the exporter's notes, which hold this machine's paths."""
    values = [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]
    free = {proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param}
    for value in values:
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in free:
                axis.dim_param = "batch"
    for item in (proto, proto.graph, *proto.graph.node, *values, *proto.graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    return proto


def _compare(name: str, part: nn.Module, content: bytes, given: Tensor, schema: Schema) -> None:
    """Raises RuntimeError when onnxruntime's result is not the module's, for one sample and for several."""
    for n in (1, PROBES - 3, PROBES):
        with torch.no_grad():
            wanted = part(given[:n]).numpy()
        found = _run(content, given[:n].numpy())
        size = float(np.abs(wanted).max()) if name == "encoder" else _spread(schema)
        if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE * size):
            off = np.abs(found - wanted).max() if found.shape == wanted.shape else math.nan
            raise RuntimeError(
                f"the exported {name} does not compute what the model computes: with onnxruntime, {n} samples give "
                f"{found.shape} (the model {wanted.shape}), largest difference {off:.3g}. Nothing was written"
            )


def _spread(schema: Schema) -> NDArray[np.float32] | Any:
    """Returns the size of one scaled unit in the user's units, of the shape of a sample."""
    unit = np.broadcast_to(1 / schema.factor, schema.sample_shape)[None]
    unit = unit.transpose(FROM_MODEL[schema.layout]) if schema.layout in FROM_MODEL else unit
    return unit.reshape(schema.user_shape)


def _run(content: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the exporter: its warnings and log are about torchvision and deprecations of its own."""
    logger = logging.getLogger("torch")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)
