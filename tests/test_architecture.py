"""The shape of the source: which module may import which, how long things are, what is never used.

Every import under src/latente is parsed, wherever in a file it stands. The order is that of CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "latente"

# From left to right; a module imports only from groups to its left, never from its own.
ORDER = [
    {"parts", "files", "errors", "lazy", "_version"},
    {"nn", "latent", "corruptions", "distortions"},
    {"networks", "bottlenecks"},
    {"autoencoder"},
    {"objectives"},
    {"data", "metrics"},
    {"training"},
    {"pretraining"},
    {"persistence"},
    {"estimators"},
    {"diagnostics"},
    {"anomaly", "denoising", "generation", "codec", "audio"},
    {"report"},
    {"cli"},
    {"__main__"},
]
RANK = {module: rank for rank, group in enumerate(ORDER) for module in group}
IMPORT_DATASETS = {"report", "cli", "__main__"}

OPTIONAL = {
    "pandas", "polars", "pyarrow", "zarr", "onnx", "onnxscript", "onnxruntime", "playwright", "zuko",
    "constriction", "google_crc32c", "h5netcdf", "h5py", "imagecodecs", "netCDF4", "numcodecs", "xarray", "zstandard",
    "soundfile", "soxr",
    "pretty_midi", "mido", "fluidsynth",
}  # fmt: skip
BANNED = {"torchvision", "torchaudio", "pickle", "cloudpickle", "dill", "shelve", "marshal"}
PICKLING_CALLS = {"torch.save", "torch.load"}
MAX_FILE_LINES = 400
MAX_BODY_LINES = 45


class Import(NamedTuple):
    """One imported name: `module` is absolute and dotted; `top_level` means executed with its module."""

    module: str
    line: int
    top_level: bool


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted_name(path: Path) -> str:
    """latente.nn.mlp for src/latente/nn/mlp.py, latente.nn for src/latente/nn/__init__.py."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def part_of(dotted: str) -> str:
    """The second component, the one that has a rank: nn of latente.nn.mlp; '' of latente itself."""
    return [*dotted.split("."), ""][1]


def imports(tree: ast.Module, package: str) -> list[Import]:
    """All imports of a module that lies in `package`, with relative ones resolved."""
    lazy = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or is_type_checking(node)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno, id(node) not in lazy) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - node.level + 1] + ([base] if base else []))
            # `from latente import nn` imports latente.nn, `from latente.nn import MLP` just latente.nn
            names = [f"{base}.{alias.name}" if base == "latente" else base for alias in node.names]
            found += [Import(name, node.lineno, id(node) not in lazy) for name in names]
    return found


def is_type_checking(node: ast.AST) -> bool:
    """An `if TYPE_CHECKING:` block, which never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def imports_of(path: Path) -> list[Import]:
    dotted = dotted_name(path)
    package = dotted if path.name == "__init__.py" else dotted.rpartition(".")[0]
    return imports(parse(path), package)


def wrong_arrow(importer: str, imported: str) -> str | None:
    """Why `importer` may not import `imported` (both second components), or None if it may."""
    if importer == imported:
        return None
    if imported == "datasets":
        return None if importer in IMPORT_DATASETS else f"only {sorted(IMPORT_DATASETS)} import datasets"
    if importer == "datasets":
        return None if RANK.get(imported) == 0 else "datasets stands alone"
    unknown = [name for name in (importer, imported) if name not in RANK]
    if unknown:
        return f"{unknown[0] or 'the public face'} has no place in the order"
    if RANK[importer] == RANK[imported]:
        return f"{importer} and {imported} are neighbours and do not import each other"
    return None if RANK[imported] < RANK[importer] else "the arrow points right"


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    statements = function.body[ast.get_docstring(function) is not None :]
    return function.end_lineno - statements[0].lineno + 1 if statements else 0


def places(path: Path, lines: list[tuple[int, str]]) -> list[str]:
    return [f"{path.relative_to(PACKAGE.parent)}:{line} {text}" for line, text in lines]


def test_imports_point_left():
    wrong = []
    for path in sources():
        if path == PACKAGE / "__init__.py":
            continue
        importer = part_of(dotted_name(path))
        for item in imports_of(path):
            if item.module.split(".")[0] != "latente":
                continue
            reason = wrong_arrow(importer, part_of(item.module))
            if reason:
                wrong += places(path, [(item.line, f"imports {item.module}: {reason}")])
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("networks", "nn", True),
        ("nn", "networks", False),
        ("nn", "parts", True),
        ("bottlenecks", "latent", True),
        ("distortions", "latent", False),
        ("bottlenecks", "networks", False),
        ("metrics", "data", False),
        ("training", "metrics", True),
        ("estimators", "report", False),
        ("codec", "generation", False),
        ("codec", "estimators", True),
        ("cli", "report", True),
        ("cli", "datasets", True),
        ("estimators", "datasets", False),
        ("datasets", "data", False),
        ("nn", "nn", True),
        ("nn", "newcomer", False),
        ("report", "", False),
    ],
)
def test_the_order_itself(importer, imported, allowed):
    assert (wrong_arrow(importer, imported) is None) is allowed


def test_all_forms_of_import_are_seen():
    code = """
