"""PPV and NPV at a given prevalence, validated against Bayes' rule, Mercaldo's formula in R and R's bdpv."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.confusion import Confusion
from pipeline.statistics.predictive_values import predictive_values

LR = Confusion(tp=61, fp=62, tn=174, fn=23)  # the reference's LR at its Youden threshold


def test_equals_the_formula_in_r():
    # R: pv <- function(tp, fn, tn, fp, p, k = 0) {
    #   z <- qnorm(.975); n1 <- tp + fn + 2 * k; n0 <- tn + fp + 2 * k; se <- (tp + k) / n1; sp <- (tn + k) / n0
    #   v <- (1 - se) / se / n1 + sp / (1 - sp) / n0
    #   ppv <- plogis(log(se * p / ((1 - sp) * (1 - p))) + c(0, -1, 1) * z * sqrt(v))
    #   v <- se / (1 - se) / n1 + (1 - sp) / sp / n0
    #   rbind(ppv, plogis(log(sp * (1 - p) / ((1 - se) * p)) + c(0, -1, 1) * z * sqrt(v))) }
    # pv(61, 23, 174, 62, .1)
    ppv, npv = predictive_values(LR, prevalence=0.1)

    assert ppv == pytest.approx((0.234967682966638, 0.192893390701234, 0.283001393523343), abs=1e-12)
    assert npv == pytest.approx((0.960371462780714, 0.944342717966939, 0.971921341779075), abs=1e-12)


def test_equals_the_formulas_of_bdpv():
    # The example of R's bdpv 1.3, CIlppv(x0 = c(87, 288), x1 = c(240, 178), p = 0.03) and CIlnpv, its formulas
    # evaluated in R 4.2.2; pv(240, 178, 288, 87, .03) of the test above gives the same.
    ppv, npv = predictive_values(Confusion(tp=240, fp=87, tn=288, fn=178), prevalence=0.03)

    assert ppv == pytest.approx((0.0710993700595813, 0.0588709728820018, 0.0856366656598168), abs=1e-12)
    assert npv == pytest.approx((0.983140388657611, 0.980948791030045, 0.985083704704391), abs=1e-12)


def test_no_false_alarm_takes_the_adjusted_interval():
    # pv(5, 5, 20, 0, .1, k = qnorm(.975)^2 / 2); bdpv's CIlppvak and CIlnpvak. The estimates stay those of Bayes.
    ppv, npv = predictive_values(Confusion(tp=5, fp=0, tn=20, fn=5), prevalence=0.1)

    assert ppv == pytest.approx((1, 0.138663087159222, 1), abs=1e-12)
    assert npv == pytest.approx((0.9 / 0.95, 0.906049967717769, 0.965987590314417), abs=1e-12)


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


def test_no_patient_called_positive_gives_no_ppv():
    ppv, npv = predictive_values(Confusion(tp=0, fp=0, tn=20, fn=5), prevalence=0.1)
    assert np.isnan(ppv).all()
    assert npv.estimate == pytest.approx(0.9)
    assert np.isnan(predictive_values(Confusion(tp=3, fp=0, tn=0, fn=1), prevalence=0.1)[1]).all()


@pytest.mark.parametrize("prevalence", [0.0, 1.0, float("nan")])
def test_an_invalid_prevalence_is_refused(prevalence):
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(LR, prevalence=prevalence)
