"""The bootstrap of patients with several images."""

import numpy as np
import pytest

from pipeline.statistics.cluster_bootstrap import ratio_samples


def test_a_patient_is_drawn_with_all_images():
    # Patient 1 has three images of value 1, patient 2 one of value 0: a sample is (1, 1), (1, 2) or (2, 2).
    samples = ratio_samples([[3.0], [0.0]], [[3.0], [1.0]], replicates=4000, seed=1)[:, 0]

    values, counts = np.unique(samples, return_counts=True)
    np.testing.assert_array_equal(values, [0, 0.75, 1])
    np.testing.assert_allclose(counts / 4000, [0.25, 0.5, 0.25], atol=0.03)


def test_spread_is_that_of_the_mean_of_patients_not_of_images():
    # 100 patients of 5 equal images each: the SE is SD / sqrt(100), not SD / sqrt(500).
    means = np.random.default_rng(3).normal(size=(100, 1))
    samples = ratio_samples(5 * means, np.full((100, 1), 5.0), replicates=2000, seed=2)

    assert samples.std() == pytest.approx(means.std() / 10, rel=0.08)


def test_the_same_seed_gives_the_same_samples_for_every_measure():
    above, below = np.arange(12.0).reshape(6, 2), np.ones((6, 2))
    found = ratio_samples(above, below, replicates=50, seed=4)

    np.testing.assert_array_equal(found, ratio_samples(above, below, replicates=50, seed=4))
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 1)
    assert not np.array_equal(found, ratio_samples(above, below, replicates=50, seed=5))
    assert ratio_samples(above, below, replicates=0, seed=4).shape == (0, 2)


def test_nothing_to_divide_by_is_undefined_and_gaps_are_refused():
    assert np.isnan(ratio_samples([[0.0]], [[0.0]], replicates=3, seed=1)).all()
    with pytest.raises(ValueError, match="missing"):
        ratio_samples([[np.nan]], [[1.0]], replicates=3, seed=1)
    with pytest.raises(ValueError, match=r"\(n, k\)"):
        ratio_samples(np.ones((2, 1)), np.ones((3, 1)), replicates=3, seed=1)
