"""Precision-recall curves: positive predictive value against sensitivity over all thresholds."""

from collections.abc import Sequence

from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, joined, picture, segment, square, text
from pipeline.report.figures.marks import Curve, curve_legend, polyline, steps

TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def precision_recall_figure(
    curves: Sequence[Curve], *, title: str, prevalence: float, with_legend: bool = False
) -> Markup:
    """The curves (x = sensitivity, y = PPV) of one evaluation, the first on top, and the prevalence (chance).

    Drawn as a step function, whose area is the average precision: linear interpolation would be too optimistic.
    """
    frame = square()
    legend, height = curve_legend(curves, frame=frame) if with_legend else (Markup(""), 0.0)
    x, y = frame.x, frame.y
    level = y(prevalence)
    body = [
        frame.x_axis("Sensitivity", ticks=TICKS),
        frame.y_axis("Positive predictive value", ticks=TICKS),
        segment(x.start, level, x.stop, level, css="chance"),
        *(polyline(frame, steps(curve)) for curve in reversed(curves)),
        text(x.start + 6, level + (16 if prevalence > 0.08 else -6), "chance: the prevalence", css="halo"),
        frame.outline(),
        legend,
    ]
    foot = y.start + (58 + height - 8 if with_legend else 46)
    names = ", ".join(curve.name for curve in curves)
    description = (
        f"Curves: {names}. The dotted line is the share of patients with the event: a model without discrimination "
        "lies on it. The higher a curve stays towards the right, the fewer false positives each detected case costs."
    )
    return picture(joined(body), width=WIDTH, height=foot, title=title, description=description, css="roc pr")
