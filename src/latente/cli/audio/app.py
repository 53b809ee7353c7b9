"""The commands under `latente audio`, put together."""

from __future__ import annotations

__all__ = ["audio_app"]

import typer

from latente.cli.audio import music, words

HELP = {"help_option_names": ["-h", "--help"]}

audio_app = typer.Typer(help="Sound: words recognised, music written.", no_args_is_help=True, context_settings=HELP)
audio_app.add_typer(words.words_app, name="words")
audio_app.add_typer(music.music_app, name="music")
