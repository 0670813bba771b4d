"""McNemar's exact test and the paired difference, validated against R and Newcombe's paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.mcnemar import mcnemar


def paired(both, only_a, only_b, neither):
    a = [1] * (both + only_a) + [0] * (only_b + neither)
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    return mcnemar(a, b)


def test_exact_p_equals_r():
    # R: binom.test(2, 14)$p.value; binom.test(3, 6)$p.value
    assert paired(36, 12, 2, 0).p_value == pytest.approx(0.012939453125, abs=1e-12)
    assert paired(1, 3, 3, 0).p_value == 1


def test_interval_of_newcombe():
    # Newcombe 1998 (Stat Med 17:2635), table III, method 10: 36, 12, 2, 0 gives 0.0569 to 0.3404.
    found = paired(36, 12, 2, 0)

    assert (found.only_a, found.only_b, found.n) == (12, 2, 50)
    assert found.difference == pytest.approx(0.2)
    assert (found.ci_low, found.ci_high) == pytest.approx((0.0569, 0.3404), abs=5e-5)


counts = st.integers(0, 30)


@given(counts, counts, counts, counts)
def test_interval_holds_the_difference_and_mirrors(both, only_a, only_b, neither):
    if not both + only_a + only_b + neither:
        return
    found, other = paired(both, only_a, only_b, neither), paired(both, only_b, only_a, neither)

    assert -1 <= found.ci_low <= found.difference <= found.ci_high <= 1
    assert (other.ci_low, other.ci_high) == pytest.approx((-found.ci_high, -found.ci_low), abs=1e-12)
    assert other.p_value == found.p_value


def test_models_that_never_disagree_do_not_differ():
    found = paired(20, 0, 0, 5)
    assert (found.difference, found.p_value) == (0, 1)
    assert found.ci_low < 0 < found.ci_high


def test_no_patient_is_undefined_and_unequal_shapes_are_refused():
    empty = mcnemar([], [])
    assert np.isnan([empty.difference, empty.p_value, empty.ci_low]).all()
    with pytest.raises(ValueError, match="one shape"):
        mcnemar([1, 0], [1])
