"""Fisher's exact test: R's numbers, small tables by hand, drawn tables near the exact p."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.statistics.fisher import fisher_p


def test_tables_of_any_shape_as_r():
    # fisher.test(matrix(c(6, 2, 1, 3, 5, 2, 1, 4, 5, 1, 1, 3), 3))$p.value
    assert fisher_p([[6, 3, 1, 1], [2, 5, 4, 1], [1, 2, 5, 3]]) == (pytest.approx(0.141738483333713, abs=1e-12), True)
    # fisher.test(matrix(c(60, 2, 20, 3, 50, 2, 1, 4), 2))$p.value
    assert fisher_p([[60, 20, 50, 1], [2, 3, 2, 4]]) == (pytest.approx(3.35020083907023e-05, abs=1e-12), True)
    # The lady tasting tea: 1 + 16 + 16 + 1 of 70 tables.
    assert fisher_p([[3, 1], [1, 3]])[0] == pytest.approx(34 / 70)


def test_too_many_tables_are_drawn():
    counts = [[12, 7, 3], [5, 10, 9], [2, 4, 11]]
    p, exact = fisher_p(counts, most_tables=100)

    assert not exact
    assert p == pytest.approx(fisher_p(counts)[0], abs=0.0015)
    assert fisher_p(counts, most_tables=100)[0] == p


def test_an_empty_row_is_refused():
    with pytest.raises(ValueError, match="sums to 0"):
        fisher_p([[0, 0], [1, 2]])


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4).filter(lambda n: n[0] + n[1] and n[2] + n[3]))
def test_two_by_two_as_scipy(n):
    table = [n[:2], n[2:]]
    if n[0] + n[2] == 0 or n[1] + n[3] == 0:
        return
    assert fisher_p(table)[0] == pytest.approx(stats.fisher_exact(table).pvalue, abs=1e-10)
