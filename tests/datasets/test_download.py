"""Searching and downloading, with small files of our own and a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import threading
from dataclasses import replace

import numpy as np
import pytest

from latente import datasets
from latente.datasets import loading, places
from latente.datasets.sources import FASHION_MNIST, MNIST

pytestmark = pytest.mark.usefixtures("untouched_generators")

CONTENT = [
    struct.pack(">BBBB3I", 0, 0, 8, 3, 6, 2, 2) + bytes(range(24)),
    struct.pack(">BBBBI", 0, 0, 8, 1, 6) + bytes([0, 1, 2, 0, 1, 2]),
    struct.pack(">BBBB3I", 0, 0, 8, 3, 3, 2, 2) + bytes(range(100, 112)),
    struct.pack(">BBBBI", 0, 0, 8, 1, 3) + bytes([2, 1, 0]),
]
SMALL = replace(MNIST, sha256=tuple(hashlib.sha256(content).hexdigest() for content in CONTENT))
UNREACHABLE = "http://127.0.0.1:9/"  # the discard port: nobody listens


def fill(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(SMALL.files, CONTENT, strict=True):
        (folder / name).write_bytes(gzip.compress(content))


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path.startswith("/short/"):  # promises more than it sends, as a dropped connection does
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(gzip.compress(CONTENT[0])[:20])
        else:
            super().do_GET()


@pytest.fixture
def server(tmp_path):
    """Address of a server that has the files under /good/ and /bad/, those of the latter exchanged."""
    fill(tmp_path / "www" / "good")
    fill(tmp_path / "www" / "bad")
    for name in SMALL.files:
        (tmp_path / "www" / "bad" / name).write_bytes(gzip.compress(b"something else"))

    def handler(*args):
        return Handler(*args, directory=str(tmp_path / "www"))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine without any data: LATENTE_DATA unset, an empty cache, nothing installed."""
    monkeypatch.delenv("LATENTE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(places, "SYSTEM_FOLDER", tmp_path / "system")
    return tmp_path


@pytest.fixture
def mirrors(monkeypatch, home):
    """Set the mirrors of the small data set that stands in for MNIST."""

    def use(*addresses):
        monkeypatch.setattr(loading, "MNIST", replace(SMALL, mirrors=addresses))

    use(UNREACHABLE)
    return use


def check(dataset):
    assert np.array_equal(dataset.x_train.ravel(), np.arange(24))
    assert dataset.x_train.shape == (6, 2, 2)
    assert dataset.y_train.tolist() == [0, 1, 2, 0, 1, 2]
    assert np.array_equal(dataset.x_test.ravel(), np.arange(100, 112))
    assert dataset.y_test.tolist() == [2, 1, 0]


def files_under(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_downloads_into_the_cache_and_finds_it_there(home, mirrors, server):
    mirrors(f"{server}/good/")
    check(datasets.load("mnist"))
    assert files_under(home / "cache") == sorted(SMALL.files)
    mirrors(UNREACHABLE)
    check(datasets.load("mnist"))


@pytest.mark.parametrize("first", ["bad/", "short/", "absent/", None])
def test_next_mirror_helps_out(home, mirrors, server, first):
    mirrors(f"{server}/{first}" if first else UNREACHABLE, f"{server}/good/")
    check(datasets.load("mnist"))
    assert files_under(home / "cache") == sorted(SMALL.files)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("bad/", "is not the original file: the SHA-256 of its content is"),
        ("short/", "is damaged gzip data"),
        ("absent/", "HTTP Error 404"),
    ],
)
def test_failed_download_leaves_no_file(home, mirrors, server, path, reason):
    mirrors(f"{server}/{path}")
    with pytest.raises(FileNotFoundError, match=reason):
        datasets.load("mnist")
    assert files_under(home / "cache") == []


def test_interrupted_download_leaves_no_file(home, mirrors, server, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    mirrors(f"{server}/good/")
    monkeypatch.setattr("latente.datasets.download.read_content", interrupt)
    with pytest.raises(KeyboardInterrupt):
        datasets.load("mnist")
    assert files_under(home / "cache") == []


def test_download_continues_with_the_files_that_lack(home, mirrors, server):
    fill(home / "cache" / "latente" / "mnist")
    kept = home / "cache" / "latente" / "mnist" / SMALL.files[0]
    stamp = kept.stat().st_mtime_ns
    (home / "cache" / "latente" / "mnist" / SMALL.files[3]).unlink()
    mirrors(f"{server}/good/")
    check(datasets.load("mnist"))
    assert kept.stat().st_mtime_ns == stamp


def test_offline_error_lists_every_place(home, mirrors, monkeypatch):
    monkeypatch.setenv("LATENTE_DATA", str(home / "data"))
    (home / "data" / "mnist").mkdir(parents=True)
    (home / "data" / "mnist" / SMALL.files[0]).write_bytes(b"")
    mirrors(UNREACHABLE, "http://127.0.0.1:9/second/")
    with pytest.raises(FileNotFoundError) as raised:
        datasets.load("mnist")
    message = str(raised.value)
    assert "\n" not in message
    for expected in (
        "data set 'mnist' is not on this machine",
        f"{home / 'data' / 'mnist'} (lacks {', '.join(SMALL.files[1:])})",
        f"{home / 'cache' / 'latente' / 'mnist'} (no such folder)",
        f"{home / 'system' / 'mnist'} (no such folder)",
        f"{UNREACHABLE}{SMALL.files[0]} (",
        f"http://127.0.0.1:9/second/{SMALL.files[0]} (",
        "Connect to the internet",
        "'fashion-mnist-10k' need no download",
    ):
        assert expected in message
    assert not (home / "cache").exists()


def test_offline_error_names_the_variable_and_debians_package(home, monkeypatch):
    monkeypatch.setattr(loading, "FASHION_MNIST", replace(FASHION_MNIST, mirrors=(UNREACHABLE,)))
    with pytest.raises(FileNotFoundError, match=r"LATENTE_DATA is not set; .* package dataset-fashion-mnist"):
        datasets.load("fashion-mnist")


@pytest.mark.parametrize("place", ["data/mnist", "cache/latente/mnist", "system/mnist"])
def test_finds_the_files_in_every_place(home, mirrors, monkeypatch, place):
    monkeypatch.setenv("LATENTE_DATA", str(home / "data"))
    fill(home / place)
    check(datasets.load("mnist"))


def test_the_users_folder_comes_first_and_is_not_passed_over_when_damaged(home, mirrors, monkeypatch):
    monkeypatch.setenv("LATENTE_DATA", str(home / "data"))
    fill(home / "data" / "mnist")
    fill(home / "cache" / "latente" / "mnist")
    broken = home / "data" / "mnist" / SMALL.files[2]
    broken.write_bytes(gzip.compress(CONTENT[0]))
    with pytest.raises(ValueError, match="t10k-images.* is not the original file") as raised:
        datasets.load("mnist")
    assert str(broken) in str(raised.value)


def test_relative_cache_home_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.cache_folder() == tmp_path / ".cache" / "latente"


@pytest.mark.parametrize("source", [MNIST, FASHION_MNIST], ids=lambda source: source.name)
def test_mirrors_are_encrypted_and_end_in_a_slash(source):
    assert len(source.mirrors) >= 2
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in source.mirrors)
    assert all(len(checksum) == 64 for checksum in source.sha256)
