"""The LASSO path: glmnet's numbers, the optimality conditions, the ends of the path."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE
from scipy.special import expit

from pipeline.reduce.steps.lasso_path import fit_path, lambda_grid

DATA = pd.read_csv(REFERENCE / "glmnet.csv")
X = DATA.filter(regex=r"^f\d").to_numpy(dtype=np.float64)
Y = DATA["y_bin"].to_numpy(dtype=np.float64)
PATH = pd.read_csv(REFERENCE / "expected" / "glmnet_path_binomial_deviance.csv")
# R: cv.glmnet(X, y, family = "binomial", lambda = the grid of the full fit, foldid = fold, standardize = TRUE)
R = json.loads((REFERENCE / "expected" / "glmnet.json").read_text(encoding="utf-8"))["binomial_deviance"]


@pytest.fixture(scope="module")
def path():
    return fit_path(X, Y, lambdas=lambda_grid(X, Y, count=100), stop_early=False)


def noise(n, p, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, p)), (np.arange(n) % 3 == 0).astype(np.float64)


def test_grid_is_that_of_glmnet():
    assert np.allclose(lambda_grid(X, Y, count=100), PATH["lambda"], rtol=1e-12, atol=0)


def test_number_of_features_is_that_of_glmnet(path):
    # The first lambda keeps none; R was given it with 15 digits, a hair below, and keeps one of 1e-16.
    assert path.n_nonzero[0] == 0
    assert path.n_nonzero[1:].tolist() == PATH["nzero"][1:].tolist()


@pytest.mark.parametrize("place", [4, 9, 19, 29, 44, 59])
def test_coefficients_are_those_of_glmnet(path, place):
    expected = pd.read_csv(REFERENCE / "expected" / "glmnet_coefpath_binomial_deviance.csv", index_col=0)[f"s{place}"]

    # 1e-5 of the largest: at the small lambdas it is near 7, and glmnet itself stops 6e-5 short of the optimum.
    assert np.abs(path.coefficients[place] - expected).max() < 1e-5 * max(1, expected.abs().max())


def test_chosen_solutions_are_those_of_glmnet(path):
    names = ["(Intercept)", *(f"f{number:02d}" for number in range(1, 61))]
    for place, key in ((19, "coef_min"), (11, "coef_1se")):
        found = dict(zip(names, [path.intercepts[place], *path.coefficients[place]], strict=True))
        assert {name: value for name, value in found.items() if value} == pytest.approx(R[key], abs=1e-6)


@pytest.mark.parametrize(("n", "p"), [(60, 10), (40, 200)])
def test_every_solution_satisfies_the_optimality_conditions(n, p):
    features, outcome = noise(n, p)
    features = features * np.linspace(0.01, 100, p) + 5
    path = fit_path(features, outcome, lambdas=lambda_grid(features, outcome, count=30))

    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    for penalty, intercept, coefficients in zip(path.lambdas, path.intercepts, path.coefficients, strict=True):
        residual = outcome - expit(features @ coefficients + intercept)
        gradient = scaled.T @ residual / n
        used = coefficients != 0
        assert residual.sum() == pytest.approx(0, abs=1e-8)
        assert np.allclose(gradient[used], penalty * np.sign(coefficients[used]), rtol=1e-6, atol=0)
        assert (np.abs(gradient[~used]) <= penalty * (1 + 1e-8)).all()


def test_first_solution_is_the_prevalence():
    features, outcome = noise(30, 5)
    path = fit_path(features, outcome, lambdas=lambda_grid(features, outcome, count=10))

    assert path.n_nonzero[0] == 0
    assert path.log_odds(features)[:, 0] == pytest.approx(np.log(1 / 2))


def test_path_ends_where_the_classes_are_separated():
    outcome = np.arange(40) % 2.0
    features = np.column_stack([outcome * 10 + np.arange(40) / 400, np.sin(np.arange(40))])
    lambdas = lambda_grid(features, outcome, count=100)

    assert 5 <= len(fit_path(features, outcome, lambdas=lambdas).lambdas) < 100
    assert len(fit_path(features, outcome, lambdas=lambdas[:50], stop_early=False).lambdas) == 50


def test_copies_of_a_feature_and_constants_do_no_harm():
    features, outcome = noise(40, 6)
    features[:, 0] += 2 * outcome
    copied = np.column_stack([features, features[:, 0], np.full(40, 7.0), np.zeros(40)])
    lambdas = lambda_grid(features, outcome, count=30)
    alone, both = (fit_path(table, outcome, lambdas=lambdas) for table in (features, copied))

    assert np.allclose(both.log_odds(copied), alone.log_odds(features), atol=1e-4)
    assert (both.coefficients[:, 7:] == 0).all()


def test_no_feature_has_no_grid():
    assert lambda_grid(np.zeros((10, 0)), np.arange(10) % 2.0, count=10).size == 0
    assert lambda_grid(np.ones((10, 3)), np.arange(10) % 2.0, count=10).size == 0
    empty = fit_path(np.zeros((10, 0)), np.arange(10) % 2.0, lambdas=np.zeros(0))
    assert empty.coefficients.shape == (0, 0)
