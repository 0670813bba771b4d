"""Marks of a plot: lines that differ in dashes as well as colours, bands, points, the legend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.report.figures.axes import Frame, joined, place, text, text_width

STYLES = (  # colour, dashes, width
    ("#0b3d63", "", 3.2),
    ("#b3541e", "9 4", 2.6),
    ("#3c6e3c", "2 3", 2.2),
    ("#6b4a8a", "10 3 2 3", 2.0),
    ("#8a6d1d", "5 3", 2.0),
    ("#3f7f86", "14 4", 1.8),
    ("#9c4562", "1 4", 2.2),
    ("#555b63", "6 2 1 2 1 2", 1.8),
)
LINE = 19  # height of a line of the legend


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a figure: its name, its points, and its index in `STYLES`."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    style: int


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """A model of a figure: its key in the tables, its name in words, its index in `STYLES`."""

    feature_set: str
    model: str
    name: str
    style: int

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """The model's rows of a table."""
        return table[(table["feature_set"] == self.feature_set) & (table["model"] == self.model)]


def curves_of(table: pd.DataFrame, *, evaluation: str, lines: Sequence[ModelLine], x: str, y: str) -> list[Curve]:
    """The models' curves of one evaluation in the order of `lines`; models without rows are omitted."""
    inside = table[table["evaluation"] == evaluation].sort_values("point", kind="stable")
    found = [(line, line.rows(inside)) for line in lines]
    return [
        Curve(name=line.name, x=rows[x].to_numpy(dtype=float), y=rows[y].to_numpy(dtype=float), style=line.style)
        for line, rows in found
        if len(rows)
    ]


def stroke(style: int) -> Markup:
    """Colour, width and dashes of a line."""
    colour, dashes, width = STYLES[style % len(STYLES)]
    return Markup('stroke="{}" stroke-width="{}" stroke-dasharray="{}"').format(colour, width, dashes)


def colour(style: int) -> str:
    """The colour of a line."""
    return STYLES[style % len(STYLES)][0]


def swatch(style: int) -> Markup:
    """A short sample of the line of a curve, for the legend in a table."""
    return Markup(
        '<svg class="swatch" viewBox="0 0 40 10" aria-hidden="true"><line x1="1" y1="5" x2="39" y2="5" {}/></svg>'
    ).format(stroke(style))


def polyline(frame: Frame, curve: Curve) -> Markup:
    """A curve within the plot; a point outside it or without a value breaks the line."""
    return _runs(frame, curve, stroke(curve.style))


def path(frame: Frame, curve: Curve, *, css: str) -> Markup:
    """A line as in `polyline`, styled by a class."""
    return _runs(frame, curve, Markup('class="{}"').format(css))


def _runs(frame: Frame, curve: Curve, look: Markup) -> Markup:
    known = np.array(
        [frame.x.holds(x) and frame.y.holds(y) for x, y in zip(curve.x, curve.y, strict=True)], dtype=np.bool_
    )
    runs = np.split(np.arange(known.size), np.flatnonzero(np.diff(known)) + 1)
    return joined(
        Markup('<polyline points="{}" {} fill="none"/>').format(
            " ".join(frame.point(curve.x[n], curve.y[n]) for n in run), look
        )
        for run in runs
        if run.size and known[run[0]]
    )


def steps(curve: Curve) -> Curve:
    """The curve as a step function: each value applies from the previous x to its own x; it starts at x = 0."""
    before = np.concatenate([[0.0], curve.x[:-1]])
    x, y = np.stack([before, curve.x], axis=1).ravel(), np.repeat(curve.y, 2)
    return Curve(name=curve.name, x=x, y=y, style=curve.style)


def band(frame: Frame, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> Markup:
    """The area between two lines, clipped to the plot; nothing is drawn where a limit is missing."""
    known = np.isfinite(low) & np.isfinite(high)
    upper = [frame.point(a, b) for a, b in zip(x[known], high[known], strict=True)]
    lower = [frame.point(a, b) for a, b in zip(x[known], low[known], strict=True)]
    if len(upper) < 2:
        return Markup("")
    return Markup('<polygon class="band" points="{}"/>').format(" ".join([*upper, *reversed(lower)]))


def dot(x: float, y: float, *, shape: str = "circle", size: float = 4, css: str = "dot") -> Markup:
    """A point in one of three shapes: circle, square or diamond."""
    if shape == "circle":
        return Markup('<circle class="{}" cx="{}" cy="{}" r="{:g}"/>').format(css, place(x), place(y), size)
    if shape == "square":
        return box(x - size, y - size, width=2 * size, height=2 * size, css=css)
    if shape == "diamond":
        far = size * 1.35
        corners = ((x, y - far), (x + far, y), (x, y + far), (x - far, y))
        path_data = "L".join(f"{place(a)} {place(b)}" for a, b in corners)
        return Markup('<path class="{}" d="M{}Z"/>').format(css, path_data)
    msg = f"shape ({shape}) must be circle, square or diamond"
    raise ValueError(msg)


def box(x: float, y: float, *, width: float, height: float, css: str) -> Markup:
    """A rectangle."""
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        css, *(place(v) for v in (x, y, width, height))
    )


def whisker(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """The line of an interval."""
    return Markup('<path class="whisker" d="M{} {}L{} {}"/>').format(place(x1), place(y1), place(x2), place(y2))


def legend(entries: Sequence[tuple[str, Markup]], *, x: float, y: float, width: float) -> tuple[Markup, float]:
    """Names beside their marks, in lines as long as `width` allows; the drawing and its height.

    A mark is centred on (0, 0) and 34 wide.
    """
    parts, column, line = [], 0.0, 0
    for name, mark in entries:
        need = 44 + text_width(name, size=13) + 16
        if column and column + need > width:
            column, line = 0.0, line + 1
        base = y + line * LINE
        parts.append(Markup('<g transform="translate({} {})">{}</g>').format(place(x + column + 18), place(base), mark))
        parts.append(text(x + column + 41, base + 4.5, name))
        column += need
    return joined(parts), (line + 1) * LINE if entries else 0.0


def line_mark(style: int) -> Markup:
    """A sample of a curve's line for a legend."""
    return Markup('<path d="M-17 0H17" {} fill="none"/>').format(stroke(style))


def curve_legend(curves: Sequence[Curve], *, frame: Frame) -> tuple[Markup, float]:
    """The curves' names below a plot, and their height."""
    entries = [(curve.name, line_mark(curve.style)) for curve in curves]
    return legend(entries, x=12, y=frame.y.start + 58, width=frame.x.stop)
