"""Sham labels: a dot for each shuffle of the outcome, with the range in which chance lies."""

import pandas as pd
from markupsafe import Markup

from pipeline.page.figures.axes import WIDTH, Frame, Scale, joined, picture, segment, text
from pipeline.page.figures.marks import box, dot

ROWS = {"all": "all patients", "within_site": "within sites"}
LEFT, TOP, ROW = 92, 12, 52


def sham_figure(sham: pd.DataFrame, *, low: float, high: float) -> Markup:
    """The AUCs of `sham.csv`, a row a kind; `low` to `high` is the range the mean may lie in."""
    kinds = [kind for kind in ROWS if (sham["kind"] == kind).any()]
    foot = TOP + ROW * len(kinds)
    values = sham["auc"].dropna()
    ends = (min(0.3, float(values.min()) - 0.02), max(0.7, float(values.max()) + 0.02))
    frame = Frame(
        x=Scale(low=ends[0], high=ends[1], start=LEFT, stop=WIDTH - 14),
        y=Scale(low=0, high=1, start=foot, stop=TOP),
    )
    x = frame.x
    body = [
        box(x(low), TOP, width=x(high) - x(low), height=foot - TOP, css="band"),
        frame.x_axis("AUC on shuffled outcomes, mean of the folds"),
        segment(x(0.5), TOP, x(0.5), foot, css="chance"),
    ]
    for place, kind in enumerate(kinds):
        own = sham.loc[sham["kind"] == kind, "auc"].dropna().sort_values().to_list()
        middle = TOP + ROW * (place + 0.5)
        body.append(text(LEFT - 8, middle + 4, ROWS[kind], anchor="end"))
        # Two heights in turn, so that neighbours do not hide each other.
        body += [dot(x(auc), middle + (-8 if n % 2 else 8)) for n, auc in enumerate(own)]
        mean = sum(own) / len(own)
        body.append(segment(x(mean), middle - 18, x(mean), middle + 18, css="mean"))
    words = (
        "Each dot is one shuffle of the outcome. The grey band is where their mean may lie if nothing leaks; the "
        "upright line in each row is that mean."
    )
    body.append(frame.outline())
    return picture(joined(body), width=WIDTH, height=foot + 46, title="Shuffled outcomes", description=words)
