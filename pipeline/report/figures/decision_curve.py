"""Decision curves: the net benefit of acting on a model, compared with treating all and treating none."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, Frame, Scale, joined, percent, picture, text, widened
from pipeline.report.figures.marks import Curve, ModelLine, band, curve_legend, curves_of, path, polyline

EVERYONE = "all patients"
ALL, NONE = "treat_all", "treat_none"
DEPTH = 0.2  # depth of the plot below 0, as a fraction of its height above


def decision_figure(table: pd.DataFrame, *, lines: Sequence[ModelLine], evaluation: str, title: str) -> Markup | None:
    """The decision curves of `lines`, the first with its band and on top, in one evaluation; None without rows.

    x = the risk at which one would act (threshold), y = net benefit.
    """
    curves = curves_of(table, evaluation=evaluation, lines=lines, x="threshold", y="net_benefit")
    if not curves:
        return None
    frame = _frame(curves)
    inside = table[table["evaluation"] == evaluation].sort_values("point", kind="stable")
    first = next(line.rows(inside) for line in lines if len(line.rows(inside)))
    limits = [first[name].to_numpy(dtype=float) for name in ("threshold", "ci_low", "ci_high")]
    legend, height = curve_legend(curves, frame=frame)
    treat_all, treat_none = (_strategy(inside, name) for name in (ALL, NONE))
    body = [
        frame.x_axis("Risk from which one would act", form=percent),
        frame.y_axis("Net benefit"),
        band(frame, *limits),
        path(frame, treat_all, css="rule"),
        path(frame, treat_none, css="chance strong"),
        *(polyline(frame, curve) for curve in reversed(curves)),
        _label_all(frame, treat_all),
        text(frame.x.start + 6, frame.y.held(0) - 6, "treat none", css="soft halo"),
        frame.outline(),
        legend,
    ]
    return picture(
        joined(body),
        width=WIDTH,
        height=frame.y.start + 50 + height,
        title=title,
        description=_words(curves[0], treat_all=treat_all),
    )


def _frame(curves: Sequence[Curve]) -> Frame:
    values = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in curves])
    top = max(float(values.max(initial=0.0)), 0.01)
    low, high = widened(max(float(values.min(initial=0.0)), -DEPTH * top) - 0.05 * top, 1.02 * top)
    x = np.concatenate([curve.x for curve in curves])
    return Frame(
        x=Scale(low=float(x.min()), high=float(x.max()), start=54, stop=WIDTH - 14),
        y=Scale(low=low, high=high, start=300, stop=10),
    )


def _strategy(rows: pd.DataFrame, name: str) -> Curve:
    own = rows[(rows["feature_set"] == EVERYONE) & (rows["model"] == name)]
    x, y = (own[column].to_numpy(dtype=float) for column in ("threshold", "net_benefit"))
    return Curve(name=name, x=x, y=y, style=0)


def _label_all(frame: Frame, treat_all: Curve) -> Markup:
    """The label of the treat-all line, near the lower end of its visible part."""
    visible = np.flatnonzero(treat_all.y >= frame.y.low + 0.1 * (frame.y.high - frame.y.low))
    if not visible.size:
        return Markup("")
    x, y = frame.x(float(treat_all.x[visible[-1]])), frame.y.held(float(treat_all.y[visible[-1]]))
    roomy = x - frame.x.start > 70
    return text(x - 6 if roomy else x + 6, y, "treat all", anchor="end" if roomy else "start", css="soft halo")


def _words(curve: Curve, *, treat_all: Curve) -> str:
    if treat_all.y.size != curve.y.size:
        return f"Net benefit of acting on {curve.name}, over the risks from which one would act."
    default = np.maximum(treat_all.y, 0.0)
    better = float((curve.y > default + 1e-12).mean())
    share = "all" if better == 1 else "most" if better > 0.5 else "some" if better > 0 else "none"
    return (
        f"Net benefit over the risks from which one would act. {curve.name} lies above both treating all and treating "
        f"none at {share} of them."
    )
