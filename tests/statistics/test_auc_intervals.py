"""Intervals for one AUC, validated against R's root finder, hand calculation and their coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from pipeline.statistics.auc_intervals import logit_interval, plain_interval, score_interval
from pipeline.statistics.roc import auc_variances, placements


def test_logit_interval_by_hand():
    # AUC 0.8, SE 0.05: half width 1.959964 · 0.05 / 0.16 = 0.612489 around log(4) = 1.386294, so 0.773805 and
    # 1.998783; 1 / (1 + exp(-0.773805)) = 0.684343 and 1 / (1 + exp(-1.998783)) = 0.880669.
    assert logit_interval(0.8, variance=0.0025) == pytest.approx((0.684343, 0.880669), abs=1e-6)


def test_perfect_separation_and_constant_scores_have_no_wald_interval():
    placed = placements([[9, 8, 7, 3, 2, 1], [1, 1, 1, 1, 1, 1]], labels=[1, 1, 1, 0, 0, 0])
    variances = auc_variances(placed)

    assert list(placed.auc) == [1.0, 0.5]
    assert np.isnan(logit_interval(1.0, variance=variances[0])).all()
    assert np.isnan(plain_interval(0.5, variance=variances[1])).all()


def test_score_interval_equals_the_roots_that_r_finds():
    # R: z <- qnorm(.975); N <- (22 + 30) / 2 - 1; a <- 1 (then 0.5)
    # f <- function(t) abs(a - t) - z * sqrt(t * (1 - t) * (1 + N * ((1 - t) / (2 - t) + t / (1 + t))) / (22 * 30))
    # uniroot(f, c(1e-9, 1 - 1e-9), tol = 1e-14); uniroot(f, c(1e-9, 0.5), tol = 1e-14)
    assert score_interval(1.0, n_pos=22, n_neg=30) == pytest.approx((0.920578960462, 1.0), abs=1e-9)
    assert score_interval(0.5, n_pos=22, n_neg=30)[0] == pytest.approx(0.348675642641, abs=1e-9)


@given(st.integers(0, 1024), st.integers(1, 300), st.integers(1, 300))
def test_score_interval_holds_its_auc_and_mirrors(part, n_pos, n_neg):
    auc = part / 1024
    low, high = score_interval(auc, n_pos=n_pos, n_neg=n_neg)
    other = score_interval(1 - auc, n_pos=n_neg, n_neg=n_pos)

    assert 0 <= low <= auc <= high <= 1
    assert low < high
    assert other == pytest.approx((1 - high, 1 - low), abs=1e-7)


def test_score_interval_covers_when_separation_is_common():
    # Normal scores, true AUC 0.98, 10 events and 20 non-events: more than one study in four separates perfectly, and
    # has no Wald interval at all.
    rng = np.random.default_rng(0)
    shift = 2**0.5 * norm.ppf(0.98)
    covered = perfect = 0
    for _ in range(2000):
        scores = np.concatenate([rng.normal(shift, 1, 10), rng.normal(0, 1, 20)])
        auc = float(placements(scores, labels=np.arange(30) < 10).auc[0])
        low, high = score_interval(auc, n_pos=10, n_neg=20)
        covered += low <= 0.98 <= high
        perfect += auc == 1
    assert 0.94 < covered / 2000 < 0.99
    assert perfect > 500


def test_an_auc_close_to_0_has_an_interval():
    assert score_interval(5e-324, n_pos=3, n_neg=4) == pytest.approx(score_interval(0.0, n_pos=3, n_neg=4), abs=1e-9)


@pytest.mark.parametrize("case", [{"auc": 1.1, "n_pos": 5}, {"auc": float("nan"), "n_pos": 5}, {"auc": 1, "n_pos": 0}])
def test_an_invalid_auc_or_an_empty_class_is_refused(case):
    with pytest.raises(ValueError, match=r"auc|n_pos"):
        score_interval(**case, n_neg=5)


def test_a_lower_level_gives_a_narrower_interval():
    wide, narrow = (score_interval(1.0, n_pos=8, n_neg=8, level=level)[0] for level in (0.95, 0.90))
    assert wide < narrow < 1
