"""Wilson intervals, validated against R (Hmisc)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import REFERENCE

from pipeline.statistics.proportions import wilson

TABLES = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())


@pytest.mark.parametrize("row", TABLES["proportion_ci"], ids=lambda row: f"{row['k']} of {row['n']}")
def test_wilson_equals_r(row):
    # R: Hmisc::binconf(k, n, method = "wilson") without its change at 1 and n - 1
    assert wilson(row["k"], row["n"])[1:] == pytest.approx(tuple(row["wilson"]), abs=1e-8)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_its_estimate_and_mirrors(count):
    k, n = count
    low, high = wilson(k, n)[1:]

    assert 0 <= low <= k / n <= high <= 1
    assert wilson(n - k, n)[1:] == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_count_above_the_total_is_refused():
    with pytest.raises(ValueError, match=r"count \(5\)"):
        wilson(5, 4)
