"""The calibration plot: observed against predicted risk, with the distribution of predicted risks below."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, Frame, Scale, joined, picture, segment, square, text
from pipeline.report.figures.marks import (
    Curve,
    ModelLine,
    band,
    box,
    curves_of,
    dot,
    legend,
    line_mark,
    polyline,
    whisker,
)

TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)
STRIP, BINS = 62, 25  # height of the histogram below the plot, and its bars
MARGIN = 0.02  # mean distance within which the curve counts as close to the diagonal


def calibration_figure(
    table: pd.DataFrame, *, line: ModelLine, evaluation: str, title: str, predictions: pd.DataFrame | None = None
) -> Markup | None:
    """The model's rows of `calibration_curves`, and its scores (rows of predictions); None if there is no row.

    Line and band: loess; points with intervals: groups of equal size by predicted risk. Bars above the axis of the
    histogram are patients with the event, bars below it those without.
    """
    rows = line.rows(table)
    rows = rows[rows["evaluation"] == evaluation].sort_values("point", kind="stable")
    if not len(rows):
        return None
    frame, smooth, groups = square(), rows[rows["curve"] == "loess"], rows[rows["curve"] == "groups"]
    scores = _scores(predictions, line=line, evaluation=evaluation)
    foot = frame.y.start + (STRIP if scores is not None else 0)
    whole = Frame(x=frame.x, y=Scale(low=0, high=1, start=foot, stop=frame.y.stop))
    pieces = [
        whole.x_axis("Predicted risk", ticks=TICKS),
        frame.y_axis("Observed share with the event", ticks=TICKS),
        segment(frame.x(0), frame.y(0), frame.x(1), frame.y(1), css="chance"),
        text(frame.x(0.86), frame.y(0.88), "perfect", anchor="middle", css="soft halo", rotate_deg=-45),
        *_smooth(frame, smooth, line=line, evaluation=evaluation),
        *_groups(frame, groups),
        frame.outline(),
    ]
    if scores is not None:
        pieces.append(_histogram(scores, frame=frame, foot=foot))
    entries = [("groups, 95 % CI", _group_mark())]
    if len(smooth):
        entries.insert(0, ("curve with 95 % band", line_mark(0)))
    names, height = legend(entries, x=12, y=foot + 58, width=WIDTH)
    return picture(
        joined([*pieces, names]),
        width=WIDTH,
        height=foot + 50 + height,
        title=title,
        description=_words(smooth if len(smooth) else groups, name=line.name),
    )


def _scores(predictions: pd.DataFrame | None, *, line: ModelLine, evaluation: str) -> pd.DataFrame | None:
    if predictions is None:
        return None
    rows = line.rows(predictions)
    return rows[rows["evaluation"] == evaluation]


def _smooth(frame: Frame, rows: pd.DataFrame, *, line: ModelLine, evaluation: str) -> list[Markup]:
    if not len(rows):
        return []
    low, high = (rows[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high"))
    curve = curves_of(rows, evaluation=evaluation, lines=[line], x="predicted", y="observed")[0]
    plain = Curve(name=curve.name, x=curve.x, y=curve.y, style=0)
    return [band(frame, curve.x, low, high), polyline(frame, plain)]


def _groups(frame: Frame, rows: pd.DataFrame) -> list[Markup]:
    pieces = []
    for row in rows.itertuples():
        x = frame.x.held(float(row.predicted))
        if np.isfinite(row.ci_low) and np.isfinite(row.ci_high):
            pieces.append(whisker(x, frame.y.held(float(row.ci_low)), x, frame.y.held(float(row.ci_high))))
        pieces.append(dot(x, frame.y.held(float(row.observed)), css="dot open"))
    return pieces


def _group_mark() -> Markup:
    return joined([whisker(0, -8, 0, 8), dot(0, 0, css="dot open")])


def _histogram(scores: pd.DataFrame, *, frame: Frame, foot: float) -> Markup:
    """Counts by predicted risk: events upwards, non-events downwards."""
    top, middle = frame.y.start + 4, (frame.y.start + 4 + foot) / 2
    event = scores["label"].to_numpy().astype(bool)
    counts = {
        kind: np.histogram(scores["score"].to_numpy(dtype=float)[inside], bins=BINS, range=(0, 1))[0]
        for kind, inside in (("event", event), ("other", ~event))
    }
    unit = (middle - top - 2) / max(1, *(int(count.max()) for count in counts.values()))
    width = (frame.x.stop - frame.x.start) / BINS
    pieces = [segment(frame.x.start, middle, frame.x.stop, middle, css="rule")]
    for kind, count in counts.items():
        for place, n in enumerate(count):
            if n:
                y = middle - n * unit if kind == "event" else middle
                x = frame.x.start + place * width
                pieces.append(box(x + 0.8, y, width=width - 1.6, height=float(n * unit), css=f"dot {kind}"))
    pieces.append(text(frame.x.stop - 3, top + 12, "with the event ↑", anchor="end", css="small halo"))
    pieces.append(text(frame.x.stop - 3, foot - 5, "without it ↓", anchor="end", css="small halo"))
    return joined(pieces)


def _words(rows: pd.DataFrame, *, name: str) -> str:
    """The position of the curve relative to the diagonal, in the lower and the upper half of the predicted risks."""
    ordered = rows.sort_values("predicted", kind="stable")
    middle = (len(ordered) + 1) // 2
    halves = (ordered.iloc[:middle], ordered.iloc[middle:])
    sides = []
    for half, where in zip(halves, ("low", "high"), strict=True):
        apart = float((half["observed"] - half["predicted"]).mean()) if len(half) else 0.0
        side = "close to" if abs(apart) <= MARGIN else "above" if apart > 0 else "below"
        sides.append(f"{side} the diagonal at {where} predicted risks")
    return (
        f"Observed against predicted risk of {name}. On average it lies {sides[0]} and {sides[1]}; above means that "
        "more patients have the event than predicted, below that fewer have."
    )
