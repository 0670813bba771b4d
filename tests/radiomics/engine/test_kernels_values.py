"""kernels_values: sums and selections against plain numpy."""

import numpy as np
import pytest

from pipeline.radiomics.engine.kernels_values import bounded_sum, bucket_counts, power_sums, values_in_buckets


@pytest.mark.parametrize("n", [1, 15, 16, 5003])  # below one row of lanes, one row, more than one chunk with a rest
def test_sums_of_powers(n):
    values = np.random.default_rng(n).normal(size=n)
    d = values - 0.5
    expected = [np.abs(d).sum(), (d**2).sum(), (d**3).sum(), (d**4).sum(), ((values + 3) ** 2).sum()]
    np.testing.assert_allclose(power_sums(values, 0.5, 3.0), expected, rtol=1e-12)


def test_a_sum_between_bounds_includes_them():
    assert bounded_sum(np.array([9.0, 1.0, 2.0, 4.0, 0.0]), 1.0, 4.0, 2.0) == (1.0, 3.0, 3)


def test_values_of_a_bucket_keep_their_order():
    values = np.array([0.0, 9.0, 4.5, 4.0, 10.0])
    assert bucket_counts(values, 0.0, 0.2, 3).tolist() == [3, 1, 1]
    assert values_in_buckets(values, 0.0, 0.2, np.array([True, False, True]), 4).tolist() == [0, 4.5, 4, 10]
