"""Standardised differences: R's numbers, the multinomial form by hand, groups without a common category."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE

from pipeline.statistics.standardised_difference import category_smd, number_smd

EXPECTED = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())["group"]
MODELS = pd.read_csv(REFERENCE / "models.csv")


def test_as_r():
    sizes = [MODELS.loc[MODELS["y"] == outcome, "size_mm"].dropna() for outcome in (1, 0)]
    counts = pd.crosstab(MODELS["y"], MODELS["sex"])

    assert number_smd(sizes) == pytest.approx(EXPECTED["smd_size"], abs=1e-8)
    assert category_smd(counts) == pytest.approx(EXPECTED["smd_sex"], abs=1e-8)


def test_three_categories_by_hand():
    # p = (0.5, 0.3, 0.2), q = (0.2, 0.3, 0.5). Without the first: S = [[0.21, -0.105], [-0.105, 0.205]],
    # difference (0, -0.3), so d² = 0.09 · 0.21 / (0.21 · 0.205 - 0.105²).
    expected = np.sqrt(0.09 * 0.21 / (0.21 * 0.205 - 0.105**2))

    assert category_smd([[50, 30, 20], [20, 30, 50]]) == pytest.approx(expected, abs=1e-12)
    # The choice of the omitted category does not matter, nor does an empty category.
    assert category_smd([[30, 0, 50, 20], [30, 0, 20, 50]]) == pytest.approx(expected, abs=1e-12)


def test_the_largest_pair_counts():
    assert number_smd([[1, 3], [2, 4], [4, 6]]) == pytest.approx(3 / 2**0.5)
    assert category_smd([[5, 5], [5, 5], [9, 1]]) == category_smd([[5, 5], [9, 1]])


def test_no_difference_is_zero():
    assert number_smd([[2, 2], [2, 2]]) == 0
    assert category_smd([[4, 2], [40, 20]]) == 0


def test_undefined_is_empty():
    assert np.isnan(number_smd([[1, 1], [2, 2]]))
    assert np.isnan(number_smd([[1, 2], [3]]))
    assert np.isnan(category_smd([[5, 0], [0, 5]]))
    assert np.isnan(category_smd([[5, 5], [0, 0]]))
    assert np.isnan(category_smd([[5, 0], [0, 5], [3, 2]]))


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="missing or infinite"):
        number_smd([[1, np.nan], [2, 3]])
    with pytest.raises(ValueError, match="counts must be"):
        category_smd([[1, -2], [2, 3]])
