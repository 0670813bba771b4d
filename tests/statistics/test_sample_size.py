"""Sample size: the paper's example, R² from the AUC against a simulation in R, and invalid values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.sample_size import (
    largest_r_squared,
    ordinary_r_squared,
    r_squared_of_auc,
    required_patients,
)


def test_the_example_of_the_paper():
    # pmsampsize(type = "b", rsquared = 0.288, parameters = 24, prevalence = 0.174)
    found = required_patients(24, prevalence=0.174, r_squared=0.288)

    assert (found.shrinkage, found.optimism, found.overall_risk, found.required) == (623, 662, 221, 662)
    assert round(found.events) == 115
    assert round(found.epp, 1) == 4.8


def test_the_largest_r_squared():
    # BMJ 2020;368:m441: 0.75 at a prevalence of one half, 0.48 at 0.1, 0.33 at 0.05, 0.11 at 0.01
    for prevalence, expected in {0.5: 0.75, 0.1: 0.48, 0.05: 0.33, 0.01: 0.11}.items():
        assert round(largest_r_squared(prevalence), 2) == expected
    assert ordinary_r_squared(0.5) == pytest.approx(0.1125)


def test_r_squared_of_auc_as_simulated_in_r():
    # set.seed(123456); mu <- sqrt(2) * qnorm(0.78); n <- 1e6; LP <- c(rnorm(0.2 * n), rnorm(0.8 * n, mu));
    # y <- rep(0:1, c(0.2, 0.8) * n); f <- glm(y ~ LP, binomial); 1 - exp(-(f$null.deviance - f$deviance) / n):
    # 0.15791; with seeds 1, 2, 3: 0.15897, 0.15828, 0.15867. pmsampsize(cstatistic = 0.78, parameters = 30,
    # prevalence = 0.2) takes the first and gives 1556.
    exact = r_squared_of_auc(0.78, prevalence=0.2)

    assert exact == pytest.approx((0.15791 + 0.15897 + 0.15828 + 0.15867) / 4, abs=0.0006)
    assert r_squared_of_auc(0.78, prevalence=0.8) == pytest.approx(exact)
    assert required_patients(30, prevalence=0.2, r_squared=0.15790974).required == 1556


def test_chance_explains_nothing():
    assert r_squared_of_auc(0.5, prevalence=0.3) == pytest.approx(0, abs=1e-9)


@given(st.floats(0.55, 0.95), st.floats(0.05, 0.95))
def test_a_better_model_explains_more_and_never_all(auc, prevalence):
    found = r_squared_of_auc(auc, prevalence=prevalence)

    assert found < r_squared_of_auc(auc + 0.01, prevalence=prevalence) < largest_r_squared(prevalence)


@given(st.integers(1, 3000), st.floats(0.05, 0.95))
def test_more_parameters_never_need_fewer_patients(parameters, prevalence):
    r_squared = ordinary_r_squared(prevalence)
    one, other = (
        required_patients(p, prevalence=prevalence, r_squared=r_squared) for p in (parameters, parameters + 1)
    )

    assert one.required <= other.required
    assert one.required >= one.overall_risk


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": 0}, r"parameters \(0\)"),
        ({"prevalence": 0.0}, r"prevalence \(0.0\)"),
        ({"prevalence": 1.0}, r"prevalence \(1.0\)"),
        ({"r_squared": 0.0}, r"r_squared \(0.0\)"),
        ({"r_squared": 0.7}, r"below 0.6"),
    ],
)
def test_wrong_values_are_refused(changes, message):
    given = {"parameters": 5, "prevalence": 0.174, "r_squared": 0.1} | changes

    with pytest.raises(ValueError, match=message):
        required_patients(given.pop("parameters"), **given)


@pytest.mark.parametrize("auc", [0.4, 1.0])
def test_an_auc_below_chance_or_perfect_is_refused(auc):
    with pytest.raises(ValueError, match="auc"):
        r_squared_of_auc(auc, prevalence=0.5)
