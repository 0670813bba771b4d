from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.consistency.rounding import ROUNDINGS, Printed

HALF = Fraction(1, 2)


def prints(value, *, units, scale, rounding):
    """By definition, in exact fractions."""
    exact = value * scale
    below = exact.numerator // exact.denominator
    allowed = {
        "half_up": {below + (exact - below >= HALF)},
        "half_even": {round(exact)},
        "half_either": {below, below + 1} if exact - below == HALF else {round(exact)},
        "truncation": {below},
    }
    return units in allowed[rounding]


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 100), st.sampled_from(ROUNDINGS))
def test_a_fraction_is_within_the_bounds_if_and_only_if_it_prints_as_the_number(part, whole, units, rounding):
    bounds = Printed(text="", units=units, decimals=2).bounds(rounding)
    low, high = bounds.numerators(whole)

    assert (low <= part <= high) == prints(Fraction(part, whole), units=units, scale=100, rounding=rounding)


@pytest.mark.parametrize(
    ("rounding", "tie_to_12", "tie_to_13"),
    [("half_up", False, True), ("half_even", True, False), ("half_either", True, True), ("truncation", True, False)],
)
def test_one_eighth_is_a_tie_at_two_decimals(rounding, tie_to_12, tie_to_13):
    found = []
    for units in (12, 13):
        low, high = Printed(text="", units=units, decimals=2).bounds(rounding).numerators(8)
        found.append(low <= 1 <= high)

    assert found == [tie_to_12, tie_to_13]


def test_the_span_holds_every_kind_of_rounding():
    assert Printed(text=".878", units=878, decimals=3).span() == (0.8775, 0.879)
    assert Printed(text="1.00", units=100, decimals=2).span() == (0.995, 1.0)
