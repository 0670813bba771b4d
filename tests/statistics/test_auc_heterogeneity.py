"""Interaction tests: pROC's variances by site, metafor's Q, equal groups, groups without variance."""

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE

from pipeline.statistics.auc_heterogeneity import (
    HETEROGENEITY,
    UNPAIRED,
    cochran_q,
    difference_interaction,
    interaction_test,
)
from pipeline.statistics.roc import placements

MODELS = pd.read_csv(REFERENCE / "models.csv")
SITES = [placements(rows["LR"], labels=rows["y"]) for _, rows in MODELS.groupby("site")]
PAIRS = [placements([rows["LR"], rows["SVM"]], labels=rows["y"]) for _, rows in MODELS.groupby("site")]


def test_three_groups_as_r():
    # r <- lapply(split(m, m$site), function(d) pROC::roc(d$y, d$LR, direction = "<")); a <- sapply(r, auc)
    # w <- 1 / sapply(r, var); q <- sum(w * (a - sum(w * a) / sum(w))^2); pchisq(q, 2, lower.tail = FALSE)
    found = interaction_test(SITES)

    assert (found.test, found.df) == (HETEROGENEITY, 2)
    assert found.statistic == pytest.approx(1.61527456517542, abs=1e-9)
    assert found.p_value == pytest.approx(0.445910382795809, abs=1e-9)


def test_two_groups_as_proc():
    # roc.test(r$A, r$B, paired = FALSE)
    found = interaction_test(SITES[:2])

    assert found.test == UNPAIRED
    assert (found.statistic, found.df) == pytest.approx((-1.25439743459454, 233.859348695907), abs=1e-8)
    assert found.p_value == pytest.approx(0.210949877287668, abs=1e-9)


def test_equal_groups_do_not_differ():
    found = interaction_test([SITES[0]] * 4)

    assert found.statistic == pytest.approx(0, abs=1e-12)
    assert found.p_value == pytest.approx(1)


def test_a_perfect_group_among_three_has_no_test():
    perfect = placements([0.1, 0.2, 0.8, 0.9], labels=[0, 0, 1, 1])

    assert np.isnan(interaction_test([*SITES[:2], perfect]).p_value)
    assert interaction_test([SITES[0], perfect]).p_value < 0.001


def test_one_group_is_refused():
    with pytest.raises(ValueError, match=r"groups \(1\) must be two or more"):
        interaction_test(SITES[:1])


def test_q_by_hand():
    # Weights 1, 1 and 2: mean 2, Q = 1 (0 - 2)² + 1 (4 - 2)² + 2 (2 - 2)² = 8 on 2 degrees; p = exp(-8 / 2).
    found = cochran_q([0, 4, 2], variances=[1, 1, 0.5])

    assert (found.statistic, found.df) == (8, 2)
    assert found.p_value == pytest.approx(np.exp(-4))


def test_difference_as_metafor():
    # r <- lapply(split(m, m$site), function(d) pROC::roc.test(roc(d$y, d$LR), roc(d$y, d$SVM), paired = TRUE))
    # d <- sapply(r, function(t) t$estimate[1] - t$estimate[2]); v <- (d / sapply(r, function(t) t$statistic))^2
    # f <- metafor::rma(yi = d, vi = v, method = "FE"); c(f$QE, f$QEp); plain arithmetic gives the same:
    # w <- 1 / v; sum(w * (d - sum(w * d) / sum(w))^2)
    found, tested = difference_interaction(PAIRS)

    assert (found.df, tested) == (2, 3)
    assert found.statistic == pytest.approx(0.645568710433852, abs=1e-9)
    assert found.p_value == pytest.approx(0.724129992387261, abs=1e-9)


def test_difference_between_two_groups_has_one_degree_of_freedom():
    found, tested = difference_interaction(PAIRS[:2])

    assert (found.df, tested) == (1, 2)
    assert (found.statistic, found.p_value) == pytest.approx((0.502485240534314, 0.478410159779725), abs=1e-9)


def test_groups_whose_difference_has_no_variance_are_excluded():
    scores = [0.1, 0.2, 0.8, 0.9]
    alike = placements([scores, scores], labels=[0, 1, 0, 1])
    flat = placements([[0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0.5] * 6], labels=[0, 0, 0, 1, 1, 1])
    alone = placements([scores, scores[::-1]], labels=[0, 0, 0, 1])

    assert difference_interaction([*PAIRS, alike, flat, alone]) == difference_interaction(PAIRS)


@pytest.mark.parametrize("groups", [[], PAIRS[:1]])
def test_difference_of_fewer_than_two_groups_has_no_test(groups):
    found, tested = difference_interaction(groups)

    assert tested == len(groups)
    assert np.isnan([found.statistic, found.df, found.p_value]).all()
