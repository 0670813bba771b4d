"""Nogueira's stability: a worked example in R, the properties of the paper, and what is undefined."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.statistics.selection_stability import stability

SELECTIONS = arrays(np.bool_, st.tuples(st.integers(2, 8), st.integers(2, 12)))


def test_worked_example():
    """R: Z <- matrix(c(1,1,0,0,0, 1,0,1,0,0, 1,1,0,0,1, 1,1,0,0,0), 4, byrow = TRUE); M <- 4; d <- 5
    p <- colMeans(Z); k <- rowSums(Z); kb <- mean(k); den <- kb/d * (1 - kb/d); S <- 1 - mean(apply(Z, 2, var)) / den
    phi <- sapply(1:M, function(i) (mean(Z[i,]*p) - k[i]*kb/d^2 + S/2 * (2*k[i]*kb/d^2 - k[i]/d - kb/d + 1)) / den)
    v <- 4/M^2 * sum((phi - mean(phi))^2); S + c(-1, 1) * qnorm(.975) * sqrt(v)
    """
    kept = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 0, 1], [1, 1, 0, 0, 0]])
    found = stability(kept)

    assert found.estimate == pytest.approx(0.393939393939394, abs=1e-14)
    assert found.variance == pytest.approx(0.0275524254988317, abs=1e-15)
    assert found.ci_low == pytest.approx(0.0686064752791321, abs=1e-14)
    assert found.ci_high == pytest.approx(0.7192723125996561, abs=1e-14)
    assert (found.n_fits, found.n_features) == (4, 5)


def test_two_selections_by_hand():
    # {1, 2} and {1, 3} of 4: k/d = 1/2, variances 0, 1/2, 1/2, 0, so 1 - (1/4) / (1/4).
    assert stability(np.array([[1, 1, 0, 0], [1, 0, 1, 0]])).estimate == pytest.approx(0.0, abs=1e-15)
    # {1, 2} and {3, 4}: disjoint, the minimum of -1 / (M - 1).
    assert stability(np.array([[1, 1, 0, 0], [0, 0, 1, 1]])).estimate == pytest.approx(-1.0)


def test_identical_selections_are_perfectly_stable():
    found = stability(np.tile([1, 0, 1, 0, 0], (7, 1)))

    assert (found.estimate, found.variance) == (1.0, 0.0)
    assert (found.ci_low, found.ci_high) == (1.0, 1.0)


def test_random_selections_are_about_zero_whatever_their_number():
    generator = np.random.default_rng(1)
    for kept in (2, 20, 80):
        table = np.array([generator.permutation(100) < kept for _ in range(400)])
        found = stability(table)
        assert abs(found.estimate) < 0.01
        assert found.ci_low < 0 < found.ci_high


def test_interval_covers_the_stability_it_was_drawn_from():
    # Features are kept independently with probability q: stability 1 - mean(q (1 - q)) / (mean q · (1 - mean q)).
    generator, q = np.random.default_rng(2), np.repeat([0.9, 0.1], [5, 25])
    truth = 1 - (q * (1 - q)).mean() / (q.mean() * (1 - q.mean()))
    found = [stability(generator.random((50, 30)) < q) for _ in range(300)]

    assert np.mean([one.estimate for one in found]) == pytest.approx(truth, abs=0.01)
    assert 0.9 < np.mean([one.ci_low <= truth <= one.ci_high for one in found]) <= 0.99


@given(SELECTIONS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_bounds_hold(kept, random):
    found = stability(kept)
    rows, columns = list(range(kept.shape[0])), list(range(kept.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    again = stability(kept[rows][:, columns])

    if kept.all() or not kept.any():
        assert math.isnan(found.estimate)
        return
    assert again.estimate == pytest.approx(found.estimate, abs=1e-12)
    assert again.variance == pytest.approx(found.variance, abs=1e-12)
    assert -1 / (len(kept) - 1) - 1e-12 <= found.estimate <= 1 + 1e-12
    assert found.ci_low <= found.estimate + 1e-12


@pytest.mark.parametrize("kept", [np.ones((1, 4)), np.zeros((5, 4)), np.ones((5, 4)), np.zeros((5, 0))])
def test_nothing_to_agree_on_is_undefined(kept):
    found = stability(kept)

    assert all(math.isnan(value) for value in (found.estimate, found.variance, found.ci_low, found.ci_high))
    assert (found.n_fits, found.n_features) == kept.shape


@pytest.mark.parametrize("kept", [np.ones(4), np.array([[0, 2], [1, 0]]), np.array([[0, np.nan], [1, 0]])])
def test_an_invalid_selection_is_refused(kept):
    with pytest.raises(ValueError, match="must be a matrix of 0 and 1"):
        stability(kept)


def test_wrong_confidence_is_refused():
    with pytest.raises(ValueError, match=r"confidence \(95\) must be between 0 and 1"):
        stability(np.eye(3), confidence=95)
