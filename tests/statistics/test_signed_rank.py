"""The signed-rank test against R and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.signed_rank import SignedRank, signed_rank_test


def test_equals_wilcox_test():
    # R: x <- c(...); y <- c(...); wilcox.test(x, y, paired = TRUE)$p.value
    x = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = signed_rank_test(x, y)

    assert found.p_value == pytest.approx(0.0390625)
    assert found.effect_size == pytest.approx((40 - 5) / 45)  # R: statistic V = 40
    assert (found.median_difference, found.n, found.n_zero) == (pytest.approx(0.49), 9, 0)


def test_pratt_ranks_the_zeros_and_drops_their_ranks():
    # R: d <- c(...); r <- rank(abs(d)); k <- d != 0; W <- sum(r[d > 0]); r <- r[k]
    #    z <- (W - sum(r) / 2) / sqrt(sum(r^2) / 4); 2 * pnorm(-abs(z)); (2 * W - sum(r)) / sum(r)
    found = signed_rank_test([0, 0, 1, -2, 3, 4, 4, -1, 6, 7], np.zeros(10))

    assert found.p_value == pytest.approx(0.07220407, abs=1e-8)
    assert found.effect_size == pytest.approx(0.6730769, abs=1e-7)
    assert (found.n_zero, found.median_difference) == (2, 2)


def test_pairs_without_a_difference():
    assert signed_rank_test([0.3, 0.1], [0.3, 0.1]) == SignedRank(
        n=2, n_zero=2, median_difference=0, p_value=1, effect_size=0
    )
    assert signed_rank_test([0.1 + 0.2], [0.3]).n_zero == 1
    assert np.isnan([signed_rank_test([], []).p_value, signed_rank_test([], []).effect_size]).all()
    one = signed_rank_test([2], [1])
    assert (one.p_value, one.effect_size) == (1, 1)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=60))
def test_swapping_the_two_changes_signs_only(pairs):
    a, b = np.array(pairs, dtype=float).T / 20
    found, swapped = signed_rank_test(a, b), signed_rank_test(b, a)

    assert found.p_value == swapped.p_value
    assert 0 <= found.p_value <= 1
    assert (found.effect_size, found.median_difference) == (-swapped.effect_size, -swapped.median_difference)
    assert -1 <= found.effect_size <= 1


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="one length"):
        signed_rank_test([1, 2], [1])
    with pytest.raises(ValueError, match="missing"):
        signed_rank_test([1, np.nan], [1, 2])
