"""PPV and NPV at a given prevalence, held to Bayes' rule and Mercaldo's formula in R."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.predictive_values import predictive_values
from pipeline.statistics.proportions import Confusion

LR = Confusion(tp=61, fp=62, tn=174, fn=23)  # the reference's LR at its Youden threshold


def test_equals_the_formula_in_r():
    # R: se <- 61/84; sp <- 174/236; p <- .1; L <- log(se * p / ((1 - sp) * (1 - p)))
    # v <- (1 - se) / se / 84 + sp / (1 - sp) / 236; plogis(L + c(0, -1, 1) * qnorm(.975) * sqrt(v))
    # L <- log(sp * (1 - p) / ((1 - se) * p)); v <- se / (1 - se) / 84 + (1 - sp) / sp / 236; the same
    ppv, npv = predictive_values(LR, prevalence=0.1)

    assert ppv == pytest.approx((0.234967682966638, 0.192893390701234, 0.283001393523343), abs=1e-12)
    assert npv == pytest.approx((0.960371462780714, 0.944342717966939, 0.971921341779075), abs=1e-12)


def test_at_the_prevalence_of_the_data_they_are_its_own():
    ppv, npv = predictive_values(LR, prevalence=84 / 320)

    assert (ppv.estimate, npv.estimate) == pytest.approx((61 / 123, 174 / 197))


counts = st.integers(0, 40)


@given(counts, counts, counts, counts, st.floats(0.01, 0.99))
def test_interval_holds_its_estimate(tp, fp, tn, fn, prevalence):
    for found in predictive_values(Confusion(tp=tp, fp=fp, tn=tn, fn=fn), prevalence=prevalence):
        if np.isnan(found.estimate):
            assert np.isnan(found).all()
        else:
            assert 0 <= found.ci_low <= found.estimate <= found.ci_high <= 1
            assert found.ci_low < found.ci_high


def test_no_false_alarm_gives_1_with_a_lower_limit_below():
    ppv, _ = predictive_values(Confusion(tp=5, fp=0, tn=20, fn=5), prevalence=0.1)
    assert ppv.estimate == ppv.ci_high == 1
    assert ppv.ci_low < 0.9


def test_nobody_called_positive_has_no_ppv():
    ppv, npv = predictive_values(Confusion(tp=0, fp=0, tn=20, fn=5), prevalence=0.1)
    assert np.isnan(ppv).all()
    assert npv.estimate == pytest.approx(0.9)
    assert np.isnan(predictive_values(Confusion(tp=3, fp=0, tn=0, fn=1), prevalence=0.1)[1]).all()


@pytest.mark.parametrize("prevalence", [0.0, 1.0, float("nan")])
def test_a_prevalence_that_is_none_is_refused(prevalence):
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(LR, prevalence=prevalence)
