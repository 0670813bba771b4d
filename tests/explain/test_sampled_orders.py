"""sampled_orders: exact where the answer is known, by enumeration of all orders elsewhere."""

from itertools import permutations

import numpy as np

from pipeline.explain.sampled_orders import sampled_values
from pipeline.statistics.prototypes import Prototypes

BACKGROUND = Prototypes(centres=np.array([[0.0, 0, 0], [1, 2, -1]]), counts=np.array([5, 15]))
X = np.array([[3.0, 1, 2], [0, 0, 5]])


def test_an_additive_model_by_hand():
    values, base, output, _ = sampled_values(
        lambda rows: rows @ [1.0, -2, 0], X, background=BACKGROUND, orders=1, seed=0
    )

    mean = BACKGROUND.centres.T @ [0.25, 0.75]
    np.testing.assert_allclose(values, (X - mean) * [1, -2, 0], atol=1e-12)
    assert base == mean @ [1, -2, 0]
    assert list(output) == [1, 0]


def test_many_orders_approach_the_mean_over_all_orders():
    def product(rows):
        return rows[:, 0] * rows[:, 1] + np.tanh(rows[:, 0] * rows[:, 2])

    expected = np.zeros_like(X)
    for order in permutations(range(3)):
        for centre, weight in zip(BACKGROUND.centres, [0.25, 0.75], strict=True):
            state = np.tile(centre, (2, 1))
            for feature in order:
                before = product(state)
                state[:, feature] = X[:, feature]
                expected[:, feature] += weight * (product(state) - before) / 6

    values, base, output, _ = sampled_values(product, X, background=BACKGROUND, orders=400, seed=1)

    np.testing.assert_allclose(values, expected, atol=0.15)
    np.testing.assert_allclose(base + values.sum(axis=1), output, atol=1e-10)


def test_an_interaction_of_two_is_shared_equally_after_one_order_in_both_directions():
    zero = Prototypes(centres=np.zeros((1, 3)), counts=np.array([5]))
    values, *_ = sampled_values(lambda rows: rows[:, 0] * rows[:, 1], X, background=zero, orders=1, seed=3)

    np.testing.assert_allclose(values, [[1.5, 1.5, 0], [0, 0, 0]], atol=1e-12)


def test_chunks_change_nothing(monkeypatch):
    whole = sampled_values(lambda rows: np.sin(rows).sum(axis=1), X, background=BACKGROUND, orders=2, seed=1)
    monkeypatch.setattr("pipeline.explain.sampled_orders.CELLS", 1)
    parts = sampled_values(lambda rows: np.sin(rows).sum(axis=1), X, background=BACKGROUND, orders=2, seed=1)

    np.testing.assert_allclose(whole[0], parts[0], atol=1e-12)


def test_the_standard_error_is_that_of_the_mean_over_orders():
    def product(rows):
        return rows[:, 0] * rows[:, 1] * rows[:, 2]

    given = {"background": BACKGROUND, "orders": 25}
    runs = [sampled_values(product, X, **given, seed=seed) for seed in range(60)]

    seen = np.std([values for values, *_ in runs], axis=0)
    told = np.mean([errors for *_, errors in runs], axis=0)
    np.testing.assert_allclose(told, seen, rtol=0.35, atol=1e-9)
    assert np.isnan(sampled_values(product, X, background=BACKGROUND, orders=1, seed=0)[3]).all()
