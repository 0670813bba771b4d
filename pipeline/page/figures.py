"""Figures as inline SVG: sharp in print, told apart by dashes as well as colours, the same bytes on every run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

SIDE = 400  # user units of the plotted square
EDGE = (52, 12, 12, 46)  # left, right, top, bottom
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


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One ROC curve: its name for screen readers, 1 - specificity and sensitivity, and its place among `STYLES`."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    style: int


def _stroke(style: int) -> Markup:
    colour, dashes, width = STYLES[style % len(STYLES)]
    return Markup('stroke="{}" stroke-width="{}" stroke-dasharray="{}"').format(colour, width, dashes)


def swatch(style: int) -> Markup:
    """A short piece of the line of a curve, for the legend."""
    return Markup(
        '<svg class="swatch" viewBox="0 0 40 10" aria-hidden="true"><line x1="1" y1="5" x2="39" y2="5" {}/></svg>'
    ).format(_stroke(style))


def _ticks() -> Markup:
    left, _, top, _ = EDGE
    line = Markup('<path class="grid" d="M{x} {top}v{side}M{left} {y}h{side}"/>')
    below = Markup('<text x="{x}" y="{y}" text-anchor="middle">{label}</text>')
    beside = Markup('<text x="{x}" y="{y}" text-anchor="end">{label}</text>')
    parts = []
    for step in range(0, 11, 2):
        x, y, label = f"{left + SIDE * step / 10:g}", top + SIDE - SIDE * step / 10, f"{step / 10:g}"
        parts.append(line.format(x=x, y=f"{y:g}", left=left, top=top, side=SIDE))
        parts.append(below.format(x=x, y=top + SIDE + 18, label=label))
        parts.append(beside.format(x=left - 8, y=f"{y + 4:g}", label=label))
    return Markup("").join(parts)


def roc_figure(curves: Sequence[Curve], *, title: str) -> Markup:
    """The ROC curves of one evaluation; the first curve is drawn last, on top of the others."""
    left, right, top, bottom = EDGE
    width, height = left + SIDE + right, top + SIDE + bottom
    lines = []
    for curve in reversed(curves):
        points = " ".join(
            f"{left + SIDE * x:.2f},{top + SIDE * (1 - y):.2f}" for x, y in zip(curve.x, curve.y, strict=True)
        )
        lines.append(Markup('<polyline points="{}" {} fill="none"/>').format(points, _stroke(curve.style)))
    names = ", ".join(curve.name for curve in curves)
    description = f"{title}. Curves: {names}. The areas under the curves stand in the legend."
    return Markup(
        '<svg class="roc" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}'
        '<path class="chance" d="M{} {}L{} {}"/>{}<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="axis" x="{}" y="{}" text-anchor="middle">1 − specificity</text>'
        '<text class="axis" x="14" y="{}" text-anchor="middle" transform="rotate(-90 14 {})">Sensitivity</text></svg>'
    ).format(
        *(width, height, description, title, _ticks()),
        *(left, top + SIDE, left + SIDE, top, Markup("").join(lines)),
        *(left, top, SIDE, SIDE, left + SIDE // 2, height - 6, top + SIDE // 2, top + SIDE // 2),
    )


def interval_bar(estimate: str, *, low: str, high: str, floor: float) -> Markup:
    """A dot with its interval on a line from `floor` to 1; the values stand beside it as text, so it is for the eye.

    Texts are cells of a table; nothing is drawn where the estimate is empty.
    """
    if not estimate:
        return Markup("")

    def place(value: str) -> str:
        return f"{4 + 112 * (min(max(float(value), floor), 1) - floor) / (1 - floor):.1f}"

    whisker = Markup('<path class="whisker" d="M{} 8H{}"/>').format(place(low), place(high)) if low else Markup("")
    return Markup(
        '<svg class="bar" viewBox="0 0 120 16" aria-hidden="true"><path class="scale" d="M4 8H116"/>'
        '<path class="scale" d="M{} 3V13"/>{}<circle cx="{}" cy="8" r="3.4"/></svg>'
    ).format(place("0.5"), whisker, place(estimate))
