"""Fetch the files of a data set from a mirror: checked, whole or not at all."""

from __future__ import annotations

__all__ = ["download"]

import http.client
import os
import secrets
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from latente.datasets.idx import read_content
from latente.datasets.places import places
from latente.datasets.sources import IdxSource

if TYPE_CHECKING:
    from rich.progress import Progress

TIMEOUT = 30  # seconds without a byte from a mirror before the next one is tried
CHUNK = 1 << 16  # bytes


def download(source: IdxSource, folder: Path) -> Path:
    """Download the files of a data set that a folder lacks; returns the folder.

    A file gets its name only after its checksum was compared, so that an interrupted download leaves nothing
    behind. The mirrors are tried in turn.

    Raises:
        FileNotFoundError: no mirror gave a file; the message lists the places searched and the mirrors tried.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    searched = [str(place) for place in places(source)]
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, sha256 in zip(source.files, source.sha256, strict=True):
            if (folder / name).is_file():
                continue
            failures = _from_mirrors(source.mirrors, folder / name, sha256, progress)
            if failures:
                raise FileNotFoundError(_not_found(source, searched, failures))
    return folder


def _from_mirrors(mirrors: tuple[str, ...], target: Path, sha256: str, progress: Progress) -> list[str]:
    """Fetch one file; returns what each mirror said if all failed, an empty list if one delivered."""
    failures = []
    for mirror in mirrors:
        try:
            _fetch(mirror + target.name, target, sha256, progress)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"{mirror}{target.name} ({error})")
        else:
            return []
    return failures


def _fetch(url: str, target: Path, sha256: str, progress: Progress) -> None:
    """Stream an address into a temporary neighbour of the target, check it, rename it.

    Raises:
        OSError, http.client.HTTPException: the network or the disk failed.
        ValueError: what arrived is damaged or another file.
    """
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            length = response.headers.get("Content-Length")
            task = progress.add_task(target.name, total=int(length) if length else None)
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as out:
                while chunk := response.read(CHUNK):
                    out.write(chunk)
                    progress.update(task, advance=len(chunk))
        read_content(partial, sha256)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def _not_found(source: IdxSource, searched: list[str], failures: list[str]) -> str:
    package = f", or install Debian's package {source.debian_package}" if source.debian_package else ""
    return (
        f"data set {source.name!r} is not on this machine and could not be downloaded. "
        f"Searched: {'; '.join(searched)}. Tried: {'; '.join(failures)}. "
        f"Connect to the internet and try again, or put {', '.join(source.files)} "
        f"into one of these folders{package}. "
        "'digits' and 'fashion-mnist-10k' need no download."
    )
