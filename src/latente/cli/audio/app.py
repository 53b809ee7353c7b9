"""The commands under `latente audio`, put together."""

from __future__ import annotations

__all__ = ["audio_app"]

import typer

from latente.cli.audio import denoising, music, separating, words

HELP = {"help_option_names": ["-h", "--help"]}

audio_app = typer.Typer(
    help="Sound: words recognised, music written, sources taken apart, noise removed.",
    no_args_is_help=True,
    context_settings=HELP,
)
audio_app.add_typer(words.words_app, name="words")
audio_app.add_typer(music.music_app, name="music")
audio_app.command(name="separate", epilog="Example: latente audio separate radio.mp3 -o parts")(separating.separate)
audio_app.command(name="denoise", epilog="Example: latente audio denoise call.wav -o clean.wav")(denoising.denoise)
