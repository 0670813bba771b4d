"""Which columns hardly vary, by hand."""

import numpy as np
import pandas as pd
import pytest

from pipeline.reduce.steps.near_zero_variance import NearZeroVariance


def filled(count, n=20):
    """n values of which `count` are 7, the rest all different."""
    return [7.0] * count + [100.0 + place for place in range(n - count)]


@pytest.mark.parametrize(("count", "kept"), [(1, True), (18, True), (19, False), (20, False)])
def test_a_value_that_fills_more_than_the_fraction(count, kept):
    X = pd.DataFrame({"x": filled(count)}).sample(frac=1, random_state=1)

    assert ("x" in NearZeroVariance(max_same_fraction=0.9).fit(X).kept_) == kept


def test_scale_does_not_matter_and_rounding_is_no_variation():
    wide = np.arange(20.0)
    X = pd.DataFrame({"tiny": wide * 1e-15, "huge": wide * 1e15, "rounding": 1e6 + wide * 1e-6, "constant": 3.0})

    assert NearZeroVariance(max_same_fraction=0.95).fit(X).kept_.tolist() == ["tiny", "huge"]


def test_fraction_one_drops_constants_only():
    X = pd.DataFrame({"rare": filled(19), "constant": [0.0] * 20})

    assert NearZeroVariance(max_same_fraction=1.0).fit(X).kept_.tolist() == ["rare"]


def test_test_rows_keep_the_same_columns():
    train = pd.DataFrame({"a": [1.0, 1.0, 1.0], "b": [1.0, 2.0, 3.0]})
    test = pd.DataFrame({"a": [5.0, 6.0], "b": [4.0, 4.0]})

    assert NearZeroVariance(max_same_fraction=0.95).fit(train).transform(test).to_dict("list") == {"b": [4.0, 4.0]}
