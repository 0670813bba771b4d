"""Intervals: a single one as a bar, or rows of estimates with names on the left and numbers on the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, Scale, joined, number, place, segment, text
from pipeline.report.figures.marks import dot

ROW, HEAD = 20, 30
PLOT = (160.0, 268.0)  # where the plot begins and ends; no text of a row with a bar lies between


@dataclass(frozen=True, kw_only=True)
class IntervalRow:
    """One row; without an estimate it is a heading, or `note` states why there is none."""

    name: str
    estimate: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    note: str = ""
    shape: str = "square"
    css: str = "dot"
    heading: bool = False


def interval_rows(
    rows: Sequence[IntervalRow], *, left: str, right: str, axis: str, marks: Sequence[tuple[float, str]], y: float = 0
) -> tuple[Markup, float]:
    """The drawing and its height; `marks`: values marked by a vertical line, and the class of the line."""
    scale = _scale(rows)
    foot = y + HEAD + ROW * len(rows) + 4
    pieces = [
        text(2, y + 16, left, css="small strong"),
        text(WIDTH - 2, y + 16, right, anchor="end", css="small strong"),
    ]
    for value in scale.ticks(4):
        pieces.append(segment(scale(value), y + HEAD - 6, scale(value), foot, css="grid"))
        pieces.append(text(scale(value), foot + 16, number(value), anchor="middle"))
    pieces += [segment(scale(v), y + HEAD - 6, scale(v), foot, css=css) for v, css in marks if scale.holds(v)]
    for place_, row in enumerate(rows):
        pieces.append(_row(row, scale=scale, y=y + HEAD + ROW * place_ + ROW / 2))
    pieces.append(text((scale.start + scale.stop) / 2, foot + 34, axis, anchor="middle", css="axis"))
    return joined(pieces), foot + 42 - y


def _scale(rows: Sequence[IntervalRow]) -> Scale:
    """From the lowest limit (at most chance) to 1."""
    lows = [value for row in rows for value in (row.low, row.estimate) if not isnan(value)]
    low = min([0.5, *lows])
    return Scale(low=max(0.0, int(low * 10 + 1e-9) / 10), high=1.0, start=PLOT[0], stop=PLOT[1])


def _row(row: IntervalRow, *, scale: Scale, y: float) -> Markup:
    base = y + 4.5
    name = text(2 if row.heading else 10, base, row.name, css="strong" if row.heading else "")
    if isnan(row.estimate):
        return joined([name, text(WIDTH - 2, base, row.note, anchor="end", css="small soft")])
    pieces = [name]
    if not isnan(row.low):
        low, high = scale.held(row.low), scale.held(row.high)
        pieces.append(Markup('<path class="whisker" d="M{} {y}H{}"/>').format(place(low), place(high), y=place(y)))
    pieces.append(dot(scale.held(row.estimate), y, shape=row.shape, css=row.css))
    limits = f" ({number(row.low, digits=2)}–{number(row.high, digits=2)})" if not isnan(row.low) else ""
    pieces.append(text(WIDTH - 2, base, f"{number(row.estimate, digits=2)}{limits}", anchor="end", css="small"))
    return joined(pieces)


def interval_bar(estimate: str, *, low: str, high: str, floor: float) -> Markup:
    """A dot with its interval on a line from `floor` to 1; hidden from screen readers, as the values are in the text.

    The arguments are cells of a table; nothing is drawn if the estimate is empty.
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
