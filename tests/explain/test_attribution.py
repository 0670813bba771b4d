"""attribution: values known by hand, sums that are the output, and no row of a patient behind them."""

from functools import cache

import numpy as np
import pytest
from places import ROOT
from scipy.special import expit, logit

from pipeline.benchmark.classifiers import TUNED, ClassifierParams, prevalence, scores, train_final
from pipeline.explain.attribution import TREES, attributions, checked_sum, unit_of
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import read_yaml
from pipeline.statistics.prototypes import Prototypes, prototypes

SHIPPED = read_yaml(ROOT / "params" / "benchmark.yaml")
FIELDS = {name: SHIPPED[name] for name in ClassifierParams.model_fields} | {"trees": 20, "boosting_rounds": 25}
PARAMS = ClassifierParams.model_validate(FIELDS | {"mlp_epochs": 30})
VALUES = {"lr": 0.3, "svm": 1.0, "knn": 7, "mlp": 0.1, "rf": 3, "extratrees": 3, "xgboost": 3, "lightgbm": 4}
rng = np.random.default_rng(5)
X = rng.normal(size=(80, 4)) * [1, 5, 0.2, 1] + [0, 40, 0, 0]
Y = (X[:, 0] + (X[:, 1] - 40) * X[:, 3] / 5 + rng.normal(size=80) > 0).astype(np.int64)
FOLDS = [(np.flatnonzero(np.arange(80) % 4 != n), np.flatnonzero(np.arange(80) % 4 == n)) for n in range(4)]
TEST = rng.normal(size=(9, 4)) * [1, 5, 0.2, 1] + [0, 40, 0, 0]
BACKGROUND = prototypes(X, seed=1)


@cache
def fitted(name):
    return train_final(name, X, Y, value=VALUES[name], params=PARAMS, seed=3, folds=FOLDS)


def explain(name, rows=TEST, *, background=BACKGROUND, seed=1):
    return attributions(fitted(name), rows, name=name, background=background, seed=seed)


@pytest.mark.parametrize("name", TUNED)
def test_contributions_and_base_add_up_to_the_score(name):
    found = explain(name)
    total = found.base + found.values.sum(axis=1)
    score = expit(total) if unit_of(name) == "log-odds" else total

    np.testing.assert_allclose(score, scores(fitted(name), TEST), atol=2e-6)
    assert found.values.shape == (9, 4)
    assert found.max_error <= found.bound
    assert np.abs(found.values).max() > 0.01


@pytest.mark.parametrize("name", TUNED)
def test_the_values_of_a_patient_do_not_depend_on_the_others(name):
    np.testing.assert_allclose(explain(name, TEST[4:5]).values, explain(name).values[4:5], atol=1e-12)


@pytest.mark.parametrize("name", ["svm", "xgboost", "rf"])
def test_two_runs_give_the_same_bytes(name):
    assert explain(name).values.tobytes() == explain(name).values.tobytes()


def test_a_linear_model_by_hand():
    model = fitted("lr")
    slopes = model.named_steps["model"].coef_[0] / X.std(axis=0)

    found = explain("lr")

    np.testing.assert_allclose(found.values, slopes * (TEST - X.mean(axis=0)), atol=1e-12)
    assert found.base == pytest.approx(float(model.named_steps["model"].intercept_[0]), abs=1e-12)
    assert (found.unit, found.explainer, found.n_background) == ("log-odds", "linear", 80)


def test_trees_have_their_own_background():
    other = Prototypes(centres=BACKGROUND.centres + 3, counts=BACKGROUND.counts)

    for name in TREES:
        assert explain(name, background=other).base == explain(name).base
        assert explain(name).n_background == 0
    assert explain("lr", background=other).base != explain("lr").base


def test_the_background_weighs_prototypes_by_their_rows():
    few = Prototypes(centres=np.array([[0.0, 40, 0, 0], [2, 45, 0, 1]]), counts=np.array([30, 10]))
    expected = np.average(scores(fitted("svm"), few.centres), weights=[3, 1])

    assert explain("svm", background=few).base == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("error", [0.1, float("nan")])
def test_a_sum_that_misses_the_output_names_the_model_and_the_difference(error):
    with pytest.raises(PipelineError, match=r"contributions to rf differ from its output by (0\.1|nan)"):
        checked_sum(np.ones((2, 3)), base=0.5, output=np.array([3.5, 3.5 + error]), name="rf", bound=1e-2)


def test_a_model_without_features_has_nothing_to_explain():
    with pytest.raises(ValueError, match="X has no column"):
        attributions(prevalence(Y), np.empty((3, 0)), name="lr", background=BACKGROUND, seed=1)


def test_base_of_boosting_is_the_mean_log_odds_of_its_trees():
    # At the base, nothing is known: the mean over training rows, by the weights that the trees were fitted with.
    assert abs(explain("lightgbm").base) < abs(logit(0.9))
