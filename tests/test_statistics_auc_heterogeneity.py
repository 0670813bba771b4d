"""Interaction tests: pROC's variances by site, groups that are one, groups without variance."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.statistics.auc_heterogeneity import HETEROGENEITY, UNPAIRED, interaction_test
from pipeline.statistics.roc import placements

MODELS = pd.read_csv(Path(__file__).parent / "reference" / "models.csv")
SITES = [placements(rows["LR"], labels=rows["y"]) for _, rows in MODELS.groupby("site")]


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
    with pytest.raises(ValueError, match="two or more"):
        interaction_test(SITES[:1])
