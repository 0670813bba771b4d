"""Nadeau and Bengio's interval, validated against the formula in R."""

import numpy as np
import pytest

from pipeline.statistics.fold_interval import corrected_resampled_interval


def test_equals_the_formula_in_r():
    # R: x <- c(.71, .80, .77, .65, .83, .74); h <- qt(.975, 5) * sqrt((1/6 + 20/40) * var(x)); mean(x) + c(-h, h)
    found = corrected_resampled_interval([0.71, 0.80, 0.77, 0.65, 0.83, 0.74], n_train=[40] * 6, n_test=[20] * 6)

    assert found == pytest.approx((0.613977594763328, 0.886022405236672), abs=1e-12)


def test_more_repeats_do_not_make_it_vanish():
    # As J grows, the half width tends to t · s · sqrt(n_test / n_train): no new patients, no new information.
    values = np.tile([0.7, 0.8], 5000)
    low, high = corrected_resampled_interval(values, n_train=np.full(10_000, 80), n_test=np.full(10_000, 20))

    assert (high - low) / 2 == pytest.approx(1.96 * 0.05 * 0.5, rel=1e-3)


def test_it_stays_between_0_and_1():
    low, high = corrected_resampled_interval([0.2, 1.0], n_train=[10, 10], n_test=[10, 10])
    assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize("values", [[], [0.7], [1.0, 1.0, 1.0]])
def test_without_variation_there_is_no_interval(values):
    sizes = [10] * len(values)
    assert np.isnan(corrected_resampled_interval(values, n_train=sizes, n_test=sizes)).all()


@pytest.mark.parametrize("values", [[0.7, np.nan], [0.7, 0.8, 0.9]])
def test_nan_and_other_shapes_are_refused(values):
    with pytest.raises(ValueError, match="one shape"):
        corrected_resampled_interval(values, n_train=[8, 8], n_test=[2, 2])
