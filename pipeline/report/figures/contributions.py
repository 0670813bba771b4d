"""Contributions of features (SHAP): by patient, their mean size by group, and the fall of the AUC without a block."""

from collections.abc import Callable
from textwrap import wrap

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.report.figures.axes import WIDTH, Frame, Scale, joined, picture, place, segment, text, widened
from pipeline.report.figures.marks import box, dot, legend, whisker

MAX_ROWS = 10  # features or groups of a figure
MAX_DOTS = 150  # patients drawn for each feature
LETTERS = 58  # of a line of text
SHADES = ("#eef3f8", "#b9cde0", "#7fa3c4", "#3f719c", "#0b3d63")  # low to high values, apart in grey as well
ROOM = 10  # half the height of a row of dots
DOT = 2.6
LEFT, RIGHT = 24, WIDTH - 16
Floats = NDArray[np.float64]


def beeswarm_figure(
    contributions: pd.DataFrame, values: pd.DataFrame, *, title: str, unit: str, words: Callable[[str], str]
) -> Markup | None:
    """One row of dots per feature, one dot per patient: its contribution, shaded by the feature's value; None if empty.

    `contributions` and `values`: patients by features, in the order of the rows; `words`: the name of a feature for
    display. Of more than `MAX_DOTS` patients, as many are drawn, evenly over their contributions.
    """
    columns = list(contributions.columns[:MAX_ROWS])
    if not columns or not len(contributions):
        return None
    numbers = contributions[columns].to_numpy(dtype=float)
    low, high = widened(min(0.0, float(numbers.min())), max(0.0, float(numbers.max())), count=4)
    scale = Scale(low=low, high=high, start=LEFT, stop=RIGHT)
    dots, y = [], 8.0
    for column in columns:
        lines = wrap(words(str(column)), LETTERS)
        dots += [text(2, y + 12 + 16 * n, line, css="small halo") for n, line in enumerate(lines)]
        y += 16 * len(lines) + ROOM + 5
        shades = _shades(values[column].to_numpy(dtype=float))
        dots += _swarm(scale, contributions[column].to_numpy(dtype=float), shades=shades, y=y)
        y += ROOM + 8
    frame = Frame(x=scale, y=Scale(low=0, high=1, start=y + 4, stop=4))
    axis = frame.x_axis(f"Contribution to the output ({unit})")
    zero = segment(scale(0), 4, scale(0), y + 4, css="rule")
    marks = [("low value", _circle(0, 0, SHADES[0], 5)), ("middle", _circle(0, 0, SHADES[2], 5))]
    names, height = legend([*marks, ("high value", _circle(0, 0, SHADES[-1], 5))], x=4, y=y + 60, width=WIDTH)
    description = (
        f"Contributions of {len(columns)} features, the largest mean size first: {words(str(columns[0]))}. "
        "One dot per patient; dots to the right raise the output. Dark dots are high values of the feature."
    )
    return picture(
        joined([axis, zero, *dots, names]), width=WIDTH, height=y + 56 + height, title=title, description=description
    )


def size_figure(rows: pd.DataFrame, *, title: str, unit: str, words: Callable[[str], str]) -> Markup | None:
    """Bars of the mean size of the contributions of each group with their intervals, the largest first; None if empty.

    `rows`: columns group, mean_abs, ci_low and ci_high (empty without an interval). The largest `MAX_ROWS` are drawn.
    """
    table = rows.sort_values(["mean_abs", "group"], ascending=[False, True], kind="stable").head(MAX_ROWS)
    if not len(table):
        return None
    top = float(np.nanmax(table[["mean_abs", "ci_high"]].to_numpy(dtype=float)))
    scale = Scale(low=0, high=widened(0, top, count=4)[1], start=LEFT, stop=RIGHT)
    marks, y = [], 8.0
    for row in table.itertuples():
        lines = wrap(words(str(row.group)), LETTERS)
        marks += [text(2, y + 12 + 16 * n, line, css="small") for n, line in enumerate(lines)]
        y += 16 * len(lines) + 3
        marks.append(box(scale(0), y, width=scale(float(row.mean_abs)) - scale(0), height=10, css="dot other"))
        marks += _interval(scale, row.ci_low, row.ci_high, y=y + 5)
        y += 17
    frame = Frame(x=scale, y=Scale(low=0, high=1, start=y, stop=4))
    first = words(str(table["group"].iloc[0]))
    description = f"Mean size of the contributions of {len(table)} of {len(rows)} groups, the largest first: {first}."
    body = joined([frame.x_axis(f"Mean size of the contribution ({unit})"), *marks])
    return picture(body, width=WIDTH, height=y + 48, title=title, description=description)


