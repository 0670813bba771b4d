"""figures.marks: lines that break at missing values, bands, step functions, legends."""

import re

import numpy as np
import pandas as pd
import pytest

from pipeline.report.figures.axes import square
from pipeline.report.figures.marks import (
    STYLES,
    Curve,
    ModelLine,
    band,
    curves_of,
    dot,
    legend,
    line_mark,
    polyline,
    steps,
)

FRAME = square(side=100, left=0, top=0)


def a_curve(x, y):
    return Curve(name="a", x=np.array(x, dtype=float), y=np.array(y, dtype=float), style=0)


def test_points_are_at_their_coordinates():
    assert 'points="0,100 50,50 100,0"' in polyline(FRAME, a_curve([0, 0.5, 1], [0, 0.5, 1]))


def test_a_line_breaks_at_missing_values_and_outside_the_plot():
    drawn = polyline(FRAME, a_curve([0, 0.2, 0.4, 0.6, 0.8, 1], [0, 0.2, np.nan, 0.6, 1.5, 1]))

    assert re.findall(r'points="([^"]*)"', drawn) == ["0,100 20,80", "60,40", "100,0"]


def test_a_step_function_holds_each_value_up_to_its_own_x():
    stairs = steps(a_curve([0.5, 1], [1, 0.4]))

    assert (stairs.x.tolist(), stairs.y.tolist()) == ([0, 0.5, 0.5, 1], [1, 1, 0.4, 0.4])


def test_a_band_skips_missing_limits():
    x, low = np.array([0, 0.5, 1]), np.array([0.1, np.nan, 0.2])

    assert 'points="0,80 100,70 100,80 0,90"' in band(FRAME, x, low, low + 0.1)
    assert band(FRAME, x, np.full(3, np.nan), np.full(3, np.nan)) == ""


def test_styles_differ_without_colour():
    assert len({(dashes, width) for _, dashes, width in STYLES}) == len(STYLES)
    assert len({dashes for _, dashes, _ in STYLES}) == len(STYLES)


def test_a_legend_wraps_at_the_width():
    _, one = legend([("short", line_mark(0)), ("names", line_mark(1))], x=0, y=0, width=300)
    _, two = legend([("a name that is quite long", line_mark(0))] * 2, x=0, y=0, width=300)

    assert two == 2 * one


def test_curves_follow_the_order_of_the_models():
    table = pd.DataFrame(
        [("b", "lr", "cv", 1, 0.0), ("a", "lr", "external", 2, 0.7), ("a", "lr", "external", 1, 0.2)],
        columns=["feature_set", "model", "evaluation", "point", "x"],
    )
    lines = [ModelLine(feature_set=name, model="lr", name=name, style=n) for n, name in enumerate("ba")]

    curves = curves_of(table, evaluation="external", lines=lines, x="x", y="x")

    assert [(curve.name, curve.style, curve.x.tolist()) for curve in curves] == [("a", 1, [0.2, 0.7])]


def test_unknown_shape_is_refused():
    with pytest.raises(ValueError, match="star"):
        dot(0, 0, shape="star")
