"""matrix_sums: the features of matrices small enough for mental arithmetic."""

import numpy as np
import pytest

from pipeline.radiomics.engine.glrlm import NAMES
from pipeline.radiomics.engine.matrix_sums import LevelSizeMatrix, consecutive_sizes, level_size_features, variances


def test_a_size_that_never_occurs_changes_nothing():
    with_gap = consecutive_sizes(np.array([[[0.0, 2.0, 0.0, 1.0, 0.0]]]), np.array([5]))
    without = LevelSizeMatrix(np.array([[[2, 1]]]), np.array([5]), np.array([2, 4]))
    assert with_gap.sizes.tolist() == [1, 2, 3, 4, 5]
    assert level_size_features(with_gap, NAMES) == pytest.approx(level_size_features(without, NAMES), rel=1e-15)


def test_two_cells_by_hand():
    found = level_size_features(LevelSizeMatrix(np.array([[[3, 1]]]), np.array([1]), np.array([1, 3])), NAMES)
    assert found["RunEntropy"] == pytest.approx(2 - 0.75 * np.log2(3))
    assert found["RunVariance"] == pytest.approx(0.75)
    assert found["RunPercentage"] == pytest.approx(4 / 6)


def test_one_cell_has_the_powers_of_its_level_and_size():
    found = level_size_features(consecutive_sizes(np.array([[[0.0, 3.0]]]), np.array([4])), NAMES)
    assert found == pytest.approx(
        {
            "ShortRunEmphasis": 1 / 4,
            "LongRunEmphasis": 4,
            "LowGrayLevelRunEmphasis": 1 / 16,
            "HighGrayLevelRunEmphasis": 16,
            "ShortRunLowGrayLevelEmphasis": 1 / 64,
            "ShortRunHighGrayLevelEmphasis": 4,
            "LongRunLowGrayLevelEmphasis": 1 / 4,
            "LongRunHighGrayLevelEmphasis": 64,
            "GrayLevelNonUniformity": 3,
            "GrayLevelNonUniformityNormalized": 1,
            "RunLengthNonUniformity": 3,
            "RunLengthNonUniformityNormalized": 1,
            "RunPercentage": 1 / 2,
            "GrayLevelVariance": 0,
            "RunVariance": 0,
            "RunEntropy": 0,
        },
        abs=1e-12,
    )


def test_angles_count_alike_whatever_their_number_of_entries():
    counts = np.array([[[1.0, 0.0]], [[0.0, 100.0]]])
    found = level_size_features(consecutive_sizes(counts, np.array([1])), NAMES)
    assert found["LongRunEmphasis"] == pytest.approx((1 + 4) / 2)


def test_without_angles_all_is_nan():
    assert np.isnan(
        list(level_size_features(consecutive_sizes(np.zeros((0, 2, 3)), np.arange(2)), NAMES).values())
    ).all()


def test_the_variance_of_two_equal_halves():
    assert variances(np.array([[0.5, 0.5]]), np.array([1.0, 5.0])).tolist() == [4]
