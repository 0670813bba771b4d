"""The choice of lambda: cv.glmnet's numbers; what the selector keeps, and that it may keep nothing."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE

from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps.lasso import LassoSelector, choose, cross_validate
from pipeline.reduce.steps.lasso_path import lambda_grid

DATA = pd.read_csv(REFERENCE / "glmnet.csv")
PATH = pd.read_csv(REFERENCE / "expected" / "glmnet_path_binomial_deviance.csv")
R = json.loads((REFERENCE / "expected" / "glmnet.json").read_text(encoding="utf-8"))["binomial_deviance"]


@pytest.fixture(scope="module")
def validated():
    X = DATA.filter(regex=r"^f\d").to_numpy(dtype=np.float64)
    y = DATA["y_bin"].to_numpy(dtype=np.float64)
    return cross_validate(X, y, lambdas=lambda_grid(X, y, count=100), fold=DATA["fold"].to_numpy(), stop_early=False)


def test_deviance_and_its_error_are_those_of_glmnet(validated):
    mean, se = validated
    # The curve rises to 5 at the smallest lambdas, where glmnet itself ends 4e-5 from the optimum: there 1e-5 of it.
    allowed = 1e-5 * np.maximum(1, np.where(np.arange(100) < 63, 1, PATH["cvm"]))

    assert (np.abs(mean - PATH["cvm"]) < allowed).all()
    assert (np.abs(se - PATH["cvsd"]) < allowed).all()
    assert mean.min() == pytest.approx(R["cvm_best"], abs=1e-7)


def test_chosen_lambdas_are_those_of_glmnet(validated):
    # R counts from 1.
    assert choose(*validated, rule="min") == R["idx_min"] - 1
    assert choose(*validated, rule="1se") == R["idx_1se"] - 1


def test_choice_by_hand():
    mean, se = np.array([1.3, 1.1, 1.0, 1.0, 1.2]), np.array([0.1, 0.1, 0.15, 0.01, 0.1])

    assert choose(mean, se, rule="min") == 2  # the larger lambda of two equals
    assert choose(mean, se, rule="1se") == 1


def selector(rule="min", **changes):
    return LassoSelector(**({"rule": rule, "n_lambdas": 50, "min_lambda_ratio": None, "folds": 5, "seed": 1} | changes))


def cohort(n=80, p=40, *, effect=0.0, seed=0):
    generator = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(np.int64)
    X = pd.DataFrame(generator.normal(size=(n, p)), columns=[f"x{place:03d}" for place in range(p)])
    X["x007"] += effect * y
    return X, y, np.array([f"p{place}" for place in range(n)])


def test_a_planted_feature_is_kept_and_leads():
    X, y, groups = cohort(effect=2.0)
    fitted = selector("1se").fit(X, y, groups)

    kept = fitted.chosen_.coefficients
    assert kept.abs().idxmax() == "x007"
    assert kept["x007"] > 0
    assert list(fitted.transform(X).columns) == list(kept.index)


def test_both_rules_are_solved_whichever_is_chosen():
    X, y, groups = cohort(effect=1.0)
    one, other = selector("1se").fit(X, y, groups), selector("min").fit(X, y, groups)

    for rule in ("min", "1se"):
        solution = one.solutions_[rule]
        assert solution.index == choose(one.cv_mean_, one.cv_se_, rule=rule)
        assert solution.penalty == one.lambdas_[solution.index]
        assert solution.coefficients.equals(other.solutions_[rule].coefficients)
    assert one.chosen_ is one.solutions_["1se"]
    assert other.chosen_ is other.solutions_["min"]
    assert one.chosen_.penalty > other.chosen_.penalty


def test_noise_keeps_few_or_none():
    kept = [len(selector("1se").fit(*cohort(p=300, seed=seed)).chosen_.coefficients) for seed in range(10)]

    assert sorted(kept)[len(kept) // 2] == 0
    assert max(kept) <= 5


def test_it_never_falls_back_to_a_feature():
    X, y, groups = cohort(p=8)
    fitted = selector().fit(X * 0 + 3.0, y, groups)

    assert fitted.chosen_.index is None
    assert fitted.chosen_.penalty is None
    assert fitted.transform(X).shape == (80, 0)
    assert fitted.chosen_.intercept == pytest.approx(np.log(y.mean() / (1 - y.mean())))


def test_no_column_at_all():
    X, y, groups = cohort()

    assert selector().fit(X[[]], y, groups).transform(X[[]]).shape == (80, 0)


def test_lambda_folds_keep_groups_whole(monkeypatch):
    seen = []

    def spy(X, y, *, lambdas, fold):
        seen.append(fold)
        return np.arange(len(lambdas), 0.0, -1.0), np.ones(len(lambdas))

    monkeypatch.setattr("pipeline.reduce.steps.lasso.cross_validate", spy)
    X, y, _ = cohort()
    groups = np.array([f"g{place // 4}" for place in range(80)])
    selector().fit(X, y, groups)

    assert set(seen[0]) == {0, 1, 2, 3, 4}
    assert all(len(set(seen[0][groups == name])) == 1 for name in set(groups))


def test_seed_alone_decides():
    X, y, groups = cohort(effect=0.8)
    first, same = selector().fit(X, y, groups), selector().fit(X, y, groups)

    assert first.cv_mean_.tobytes() == same.cv_mean_.tobytes()
    assert first.chosen_.coefficients.equals(same.chosen_.coefficients)
    assert selector(seed=2).fit(X, y, groups).cv_mean_.tobytes() != first.cv_mean_.tobytes()


def test_too_few_events_are_reported():
    X, _, groups = cohort()
    y = np.zeros(80, dtype=np.int64)
    y[0] = 1

    with pytest.raises(PipelineError, match=r"2 groups or more of each class.*1 events among 80 patients"):
        selector().fit(X, y, groups)


def test_two_events_are_two_folds():
    X, _, groups = cohort(n=20, p=100)
    y = np.zeros(20, dtype=np.int64)
    y[[3, 9]] = 1
    fitted = selector().fit(X, y, groups)

    assert np.isfinite(fitted.cv_mean_).all()
    assert np.isfinite(fitted.cv_se_).all()
