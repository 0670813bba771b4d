"""The nomogram: one axis per variable, the points scale above, the total and its risk below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, Scale, in_words, joined, picture, segment, text, text_width

LEFT, RIGHT = 14, WIDTH - 20
ROW, LINE = 50, 15  # height of an axis, and of a further line of its labels
GROUPED = ("score", "number", "category")
WORDS = {
    "score": "{}: score of its features (log-odds, computed)",
    "total": "Total points: the sum of the points of all axes",
    "probability": "Probability by this half of the model",
    "mean": "Mean of the two probabilities",
    "risk": "Risk of the model (recalibrated)",
}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A tick of an axis: its coordinate, its label, and whether it is a level, whose label must be shown."""

    at: float
    label: str
    level: bool = False


def nomogram_figure(table: pd.DataFrame, *, title: str) -> Markup:
    """The nomogram of one part: the rows of one part of the nomogram table.

    The points of a value are read vertically above it. Below, the total points are aligned with the probability.
    """
    points = Scale(low=min(0.0, _known(table).min()), high=max(100.0, _known(table).max()), start=LEFT, stop=RIGHT)
    scale = [Mark(at=points(value), label=f"{value:g}") for value in range(0, 101, 10)]
    pieces, y = [_ruled("Points", scale, y=22)[0]], 22.0 + ROW
    for place, rows in table[table["kind"].isin(GROUPED)].groupby("place", sort=True):
        del place
        drawn, height = _ruled(_name(rows.iloc[0]), _marks(rows, scale=points, column="points"), y=y)
        pieces.append(drawn)
        y += height
    below, y = _foot(table, y=y + 8)
    guides = [segment(points(value), 36, points(value), y - 2 * ROW - 20, css="grid") for value in range(0, 101, 10)]
    return picture(
        joined([*guides, *pieces, *below]),
        width=WIDTH,
        height=y,
        title=title,
        description=_words(table),
        css="figure tall",
    )


def conversion_figure(table: pd.DataFrame, *, title: str) -> Markup:
    """The conversion of the mean of the two probabilities to the model's risk, and its threshold: rows `together`."""
    scale = Scale(low=0, high=1, start=LEFT, stop=RIGHT)
    means = table[table["kind"] == "mean"]
    above, height = _ruled(WORDS["mean"], _marks(means, scale=scale, column="value"), y=22)
    below, end = _risk_axis(table, column="mean_probability", scale=scale, y=22 + height)
    description = "The upper scale is the mean of the two probabilities, the lower one the risk that the model gives."
    return picture(joined([above, *below]), width=WIDTH, height=end, title=title, description=description, css="figure")


def _known(table: pd.DataFrame) -> pd.Series:
    return table.loc[table["kind"].isin(GROUPED), "points"].dropna()


def _name(row: pd.Series) -> str:
    return WORDS.get(str(row["kind"]), "{}").format(in_words(str(row["variable"])))


def _foot(table: pd.DataFrame, *, y: float) -> tuple[list[Markup], float]:
    """The total points above the probability, or above the risk if the model has one part."""
    totals = table[table["kind"] == "total"]
    scale = Scale(low=totals["value"].min(), high=totals["value"].max(), start=LEFT, stop=RIGHT)
    drawn, height = _ruled(WORDS["total"], _marks(totals, scale=scale, column="value"), y=y)
    kind = "probability" if (table["kind"] == "probability").any() else "risk"
    if kind == "risk":
        below, end = _risk_axis(table, column="points", scale=scale, y=y + height)
        return [drawn, *below], end
    rows = table[table["kind"] == kind]
    axis, more = _ruled(WORDS[kind], _marks(rows, scale=scale, column="points"), y=y + height)
    return [drawn, axis], y + height + more - 8


def _risk_axis(table: pd.DataFrame, *, column: str, scale: Scale, y: float) -> tuple[list[Markup], float]:
    """The risk, with its threshold."""
    drawn, height = _ruled(WORDS["risk"], _marks(table[table["kind"] == "risk"], scale=scale, column=column), y=y)
    pieces = []
    for at in table.loc[table["kind"] == "threshold", column]:
        x, foot = scale(float(at)), y + height - 10
        anchor, shift = ("end", -5) if x > WIDTH / 2 else ("start", 5)
        pieces.append(segment(x, y + 3, x, foot, css="guide"))
        pieces.append(text(x + shift, foot, "called positive from here", anchor=anchor))
    return [*pieces, drawn], y + height


def _marks(rows: pd.DataFrame, *, scale: Scale, column: str) -> list[Mark]:
    """The ticks of an axis; those without a value are levels."""
    return [
        Mark(at=scale(at), label=label, level=bool(pd.isna(value)))
        for at, label, value in zip(rows[column], rows["label"], rows["value"], strict=True)
    ]


def _ruled(name: str, ticks: Sequence[Mark], *, y: float) -> tuple[Markup, float]:
    """An axis at height `y`, its name above, its ticks and labels below; returns the drawing and its height."""
    line = y + 8
    stems, labels = [], [text(LEFT - 10, y, name, css="strong halo")]
    if ticks:
        stems.append(segment(min(tick.at for tick in ticks), line, max(tick.at for tick in ticks), line, css="rule"))
    deepest = 0
    for at, label, row in _labelled(ticks):
        stems.append(segment(at, line, at, line + 5 + max(row, 0) * LINE, css="rule"))
        if row >= 0:
            half = text_width(label) / 2 + 2
            held = min(max(at, half), WIDTH - half)
            labels.append(text(held, line + 17 + row * LINE, label, anchor="middle", css="small halo"))
        deepest = max(deepest, row)
    return joined([*stems, *labels]), ROW + deepest * LINE


def _labelled(ticks: Sequence[Mark]) -> Iterator[tuple[float, str, int]]:
    """Each tick with its label and the line of the label, -1 if it has no room.

    Levels and the two ends come first and may move to a lower line; other labels are on the first line or omitted.
    """
    taken: list[tuple[int, float, float]] = []
    ordered = sorted(ticks, key=lambda tick: tick.at)
    levels, numbers = ([tick for tick in ordered if tick.level is level] for level in (True, False))
    ends = numbers[:1] + numbers[-1:]
    placed = list(dict.fromkeys([*ends, *levels, *ordered]))
    for tick in placed:
        half = text_width(tick.label) / 2 + 2
        middle = min(max(tick.at, half), WIDTH - half)
        lines = range(4) if tick.level or tick in ends else range(1)
        free = (
            line
            for line in lines
            if all(line != n or middle + half <= low or middle - half >= high for n, low, high in taken)
        )
        line = next(free, -1)
        if line >= 0:
            taken.append((line, middle - half, middle + half))
        yield tick.at, tick.label, line


def _words(table: pd.DataFrame) -> str:
    spans = _known(table).groupby(table["variable"], sort=False).agg(lambda points: points.max() - points.min())
    widest, narrowest = in_words(str(spans.idxmax())), in_words(str(spans.idxmin()))
    return (
        f"Axes: {', '.join(in_words(name) for name in spans.index)}. {widest} can give the most "
        f"points, {narrowest} the fewest. The points of all axes are added up; below the total stands the probability."
    )
