"""The page around the pieces: one file, no network."""

from __future__ import annotations

__all__ = ["page"]

from importlib.resources import files

from latente.report.html import Html, join, tag

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # the browser itself refuses any request


def page(title: str, lead: object, *sections: object) -> str:
    """Returns a whole HTML document.

    Args:
        title: of the document and its first heading.
        lead: what it is about, in a sentence or two.
        sections: its chapters, markup; None is left out.
    """
    sounds = "; media-src data:" if any("<audio" in str(piece) for piece in sections) else ""
    css = files("latente.report").joinpath("style.css").read_text(encoding="utf-8")
    head = join(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY + sounds),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", title),
            tag("style", Html(css)),
        ],
        "\n",
    )
    body = tag("main", tag("header", tag("h1", title), tag("p", lead, class_="lead")), *sections)
    return f"<!DOCTYPE html>\n{tag('html', tag('head', head), tag('body', body), lang='en')}\n"
