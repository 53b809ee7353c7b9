"""Sphinx configuration: Markdown pages, and the reference from the docstrings."""

import re
import tomllib
from pathlib import Path

_pyproject = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))

project = "latente"
author = "the latente developers"
copyright = "2026, the latente developers"
release = version = _pyproject["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "_generated"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

default_role = "py:obj"  # `load` in a docstring links to it if it is a public name
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"latente {release}"
html_theme_options = {"navigation_with_keys": True}


def _plain_text(app, what, name, obj, options, lines):
    """Lets docstrings be plain text: stars and bars are themselves, and a plural may follow a backtick."""
    literal = False
    for i, line in enumerate(lines):
        literal = line.lstrip().startswith(">>>") or (literal and bool(line.strip()))
        if not literal:
            pieces = re.split(r"(`[^`]*`)", line)
            pieces = [p if p.startswith("`") else re.sub(r"([*|])", r"\\\1", p) for p in pieces]
            lines[i] = re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", "".join(pieces))


def _skip(app, what, name, obj, skip, options):
    """Leaves out the methods that scikit-learn makes for its metadata routing."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app):
    app.connect("autodoc-process-docstring", _plain_text, priority=100)  # before napoleon
    app.connect("autodoc-skip-member", _skip)
