"""Logistic regression and the likelihood-ratio test, validated against R's glm; separation is detected beforehand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import REFERENCE
from scipy.special import logit

from pipeline.statistics.logistic import fit_logistic, likelihood_ratio_test, separated

MODELS = pd.read_csv(REFERENCE / "models.csv")
LABELS = MODELS["y"].to_numpy()


def log_odds(name):
    return logit(np.clip(MODELS[name], 1e-6, 1 - 1e-6)).to_numpy()


def test_fit_equals_r():
    # g <- glm(y ~ qlogis(Fused), binomial, epsilon = 1e-14); coef(g); vcov(g); deviance(g)
    fit = fit_logistic(np.column_stack([np.ones(320), log_odds("Fused")]), labels=LABELS)

    assert fit.coefficients == pytest.approx([0.469416059966081, 1.434942344330341], abs=1e-10)
    assert fit.covariance.ravel() == pytest.approx(
        [0.0491652485355, 0.0324730608115, 0.0324730608115, 0.0380715379905], abs=1e-9
    )
    assert fit.deviance == pytest.approx(286.197971938888, abs=1e-9)


def test_an_offset_counts_with_coefficient_one():
    x, ones = log_odds("LR"), np.ones((320, 1))
    whole = fit_logistic(np.column_stack([ones, x]), labels=LABELS)
    held = fit_logistic(ones, labels=LABELS, offset=whole.coefficients[1] * x)

    assert held.coefficients[0] == pytest.approx(whole.coefficients[0], abs=1e-9)
    assert held.deviance == pytest.approx(whole.deviance, abs=1e-9)


@pytest.mark.parametrize(("name", "expected"), [("Fused", 66.0277181274247), ("MLP", 72.1535380106699)])
def test_ratio_test_equals_r(name, expected):
    # anova(glm(y ~ lo(Clinical), binomial), glm(y ~ lo(Clinical) + lo(Fused), binomial), test = "LRT")
    # with lo = function(p) qlogis(pmin(pmax(p, 1e-6), 1 - 1e-6))
    clinical = log_odds("Clinical")
    found = likelihood_ratio_test(clinical, large=np.column_stack([clinical, log_odds(name)]), labels=LABELS)

    assert found.chi2 == pytest.approx(expected, abs=1e-7)
    assert found.df == 1
    assert 0 < found.p_value < 1e-15


def test_p_is_uniform_under_the_null():
    rng = np.random.default_rng(0)
    small = rng.normal(size=200)
    p = [
        likelihood_ratio_test(
            small, large=np.column_stack([small, rng.normal(size=200)]), labels=rng.uniform(size=200) < 0.4
        ).p_value
        for _ in range(200)
    ]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.median(p) == pytest.approx(0.5, abs=0.1)


def test_nothing_gained_is_no_test():
    clinical = log_odds("Clinical")
    for more in (clinical, 3 - 2 * clinical, np.full(320, 0.7)):
        found = likelihood_ratio_test(clinical, large=np.column_stack([clinical, more]), labels=LABELS)
        assert found == (found.__class__)(chi2=0.0, df=0, p_value=1.0)


def test_a_constant_comparator_adds_nothing_to_the_small_model():
    found = likelihood_ratio_test(np.zeros(320), large=np.column_stack([np.zeros(320), log_odds("LR")]), labels=LABELS)
    assert found.df == 1
    assert found.p_value < 1e-6


def test_separation_is_undefined_by_rule():
    rng = np.random.default_rng(1)
    x, other = rng.normal(size=(2, 60))
    labels = x + other > 0  # neither separates alone, both together do
    found = likelihood_ratio_test(x, large=np.column_stack([x, other]), labels=labels)

    assert np.isnan([found.chi2, found.p_value]).all()
    assert found.df == 1


@pytest.mark.parametrize(
    ("x", "expected"),
    [([1, 2, 3, 4], True), ([1, 2, 2, 4], True), ([1, 3, 2, 4], False), ([4, 3, 2, 1], True), ([5, 5, 5, 5], False)],
)
def test_separation_in_one_column(x, expected):
    columns = np.column_stack([np.ones(4), np.array(x, dtype=float)])
    assert separated(columns, labels=[0, 0, 1, 1]) is expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_fit_is_the_maximum(seed):
    rng = np.random.default_rng(seed)
    columns = np.column_stack([np.ones(40), rng.normal(size=40) * 10.0 ** rng.integers(-3, 3)])
    labels = np.arange(40) < rng.integers(5, 35)
    if separated(columns, labels=labels):
        return
    fit = fit_logistic(columns, labels=labels)
    errors = np.sqrt(np.diag(fit.covariance))
    for nudge in rng.normal(size=(5, 2)):
        other = columns @ (fit.coefficients + 0.01 * nudge * errors)
        assert 2 * np.logaddexp(0, np.where(labels, -other, other)).sum() >= fit.deviance


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        fit_logistic(np.ones((3, 1)), labels=[1, 1, 1])
