"""Distributions in rows: a tick per value, a box of the quartiles, and a mean with its interval if it is given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.report.figures.axes import WIDTH, Scale, joined, number, place, segment, text
from pipeline.report.figures.marks import box, dot, whisker

ROW, HEADING, HEAD = 30, 24, 8
PLOT = (150.0, WIDTH - 14.0)
TICK = 7  # half the height of a value's tick
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class DistributionRow:
    """One row, or a heading if it has no value; the mean and its interval may be absent. `filled`: the box is dark."""

    name: str
    values: NDArray[np.float64]
    mean: float = NAN
    low: float = NAN
    high: float = NAN
    filled: bool = False

    @property
    def height(self) -> float:
        """Its height in the figure."""
        return ROW if self.values.size else HEADING


def distribution_rows(
    rows: Sequence[DistributionRow], *, scale: tuple[float, float], axis: str, marks: Sequence[float] = ()
) -> tuple[Markup, float]:
    """The drawing and its height; values outside `scale` are drawn at its end; `marks`: values with a dotted line."""
    across = Scale(low=scale[0], high=scale[1], start=PLOT[0], stop=PLOT[1])
    foot = HEAD + sum(row.height for row in rows) + 4
    pieces = []
    for value in across.ticks(5):
        pieces.append(segment(across(value), HEAD, across(value), foot, css="grid"))
        pieces.append(text(across(value), foot + 17, number(value), anchor="middle"))
    pieces += [segment(across(one), HEAD, across(one), foot, css="chance strong") for one in marks if across.holds(one)]
    y = float(HEAD)
    for row in rows:
        pieces.append(_row(row, scale=across, y=y + row.height / 2))
        y += row.height
    pieces.append(text((PLOT[0] + PLOT[1]) / 2, foot + 36, axis, anchor="middle", css="axis"))
    return joined(pieces), foot + 44


def _row(row: DistributionRow, *, scale: Scale, y: float) -> Markup:
    if not row.values.size:
        return text(2, y + 6, row.name, css="strong")
    ticks = "".join(f"M{place(scale.held(value))} {place(y - TICK)}v{2 * TICK}" for value in np.sort(row.values))
    q1, median, q3 = (scale.held(value) for value in np.quantile(row.values, [0.25, 0.5, 0.75]))
    pieces = [
        text(10, y + 4.5, row.name),
        Markup('<path class="rug" d="{}"/>').format(ticks),
        box(
            q1,
            y - TICK + 2,
            width=max(q3 - q1, 0.5),
            height=2 * TICK - 4,
            css="quartiles dark" if row.filled else "quartiles",
        ),
        segment(median, y - TICK - 2, median, y + TICK + 2, css="median"),
    ]
    if not np.isnan(row.mean):
        if not np.isnan(row.low):
            pieces.append(whisker(scale.held(row.low), y + TICK + 4, scale.held(row.high), y + TICK + 4))
        pieces.append(dot(scale.held(row.mean), y + TICK + 4, shape="diamond", size=3))
    return joined(pieces)
