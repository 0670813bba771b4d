"""Small pieces of HTML: names that break at few places, images as addresses."""

import base64
import re

from markupsafe import Markup, escape

_PIECE = re.compile(r"[^_@\s]*_+|[^_@\s]+(?=[_@\s]|$)|@+[^_@\s]*|\s+")
BREAK = Markup("<wbr>")


def breakable(name: object) -> Markup:
    """A name with line breaks allowed after underscores, before `@` and at blanks, and nowhere else.

    A browser also breaks after a hyphen; a piece with one is therefore kept on one line.
    """
    pieces: list[Markup] = []
    for piece in _PIECE.findall(str(name)):
        if pieces and not piece.isspace():
            pieces.append(BREAK)
        pieces.append(Markup('<span class="whole">{}</span>').format(piece) if "-" in piece else escape(piece))
    return Markup("").join(pieces)


def svg_address(svg: bytes) -> str:
    """An SVG drawing as an address that holds the drawing itself; a browser runs no script in it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def data_address(png: bytes) -> str:
    """A PNG image as an address that holds the image itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
