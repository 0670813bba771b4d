"""Half-samples: halves of both classes, groups whole; a strong feature is always kept, noise rarely."""

import numpy as np
import pandas as pd
import pytest

from pipeline.reduce.half_samples import draw_halves, half_sample_rows, select_in_halves
from pipeline.reduce.steps.lasso_path import fit_path, lambda_grid


def cohort(n=80, p=30, *, effect=2.0, seed=0):
    generator = np.random.default_rng(seed)
    y = (np.arange(n) % 4 == 0).astype(np.int64)
    X = pd.DataFrame(generator.normal(size=(n, p)), columns=[f"x{place:02d}" for place in range(p)])
    X["x03"] += effect * y
    return X, y, np.array([f"p{place}" for place in range(n)])


def test_halves_hold_half_of_each_class():
    _, y, groups = cohort()
    halves = draw_halves(y, groups, count=20, seed=1)

    assert halves.shape == (20, 80)
    assert (halves.sum(axis=1) == 40).all()
    assert (halves[:, y == 1].sum(axis=1) == 10).all()
    assert len({half.tobytes() for half in halves}) == 20


def test_groups_stay_whole():
    _, y, _ = cohort()
    groups = np.array([f"g{place // 8}" for place in range(80)])
    halves = draw_halves(y, groups, count=10, seed=1)

    assert all(len(set(half[groups == name])) == 1 for half in halves for name in set(groups))


def test_seed_alone_decides():
    _, y, groups = cohort()

    assert (draw_halves(y, groups, count=5, seed=1) == draw_halves(y, groups, count=5, seed=1)).all()
    assert (draw_halves(y, groups, count=5, seed=1) != draw_halves(y, groups, count=5, seed=2)).any()


def test_each_half_is_the_lasso_at_that_lambda():
    X, y, groups = cohort()
    halves = draw_halves(y, groups, count=8, seed=1)
    kept = select_in_halves(X, y, halves=halves, penalty=0.06)

    for half, found in zip(halves, kept, strict=True):
        rows, outcome = X[half].to_numpy(), y[half].astype(np.float64)
        grid = np.append(lambda_grid(rows, outcome, count=100)[:60], 0.06)
        exact = fit_path(rows, outcome, lambdas=np.sort(grid)[::-1], stop_early=False)
        assert (found == (exact.coefficients[np.flatnonzero(exact.lambdas == 0.06)[0]] != 0)).all()
    assert kept[:, 3].all()
    assert kept.mean() < 0.3


@pytest.mark.parametrize("penalty", [None, 10.0])
def test_a_lambda_beyond_the_path_keeps_nothing(penalty):
    X, y, groups = cohort()

    assert not select_in_halves(X, y, halves=draw_halves(y, groups, count=3, seed=1), penalty=penalty).any()


def test_a_half_of_one_class_keeps_nothing():
    X, y, _ = cohort()

    assert not select_in_halves(X, y, halves=np.array([y == 0]), penalty=0.01).any()


def test_rows_count_how_often_and_list_where():
    kept = np.array([[1, 0], [0, 0], [1, 0]], dtype=np.bool_)

    assert half_sample_rows(kept, features=["a", "b"]) == [
        {"feature": "a", "n_selected": 2, "n_samples": 3, "samples": "1 3"},
        {"feature": "b", "n_selected": 0, "n_samples": 3, "samples": ""},
    ]
