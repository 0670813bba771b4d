"""figures.axes: scales, round ticks, numbers and names for display."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.figures.axes import Scale, in_words, number, percent, picture, round_values, text, widened

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


def test_a_scale_maps_its_ends_to_its_places():
    up = Scale(low=0, high=2, start=100, stop=0)
    decades = Scale(low=0.001, high=10, start=0, stop=40, log=True)

    assert [up(value) for value in (0, 0.5, 2)] == [100, 75, 0]
    assert [decades(value) for value in (0.001, 0.1, 10)] == pytest.approx([0, 20, 40])
    assert [up.held(value) for value in (-1, 3)] == [100, 0]
    assert up.holds(2)
    assert not up.holds(2.1)
    assert not up.holds(float("nan"))


def test_ticks_are_round():
    assert round_values(0, 1, count=5) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert round_values(-0.3, 0.45, count=5) == [-0.2, 0, 0.2, 0.4]
    assert round_values(3, 3, count=5) == [3]
    assert Scale(low=0.0005, high=0.4, start=0, stop=1, log=True).ticks() == pytest.approx([0.001, 0.01, 0.1])


@given(low=FINITE, width=st.floats(1e-3, 1e6), count=st.integers(2, 12))
def test_ticks_lie_inside_and_a_widened_range_contains_both_ends(low, width, count):
    high = low + width
    slack = 1e-6 * (abs(low) + abs(high) + 1)
    ticks = round_values(low, high, count=count)
    start, end = widened(low, high)

    assert len(ticks) <= count + 1
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert start <= low + slack
    assert end >= high - slack
    assert not math.isclose(start, end)


def test_numbers_have_a_true_minus():
    assert (number(-0.25), number(-0.254, digits=2), number(3.0)) == ("−0.25", "−0.25", "3")
    assert percent(0.07) == "7 %"


def test_names_in_words():
    assert [in_words(name) for name in ("size_mm", "capsular_invasion", "mm", "age")] == [
        *("size (mm)", "capsular invasion", "mm", "age")
    ]


def test_all_words_are_escaped():
    drawn = picture(text(1, 2, "<b>"), width=10, height=10, title='a "b"', description="<c>")

    assert "<b>" not in drawn
    assert "<c>" not in drawn
    assert 'a "b"' not in drawn
    assert "&lt;b&gt;" in drawn
