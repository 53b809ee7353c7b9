"""Tiny models, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import latente
from latente import Autoencoder, Trainer

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
QUICK = Trainer(epochs=3, batch_size=16, verbose=False)


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """60 pictures of bright bars on a dark ground, 12 x 10 bytes."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 40, (60, 12, 10))
    for i in range(60):
        x[i, :, i % 8 : i % 8 + 2] += 180
    return x.astype(np.uint8)


@pytest.fixture(scope="session")
def table() -> np.ndarray:
    """80 rows of 6 columns that depend on 2 numbers."""
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(80, 2))
    return np.column_stack([hidden, hidden**2, np.sin(hidden)]) * 10 + 0.1 * rng.normal(size=(80, 6))


@pytest.fixture(scope="session")
def signals() -> np.ndarray:
    """50 sine waves of 40 points."""
    rng = np.random.default_rng(2)
    t, f, phase = np.linspace(0, 1, 40), rng.uniform(1, 4, (50, 1)), rng.uniform(0, 6, (50, 1))
    return np.sin(2 * np.pi * f * t + phase) + 0.05 * rng.normal(size=(50, 40))


@pytest.fixture(scope="session")
def image_model(images) -> Autoencoder:
    trainer = Trainer(epochs=3, batch_size=16, validation_fraction=0.2, verbose=False)
    model = latente.DenoisingAutoencoder(4, network="mlp:16", trainer=trainer, random_state=0)
    return model.fit(images)


@pytest.fixture(scope="session")
def table_model(table) -> Autoencoder:
    return latente.VariationalAutoencoder(2, network="mlp:16", trainer=QUICK, random_state=0).fit(table)


@pytest.fixture(scope="session")
def signal_model(signals) -> Autoencoder:
    parts = {"network": "conv:4,8", "corruption": "gaussian:0.3", "bottleneck": "gaussian", "data": "signal"}
    return Autoencoder(3, trainer=QUICK, random_state=0, **parts).fit(signals)


@dataclass
class Opened:
    """What a browser says about a page.

    Attributes:
        text: what a reader sees.
        problems: messages on the console and errors of scripts.
        requests: addresses that the page asked for, other than itself and what is inside it.
        overflow: pixels by which the page is wider than the window.
        headings: levels of the headings in their order.
        without_alt: pictures and drawings without a text for those who cannot see them.
        unscoped: header cells of tables that do not say what they head.
        repeated: ids that occur more than once.
        smallest: the smallest size in pixels at which text of a drawing appears.
    """

    text: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    overflow: int = 0
    headings: list[int] = field(default_factory=list)
    without_alt: int = 0
    unscoped: int = 0
    repeated: list[str] = field(default_factory=list)
    smallest: float = 0.0


LOOK = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const ids = all('[id]').map(e => e.id);
  const sizes = all('svg text').map(t => t.getBoundingClientRect().height).filter(h => h > 0);
  return {
    text: document.body.innerText,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: all('h1, h2, h3, h4').map(h => Number(h.tagName[1])),
    without_alt: all('img').filter(i => !i.alt).length + all('svg[role=img]').filter(s => !s.ariaLabel).length,
    unscoped: all('th').filter(h => !h.scope).length,
    repeated: ids.filter((id, i) => ids.indexOf(id) != i),
    smallest: Math.min(...sizes, 100),
  }
}"""


class Browser:
    """Opens files at a window's width, in light or dark."""

    def __init__(self, engine) -> None:
        self.engine = engine

    def open(self, path: Path, width: int = 1280, scheme: str = "light") -> Opened:
        context = self.engine.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page, problems, requests = context.new_page(), [], []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.absolute().as_uri(), wait_until="networkidle")
        seen = page.evaluate(LOOK)
        context.close()
        own = (path.absolute().as_uri(), "data:image/png;base64,")
        return Opened(problems=problems, requests=[url for url in requests if not url.startswith(own)], **seen)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window; tests that need it skip where it is missing."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: this test opens a page in it (apt install chromium, or set CHROMIUM)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        engine = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Browser(engine)
        engine.close()
