"""ROC curves: sensitivity against 1 - specificity over all thresholds."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, joined, picture, segment, square
from pipeline.report.figures.marks import Curve, curve_legend, polyline

TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def roc_figure(curves: Sequence[Curve], *, title: str, with_legend: bool = False) -> Markup:
    """The ROC curves of one evaluation; the first curve is drawn last, on top of the others.

    Without a legend, the table beside the figure names the lines.
    """
    frame = square()
    legend, height = curve_legend(curves, frame=frame) if with_legend else (Markup(""), 0.0)
    x, y = frame.x, frame.y
    body = [
        frame.x_axis("1 − specificity", ticks=TICKS),
        frame.y_axis("Sensitivity", ticks=TICKS),
        segment(x.start, y.start, x.stop, y.stop, css="chance"),
        *(polyline(frame, curve) for curve in reversed(curves)),
        frame.outline(),
        legend,
    ]
    foot = y.start + (58 + height - 8 if with_legend else 46)
    return picture(joined(body), width=WIDTH, height=foot, title=title, description=_words(curves), css="roc")


def _words(curves: Sequence[Curve]) -> str:
    names = f"Curves: {', '.join(curve.name for curve in curves)}. "
    areas = [float(np.trapezoid(curve.y, curve.x)) for curve in curves]
    order = np.argsort(areas, kind="stable")
    shape = ""
    if len(curves) > 1 and areas[order[-1]] > areas[order[0]]:
        shape = (
            f"The area is largest under {curves[order[-1]].name} and smallest under {curves[order[0]].name}; "
            "the dotted diagonal is chance. "
        )
    return f"{names}{shape}The areas under the curves are in the table of this evaluation."