import numpy as np, latente.nn
from latente import codec
from latente.data import spec
from . import training
from .mlp import MLP
from ..report import html
if TYPE_CHECKING:
    import polars
try:
    import onnx
except ImportError:
    pass
def f():
    import pandas
class C:
    import pyarrow
"""
    found = imports(ast.parse(code), "latente.nn")
    assert {(item.module, item.top_level) for item in found} == {
        ("numpy", True),
        ("latente.nn", True),
        ("latente.codec", True),
        ("latente.data", True),
        ("latente.nn.mlp", True),
        ("latente.report", True),
        ("polars", False),
        ("onnx", True),
        ("pandas", False),
        ("pyarrow", True),
    }


def test_optional_dependencies_are_imported_inside_functions():
    wrong = []
    for path in sources():
        found = [item for item in imports_of(path) if item.module.split(".")[0] in OPTIONAL]
        wrong += places(path, [(item.line, item.module) for item in found if item.top_level])
    assert wrong == []


def test_banned_libraries_are_not_imported():
    wrong = []
    for path in sources():
        found = [item for item in imports_of(path) if item.module.split(".")[0] in BANNED]
        wrong += places(path, [(item.line, item.module) for item in found])
    assert wrong == []


def test_nothing_is_pickled():
    wrong = []
    for path in sources():
        calls = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
        bad = [call for call in calls if ast.unparse(call.func) in PICKLING_CALLS]
        bad += [call for call in calls if any(ast.unparse(key) == "allow_pickle=True" for key in call.keywords)]
        wrong += places(path, [(call.lineno, ast.unparse(call.func)) for call in bad])
    assert wrong == []


def test_users_mistakes_raise_instead_of_assert():
    wrong = []
    for path in sources():
        found = [node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.Assert)]
        wrong += places(path, [(line, "assert") for line in found])
    assert wrong == []


def test_files_are_short():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {str(path): length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_functions_fit_on_a_screen():
    wrong = []
    for path in sources():
        found = [(function, body_lines(function)) for function in functions(parse(path))]
        wrong += places(path, [(f.lineno, f"{f.name}: {lines} lines") for f, lines in found if lines > MAX_BODY_LINES])
    assert wrong == []


def test_modules_start_with_a_docstring():
    assert [str(path) for path in sources() if not ast.get_docstring(parse(path))] == []


IMPORT_PROBE = """
import json, os, random, sys, threading
before = dict(os.environ), os.listdir(), random.getstate(), threading.active_count()
import latente
after = dict(os.environ), os.listdir(), random.getstate(), threading.active_count()
print(json.dumps({"unchanged": before == after, "modules": sorted(sys.modules)}))
"""


def test_import_is_light_and_changes_nothing(tmp_path):
    command = [sys.executable, "-W", "error", "-c", IMPORT_PROBE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)  # fails if the import itself printed something
    assert result["unchanged"]
    heavy = {"torch", "sklearn", "scipy", "matplotlib", "typer", "rich", "pydantic", *OPTIONAL}
    assert heavy.isdisjoint(result["modules"])
