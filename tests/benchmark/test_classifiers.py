"""The eight classifiers: properties that each must have, and what is specific to one."""

import numpy as np
import pytest
from classifier_rows import MODELS, PARAMS, SHIPPED, fit, rows
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from pipeline.benchmark.classifiers import TUNED, ClassifierParams, grid, prevalence, scores, train
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params


@pytest.mark.parametrize("name", MODELS)
def test_signal_is_learned_and_the_score_is_the_probability_of_the_event(name):
    model = fit(name, *rows(n=150))
    X, y = rows(n=300, seed=1)
    probability = scores(model, X)
    assert probability.shape == (300,)
    assert ((probability >= 0) & (probability <= 1)).all()
    assert roc_auc_score(y, probability) > 0.85


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_scores(name):
    X, y = rows()
    np.testing.assert_array_equal(scores(fit(name, X, y), X), scores(fit(name, X, y), X))


@pytest.mark.parametrize("name", ["mlp", "rf", "extratrees"])
def test_seed_is_used(name):
    X, y = rows()
    assert (scores(fit(name, X, y, seed=1), X) != scores(fit(name, X, y, seed=2), X)).any()


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"knn", "svm"}))
def test_class_weights_raise_the_scores_of_a_rare_event(name):
    X, y = rows(n=200, effect=0.5, event_rate=0.1)
    equal = PARAMS.model_copy(update={"class_weights": "none"})
    assert scores(fit(name, X, y), X).mean() > scores(fit(name, X, y, params=equal), X).mean() + 0.05


def test_class_weights_shift_the_decision_values_of_the_svm():
    X, y = rows(n=200, effect=0.5, event_rate=0.1)
    equal = PARAMS.model_copy(update={"class_weights": "none"})
    balanced, plain = (train("svm", X, y, value=1.0, params=params, seed=1) for params in (PARAMS, equal))
    assert scores(balanced, X).mean() > scores(plain, X).mean() + 0.2


@pytest.mark.parametrize("name", MODELS)
def test_constant_and_single_columns_are_accepted(name):
    X, y = rows(columns=1)
    wide = np.column_stack([X, np.ones(len(X))])
    assert np.isfinite(scores(fit(name, wide, y), wide)).all()
    assert np.isfinite(scores(fit(name, X, y), X)).all()


@pytest.mark.parametrize("name", MODELS)
def test_no_test_rows_give_no_scores(name):
    X, y = rows()
    assert scores(fit(name, X, y), X[:0]).shape == (0,)


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_boosting_prints_nothing(name, capfd):
    X, y = rows(n=12)
    scores(fit(name, X, y), X)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("epochs", [3, 10])
def test_network_trains_for_the_given_epochs(epochs):
    X, y = rows()
    params = PARAMS.model_copy(update={"mlp_epochs": epochs})
    assert fit("mlp", X, y, params=params)[-1].n_iter_ == epochs


def test_neighbours_by_hand():
    X, y = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]), np.array([0, 0, 1, 1, 1, 0])
    model = train("knn", X, y, value=3, params=PARAMS, seed=0)
    np.testing.assert_allclose(scores(model, np.array([[1.0], [11.0]])), [1 / 3, 2 / 3])


def test_platt_scaling_keeps_the_ranking_of_the_svm():
    X, y = rows()
    bare = train("svm", X, y, value=PARAMS.grids.svm[0], params=PARAMS, seed=0)
    probability = scores(fit("svm", X, y), X)
    np.testing.assert_array_equal(rankdata(np.round(probability, 12)), rankdata(np.round(scores(bare, X), 12)))


def test_platt_scaling_never_reverses_the_ranking():
    flat = 0
    for seed in range(8):
        X, y = rows(effect=0.0, n=30, seed=seed)
        probability, margin = (
            scores(fit("svm", X, y), X),
            scores(train("svm", X, y, value=PARAMS.grids.svm[0], params=PARAMS, seed=0), X),
        )
        assert np.corrcoef(probability, margin)[0, 1] > 0.9
        flat += bool(np.ptp(probability) < 0.01)
    assert flat > 0, "no seed reaches the case under test"


def test_matrix_without_columns_scores_the_prevalence():
    np.testing.assert_allclose(scores(prevalence(np.array([0, 0, 0, 1])), np.empty((2, 0))), [0.25, 0.25])


def test_no_more_neighbours_than_rows():
    params = PARAMS.model_copy(update={"grids": PARAMS.grids.model_copy(update={"knn": (15, 9, 5)})})
    assert grid("knn", params=params, rows=100) == [15, 9, 5]
    assert grid("knn", params=params, rows=7) == [7, 5]


def test_every_model_has_a_grid_and_names_what_it_tunes():
    assert set(TUNED) == set(type(PARAMS.grids).model_fields) == set(MODELS)
    assert max(len(getattr(PARAMS.grids, name)) for name in MODELS) <= 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trees": 0}, "key 'trees' has the value 0: .*greater than or equal to 10"),
        ({"svm_kernel": "poly"}, "key 'svm_kernel' has the value 'poly': .*'rbf' or 'linear'"),
        ({"grids": SHIPPED["grids"] | {"lr": [0]}}, r"key 'grids.lr' has the value \[0\]: must be a list of 1 to 10"),
        ({"grids": SHIPPED["grids"] | {"lightgbm": [1]}}, "at least 2 leaves"),
        ({"grids": SHIPPED["grids"] | {"catboost": [1]}}, "key 'grids.catboost' is not known here; allowed keys are"),
    ],
)
def test_wrong_parameters_give_one_sentence(tmp_path, change, sentence):
    import json

    (tmp_path / "benchmark.yaml").write_text(json.dumps(SHIPPED | change))
    with pytest.raises(ParamsError, match=sentence):
        load_params(tmp_path / "benchmark.yaml", ClassifierParams)
