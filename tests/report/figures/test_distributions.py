"""figures.distributions: a tick per value, the box of the quartiles, values outside the scale at its end."""

import re

import numpy as np
import pytest

from pipeline.report.figures.axes import Scale
from pipeline.report.figures.distributions import PLOT, DistributionRow, distribution_rows

VALUES = np.array([0.1, 0.2, 0.3, 0.4, 0.9])
AT = Scale(low=0, high=1, start=PLOT[0], stop=PLOT[1])


def drawn(*rows, scale=(0.0, 1.0)):
    body, _ = distribution_rows(rows, scale=scale, axis="Dice")
    return str(body)


def ticks(body):
    return [float(x) for x in re.findall(r"M([\d.]+)", re.search(r'class="rug" d="([^"]*)"', body).group(1))]


def test_every_value_has_a_tick():
    assert ticks(drawn(DistributionRow(name="unet", values=VALUES))) == pytest.approx(list(map(AT, VALUES)), abs=0.01)


def test_the_box_holds_the_quartiles_and_the_line_is_the_median():
    body = drawn(DistributionRow(name="unet", values=VALUES))
    left, width = map(float, re.search(r'class="quartiles" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', body).groups())
    median = float(re.search(r'class="median" d="M([\d.]+)', body).group(1))

    assert (left, left + width) == pytest.approx((AT(0.2), AT(0.4)), abs=0.02)
    assert median == pytest.approx(AT(0.3), abs=0.01)


def test_a_value_outside_the_scale_is_drawn_at_its_end():
    assert ticks(drawn(DistributionRow(name="a", values=VALUES), scale=(0.5, 1.0)))[:4] == [PLOT[0]] * 4


def test_a_row_without_values_is_a_heading_and_a_mean_has_its_interval():
    heading = DistributionRow(name="Internal", values=np.empty(0))
    row = DistributionRow(name="event", values=VALUES, mean=0.4, low=0.3, high=0.5, filled=True)
    body = drawn(heading, row)

    assert '<text class="strong"' in body
    assert body.count("quartiles dark") == 1
    assert f"M{round(AT(0.3), 2):g} " in body.partition('class="whisker"')[2]
    without = DistributionRow(name="event", values=VALUES, mean=0.4)
    assert "whisker" not in drawn(without)
