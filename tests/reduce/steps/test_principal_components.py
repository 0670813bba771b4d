"""Components against scikit-learn; their number and their signs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from pipeline.reduce.steps.principal_components import PrincipalComponents


def table(n, p, rank=None, seed=0):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(n, p)) if rank is None else None
    if values is None:
        values = generator.normal(size=(n, rank)) @ generator.normal(size=(rank, p))
    return pd.DataFrame(values, columns=[f"net_{place:04d}" for place in range(p)])


def test_scores_are_those_of_scikit_learn_up_to_sign():
    train, test = table(50, 12), table(9, 12, seed=1)
    fitted = PrincipalComponents(max_components=5, variance=1.0).fit(train)
    scaler = StandardScaler().fit(train)
    pca = PCA(5, svd_solver="full").fit(scaler.transform(train))
    expected = pca.transform(scaler.transform(test))

    assert np.abs(fitted.transform(test).to_numpy()) == pytest.approx(np.abs(expected), abs=1e-10)
    assert fitted.explained_ == pytest.approx(pca.explained_variance_ratio_, abs=1e-12)
    assert list(fitted.transform(test).columns) == ["pc001", "pc002", "pc003", "pc004", "pc005"]


def test_largest_loading_is_positive():
    loadings = PrincipalComponents(max_components=128, variance=0.95).fit(table(40, 100)).loadings_

    assert (loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])] > 0).all()


@pytest.mark.parametrize(
    ("X", "max_components", "variance", "count"),
    [
        (table(20, 300), 128, 1.0, 19),  # rows - 1
        (table(200, 300, rank=6), 128, 1.0, 6),  # the rank
        (table(200, 300), 128, 1.0, 128),  # the maximum
        (table(30, 4), 128, 1.0, 4),  # columns
        (table(30, 5) * 0 + 2.0, 128, 0.95, 0),  # nothing varies
        (table(10, 0), 128, 0.95, 0),  # no column
    ],
)
def test_number_of_components(X, max_components, variance, count):
    fitted = PrincipalComponents(max_components=max_components, variance=variance).fit(X)

    assert fitted.transform(X).shape == (len(X), count)


def test_variance_is_just_reached():
    X = table(60, 20)
    fitted = PrincipalComponents(max_components=128, variance=0.8).fit(X)

    assert fitted.explained_.sum() >= 0.8
    assert fitted.explained_[:-1].sum() < 0.8


def test_passed_columns_pass_through_and_do_not_enter():
    X = table(30, 6)
    alone = PrincipalComponents(max_components=3, variance=1.0).fit(X).transform(X)
    X["missing"] = np.arange(30) % 2.0
    both = PrincipalComponents(max_components=3, variance=1.0, passed=("missing", "absent")).fit(X).transform(X)

    assert both["missing"].tolist() == X["missing"].tolist()
    pd.testing.assert_frame_equal(both.drop(columns="missing"), alone)
