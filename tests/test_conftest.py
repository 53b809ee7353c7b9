"""The guard for global generators catches what it is for, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

USES = {
    "random": "import random; random.random()",
    "numpy": "import numpy; numpy.random.rand()",
    "torch": "import torch; torch.rand(1)",
    None: "import numpy; numpy.random.default_rng(0).random()",
}

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(("library", "code"), USES.items())
def test_untouched_generators_names_the_library(pytester, library, code):
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(f"def test_it(untouched_generators):\n    {code}")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=1, errors=int(library is not None))
    if library:
        result.stdout.fnmatch_lines([f"*the global generator of {library} was used*"])
