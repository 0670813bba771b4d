"""Group tests: R's numbers, the rule that selects the test, and what cannot be tested."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import REFERENCE
from scipy import stats

from pipeline.statistics.group_tests import (
    NO_TEST,
    category_test,
    fisher_p,
    kruskal_wallis,
    looks_normal,
    mann_whitney,
    number_test,
    t_test,
)

EXPECTED = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())
COUNTS = json.loads((REFERENCE / "tables.json").read_text())
MODELS = pd.read_csv(REFERENCE / "models.csv")
SIZE = [MODELS.loc[MODELS["y"] == outcome, "size_mm"].dropna() for outcome in (1, 0)]
SITES = [rows["size_mm"].dropna() for _, rows in MODELS.groupby("site")]


@pytest.mark.parametrize("name", list(COUNTS))
def test_categories_as_r(name):
    found, expected = category_test(COUNTS[name]), EXPECTED[name]

    if expected["any_expected_lt5"]:
        assert found.test == "Fisher's exact"
        assert found.p_value == pytest.approx(expected["fisher_p"], abs=1e-7)
    else:
        assert found.test == "Chi-square"
        assert found.statistic == pytest.approx(expected["chisq"], abs=1e-8)
        assert found.df == expected["df"]
        assert found.p_value == pytest.approx(expected["p"], abs=1e-8)


def test_numbers_as_r():
    group = EXPECTED["group"]
    welch, student = (t_test(*SIZE, equal_variances=equal) for equal in (False, True))

    assert (welch.statistic, welch.df, welch.p_value) == pytest.approx(
        [group["welch"][key] for key in ("t", "df", "p")], abs=1e-8
    )
    assert (student.statistic, student.p_value) == pytest.approx(
        [group["student"][key] for key in ("t", "p")], abs=1e-8
    )
    ranks = mann_whitney(*SIZE)
    expected = group["wilcoxon_normal_approx_cc"]
    assert (ranks.statistic, ranks.p_value) == pytest.approx([expected["W"], expected["p"]], abs=1e-8)
    sites, expected = kruskal_wallis(SITES), group["kruskal_size_by_site"]
    assert (sites.statistic, sites.df, sites.p_value) == pytest.approx(
        [expected["H"], expected["df"], expected["p"]], abs=1e-8
    )


def test_small_groups_without_ties_are_exact():
    # wilcox.test(c(1.1, 2.2, 3.3, 4.4, 9.9), c(0.5, 2.5, 6.1, 7.2, 8.3, 10.4))
    found = mann_whitney([1.1, 2.2, 3.3, 4.4, 9.9], [0.5, 2.5, 6.1, 7.2, 8.3, 10.4])

    assert found.test == "Mann-Whitney (exact)"
    assert (found.statistic, found.p_value) == pytest.approx((11, 0.536796536796537), abs=1e-12)


def test_the_rule_names_the_test():
    ages = [MODELS.loc[MODELS["y"] == outcome, "age"] for outcome in (1, 0)]
    wide = [40 + 5 * (np.asarray(ages[0]) - 40), ages[1]]

    # shapiro.test: p = 0.34 and 0.35; car::leveneTest: p = 0.38
    assert number_test(ages).test == "Student's t"
    assert number_test(wide).test == "Welch's t"
    assert number_test(SIZE).test == "Mann-Whitney"  # shapiro.test of those with the event: p = 6e-8
    assert number_test(SITES).test == "Kruskal-Wallis"
    assert number_test([*ages, []]).test == "Student's t"


def test_normality_of_many_values():
    rng = np.random.default_rng(0)

    assert looks_normal(rng.normal(size=6000))
    assert not looks_normal(rng.exponential(size=6000))
    assert not looks_normal([1.0, 2.0])
    assert not looks_normal([3.0] * 10)


@pytest.mark.parametrize("groups", [[[1, 2, 3]], [[1, 2, 3], []], [[5, 5], [5, 5, 5]], []])
def test_numbers_without_a_test(groups):
    assert number_test(groups) is NO_TEST if groups else number_test([[], []]) is NO_TEST


@pytest.mark.parametrize("counts", [[[3, 4]], [[3, 0], [4, 0]], [[3, 4], [0, 0]]])
def test_categories_without_a_test(counts):
    assert category_test(counts) is NO_TEST


def test_one_value_per_group_has_a_p_of_one():
    assert number_test([[1.0], [2.0]]).p_value == 1.0


@pytest.mark.parametrize("counts", [[[1, -1], [2, 3]], [[1.5, 1], [2, 3]], [[np.nan, 1], [2, 3]], [1, 2]])
def test_wrong_counts_are_refused(counts):
    with pytest.raises(ValueError, match="whole numbers"):
        category_test(counts)


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="missing or infinite"):
        number_test([[1.0, np.nan], [2.0]])


@given(st.lists(st.integers(-5, 5), min_size=3, max_size=12), st.lists(st.integers(-5, 5), min_size=3, max_size=12))
def test_swapped_groups_have_the_same_p(a, b):
    assert number_test([a, b]).p_value == pytest.approx(number_test([b, a]).p_value, abs=1e-12, nan_ok=True)


def test_tables_of_any_shape_as_r():
    # fisher.test(matrix(c(6, 2, 1, 3, 5, 2, 1, 4, 5, 1, 1, 3), 3))$p.value
    assert fisher_p([[6, 3, 1, 1], [2, 5, 4, 1], [1, 2, 5, 3]]) == (pytest.approx(0.141738483333713, abs=1e-12), True)
    # fisher.test(matrix(c(60, 2, 20, 3, 50, 2, 1, 4), 2))$p.value
    assert fisher_p([[60, 20, 50, 1], [2, 3, 2, 4]]) == (pytest.approx(3.35020083907023e-05, abs=1e-12), True)
    # The lady tasting tea: 1 + 16 + 16 + 1 of 70 tables.
    assert fisher_p([[3, 1], [1, 3]])[0] == pytest.approx(34 / 70)


def test_too_many_tables_are_simulated():
    counts = [[12, 7, 3], [5, 10, 9], [2, 4, 11]]
    p, exact = fisher_p(counts, max_tables=100)

    assert not exact
    assert p == pytest.approx(fisher_p(counts)[0], abs=0.0015)
    assert fisher_p(counts, max_tables=100)[0] == p


def test_an_empty_row_is_refused():
    with pytest.raises(ValueError, match="sums to 0"):
        fisher_p([[0, 0], [1, 2]])


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4).filter(lambda n: n[0] + n[1] and n[2] + n[3]))
def test_two_by_two_as_scipy(n):
    table = [n[:2], n[2:]]
    if n[0] + n[2] == 0 or n[1] + n[3] == 0:
        return
    assert fisher_p(table)[0] == pytest.approx(stats.fisher_exact(table).pvalue, abs=1e-10)
