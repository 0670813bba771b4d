import numpy as np
import pytest

from pipeline.statistics.prototypes import prototypes


def test_two_clouds_give_their_means():
    near = np.array([[0.0, 0.0], [0.2, 0.0], [-0.2, 0.0], [0.0, 0.2], [0.0, -0.2]])
    X = np.concatenate([near + 10, near, near + 10, near])

    found = prototypes(X, seed=1, min_rows=5)

    assert found.counts.sum() == 20
    assert found.counts.min() >= 5
    np.testing.assert_allclose(found.counts @ found.centres / 20, X.mean(axis=0))
    np.testing.assert_allclose(found.centres, [[0, 0], [10, 10]], atol=1e-12)


def test_no_prototype_is_the_mean_of_fewer_rows_than_asked():
    X = np.random.default_rng(0).normal(size=(57, 3))
    X[0] += 100  # alone, it would be its own cluster

    found = prototypes(X, seed=2)

    assert found.counts.min() >= 5
    assert not any((np.abs(X - centre).max(axis=1) < 1e-6).any() for centre in found.centres)


def test_same_seed_and_any_order_of_equal_rows_give_the_same_prototypes():
    X = np.random.default_rng(3).normal(size=(40, 2))

    first, second = prototypes(X, seed=4), prototypes(X.copy(), seed=4)

    np.testing.assert_array_equal(first.centres, second.centres)


def test_rows_without_columns_or_without_variation_give_one_prototype():
    assert prototypes(np.empty((12, 0)), seed=0).centres.shape == (1, 0)
    assert prototypes(np.ones((12, 2)), seed=0).counts.tolist() == [12]


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="4 rows"):
        prototypes(np.zeros((4, 2)), seed=0)


def test_many_rows_have_at_most_fifty_prototypes():
    X = np.random.default_rng(6).normal(size=(700, 2))

    assert 40 <= len(prototypes(X, seed=0).centres) <= 50  # without a limit it would be 70 before small ones join