def fall_figure(rows: pd.DataFrame, *, title: str) -> Markup | None:
    """The fall of the AUC when a block is permuted, with its interval, the largest first; None without a number.

    `rows`: columns block, fall, ci_low and ci_high.
    """
    table = rows.dropna(subset="fall").sort_values(["fall", "block"], ascending=[False, True], kind="stable")
    if not len(table):
        return None
    reach = table[["fall", "ci_low", "ci_high"]].to_numpy(dtype=float)
    low, high = widened(min(0.0, float(np.nanmin(reach))), max(0.0, float(np.nanmax(reach))), count=4)
    scale = Scale(low=low, high=high, start=LEFT, stop=RIGHT)
    marks, y = [], 8.0
    for row in table.itertuples():
        marks.append(text(2, y + 12, str(row.block), css="small"))
        y += 26
        marks += _interval(scale, row.ci_low, row.ci_high, y=y)
        marks.append(dot(scale(float(row.fall)), y))
        y += 12
    frame = Frame(x=scale, y=Scale(low=0, high=1, start=y, stop=4))
    zero = segment(scale(0), 4, scale(0), y, css="rule")
    description = f"Fall of the AUC after permutation of a block, the largest first: {table['block'].iloc[0]}."
    body = joined([frame.x_axis("Fall of the AUC"), zero, *marks])
    return picture(body, width=WIDTH, height=y + 48, title=title, description=description)


def _interval(scale: Scale, low: object, high: object, *, y: float) -> list[Markup]:
    ends = [float(str(end)) if pd.notna(end) else float("nan") for end in (low, high)]
    return [] if np.isnan(ends).any() else [whisker(scale(ends[0]), y, scale(ends[1]), y)]


def _shades(values: Floats) -> NDArray[np.int64]:
    """The shade of each value, by its place between the lowest and the highest tenth; the middle if all are equal."""
    low, high = np.quantile(values, [0.1, 0.9])
    low, high = (values.min(), values.max()) if high <= low else (low, high)
    if high <= low:
        return np.full(len(values), len(SHADES) // 2)
    return np.clip(((values - low) / (high - low) * len(SHADES)).astype(np.int64), 0, len(SHADES) - 1)


def _swarm(scale: Scale, values: Floats, *, shades: NDArray[np.int64], y: float) -> list[Markup]:
    """The dots of one feature; those that would lie upon each other are stacked up and down in turn."""
    order = np.lexsort((shades, values))
    if len(order) > MAX_DOTS:
        order = order[np.linspace(0, len(order) - 1, MAX_DOTS).round().astype(np.int64)]
    taken: dict[int, int] = {}
    found = []
    for n in order:
        at = scale(float(values[n]))
        cell = int(at / (2 * DOT))
        level = taken.get(cell, 0)
        taken[cell] = level + 1
        shift = (level + 1) // 2 * 2 * DOT * (1 if level % 2 else -1)
        found.append(_circle(at, y + max(-ROOM, min(ROOM, shift)), SHADES[shades[n]], DOT))
    return found


def _circle(x: float, y: float, fill: str, size: float) -> Markup:
    return Markup('<circle cx="{}" cy="{}" r="{:g}" fill="{}" stroke="#333" stroke-width=".5"/>').format(
        place(x), place(y), size, fill
    )
