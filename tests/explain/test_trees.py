"""trees: TreeSHAP on trees small enough to compute by hand, and XGBoost against its own values."""

import numpy as np
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier

from pipeline.explain.trees import forest_values, xgboost_values


def test_one_split_gives_all_credit_to_its_feature():
    X = np.array([[0.0, 5], [0, 6], [0, 5], [1, 5], [1, 6], [1, 5], [1, 6], [1, 6]])
    y = np.array([0, 0, 1, 1, 1, 0, 1, 1])
    tree = RandomForestClassifier(1, max_depth=1, max_features=None, bootstrap=False, random_state=0).fit(X, y)
    assert tree.estimators_[0].tree_.feature[0] == 0

    values, base, output = forest_values(tree, np.array([[0.0, 9], [1, 0]]))

    # Left 3 rows of 8 with a probability of 1/3, right 5 rows with 4/5: the base is 5/8.
    assert base == pytest.approx(5 / 8)
    np.testing.assert_allclose(values, [[1 / 3 - 5 / 8, 0], [4 / 5 - 5 / 8, 0]], atol=1e-12)
    np.testing.assert_allclose(output, [1 / 3, 4 / 5])


def test_two_splits_share_an_interaction():
    X = np.array([[a, b] for a in (0.0, 1) for b in (0.0, 1) for _ in range(2)])
    y = (X[:, 0] * X[:, 1]).astype(int)
    tree = RandomForestClassifier(1, max_features=None, bootstrap=False, random_state=0).fit(X, y)

    values, base, _ = forest_values(tree, np.array([[1.0, 1], [0, 0]]))

    # P = a·b, both even: for (1, 1) a adds 1/2 - 1/4 first or 1 - 1/2 second, 3/8 in the mean; b the same.
    assert base == pytest.approx(1 / 4)
    np.testing.assert_allclose(values, [[3 / 8, 3 / 8], [-1 / 8, -1 / 8]], atol=1e-12)


def boosted(rounds, *, depth=3, rows=60):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(rows, 3)).astype(np.float32).astype(float)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    settings = {"objective": "binary:logistic", "max_depth": depth, "nthread": 1, "verbosity": 0}
    return xgboost.train(settings, xgboost.DMatrix(X, y, nthread=1), num_boost_round=rounds), X


def test_xgboost_agrees_with_its_own_values_and_is_closer_to_the_output():
    model, X = boosted(40)
    own = model.predict(xgboost.DMatrix(X, nthread=1), pred_contribs=True).astype(float)
    margin = model.predict(xgboost.DMatrix(X, nthread=1), output_margin=True)

    values, base, output = xgboost_values(model, X)

    np.testing.assert_allclose(values, own[:, :-1], atol=1e-5)
    np.testing.assert_allclose(output, margin, atol=1e-5)
    assert base == pytest.approx(own[0, -1], abs=1e-5)
    assert np.abs(base + values.sum(axis=1) - output).max() < 1e-6


def test_a_value_on_a_threshold_goes_the_way_of_xgboost():
    model, _ = boosted(1, depth=1)
    threshold = model.trees_to_dataframe()["Split"].dropna().iloc[0]
    feature = int(model.trees_to_dataframe()["Feature"].iloc[0][1:])
    rows = np.zeros((2, 3))
    rows[:, feature] = [threshold, np.nextafter(np.float32(threshold), np.float32(-np.inf))]

    values, base, output = xgboost_values(model, rows)

    assert output[0] != output[1]
    np.testing.assert_allclose(base + values.sum(axis=1), output, atol=1e-9)


def test_trees_without_a_split_contribute_nothing():
    model, X = boosted(3, depth=1, rows=1)
    values, base, output = xgboost_values(model, X)

    assert np.abs(values).max() == 0
    np.testing.assert_allclose(output, base, atol=1e-9)
