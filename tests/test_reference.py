"""The reference: every public name is in docs/api.md, and every public class and function has an example."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import latente

API = Path(__file__).parents[1] / "docs" / "api.md"
INSIDE = {
    "latente.cli", "latente.cli.audio", "latente.files", "latente.lazy", "latente.report.sections", "latente.__main__",
}  # fmt: skip  # nobody imports from these
DIRECTIVE = re.compile(r"\.\. (automodule|autoclass|autoexception|autofunction|py:data):: (\S+)((?:\n +\S.*)*)")


def public_modules() -> list[str]:
    """Dotted names of latente, its modules and its packages, but for modules inside packages."""
    found = pkgutil.walk_packages(latente.__path__, "latente.")
    near = [module.name for module in found if module.ispkg or module.name.count(".") == 1]
    return ["latente", *sorted(set(near) - INSIDE)]


def documented(text: str) -> list[str]:
    """Dotted names in the reference; a module stands for its classes and functions, less those that it leaves out."""
    names = []
    for kind, name, options in DIRECTIVE.findall(text):
        if kind != "automodule":
            names.append(name)
        elif ":no-members:" not in options:
            module = importlib.import_module(name)
            _, _, left_out = options.partition(":exclude-members:")
            kept = [n for n in module.__all__ if n not in re.split(r"[,\s]+", left_out)]
            names += [f"{name}.{n}" for n in kept if is_code(getattr(module, n))]
    return names


def is_code(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


def found(dotted: str) -> object:
    """What a dotted name means."""
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def reference() -> list[str]:
    return documented(API.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", public_modules())
def test_every_public_name_is_in_the_reference(module, reference):
    there = {id(found(name)) for name in reference if is_code(found(name))}  # under any of its names
    public = [(f"{module}.{name}", getattr(importlib.import_module(module), name)) for name in names_of(module)]
    assert [name for name, thing in public if name not in reference and id(thing) not in there] == []


def test_nothing_is_in_the_reference_twice(reference):
    things = [id(found(name)) if is_code(found(name)) else name for name in reference]
    assert [name for name, thing in zip(reference, things, strict=True) if things.count(thing) > 1] == []


@pytest.mark.parametrize("module", public_modules())
def test_every_public_class_and_function_has_an_example(module):
    things = [(name, getattr(importlib.import_module(module), name)) for name in names_of(module)]
    assert [name for name, thing in things if is_code(thing) and not has_example(thing)] == []


def names_of(module: str) -> list[str]:
    return list(importlib.import_module(module).__all__)


def has_example(thing: object) -> bool:
    """Whether the docstring of the thing itself, not of its methods, has an example that is run."""
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(inspect.unwrap(thing)) or "")
    return bool(thing.__doc__) and any(doctest.SKIP not in example.options for example in examples)


def test_the_rules_see_what_is_missing():
    text = "```{eval-rst}\n.. automodule:: latente.latent\n   :no-members:\n\n.. autoclass:: latente.MLP\n```\n"
    assert documented(text) == ["latente.MLP"]
    assert documented(".. automodule:: latente.networks\n   :exclude-members: MLP, Auto,\n      Conv\n\nX") == [
        f"latente.networks.{name}" for name in ("CustomNetwork", "LinearPath", "Network", "WithLinearPath")
    ] + ["latente.networks.resolve_network"]
    assert not has_example(test_the_rules_see_what_is_missing)
    assert "latente.metrics" in public_modules()
