"""Pages of benchmarks are what their scripts make of the CSV files."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from latente.corruptions import Corruption

ROOT = Path(__file__).parents[1]
SCRIPTS = {
    "anomaly/page": ["benchmarks-anomaly.md"],
    "anomaly/pages": ["benchmarks-anomaly-images.md", "benchmarks-anomaly-series.md"],
    "codec/arrays/page": ["benchmarks-codec-arrays.md"],
    "denoising/page": ["benchmarks-denoising.md"],
    "audio/speech/page": ["benchmarks-audio-speech.md"],
    "audio/music/page": ["benchmarks-audio-music.md"],
    "audio/separation/pages": ["benchmarks-audio-separation.md"],
    "latent_size/run": ["benchmarks-latent-size.md"],
    "generation/run": ["benchmarks-generation.md"],
    "pretraining/run": ["benchmarks-pretraining.md"],
    "reconstruction/run": ["benchmarks-reconstruction.md"],
    "variational/run": ["benchmarks-variational.md"],
}


@pytest.fixture
def scripts(monkeypatch, tmp_path):
    """Imports a script, which stands beside others in its folder; there are no data sets."""
    before, folders = set(sys.modules), []
    monkeypatch.setenv("LATENTE_DATA", str(tmp_path))
    monkeypatch.setattr(Corruption, "registry", dict(Corruption.registry))  # scripts have corruptions of their own

    def get(name):
        folders.append(str((ROOT / "benchmarks" / name).parent))
        for module in ("data", "methods", "page", "pages", "protocol", "results", "run", "tabled"):
            monkeypatch.delitem(sys.modules, module, raising=False)  # of another benchmark
        monkeypatch.syspath_prepend(folders[-1])
        return importlib.import_module(Path(name).name)

    yield get
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(tuple(folders)):
            del sys.modules[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_page_is_what_its_script_writes(scripts, monkeypatch, name):
    written = {}
    script = scripts(name)
    monkeypatch.setattr(sys, "argv", [name, "--table"])  # which those that do not only write pages take
    monkeypatch.setattr(Path, "write_text", lambda path, text, **options: written.update({path.resolve(): text}))
    if hasattr(script, "main"):
        script.main()
    else:
        script.write_page(ROOT / "benchmarks" / Path(name).with_name("results.csv"))
    assert sorted(path.name for path in written) == SCRIPTS[name]
    for path, text in written.items():
        assert path.parent == ROOT / "docs"
        assert path.read_text(encoding="utf-8") == text
