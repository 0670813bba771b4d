"""glcm: a matrix counted by hand, and its directions."""

import numpy as np
import pytest

from pipeline.radiomics.engine.glcm import difference_weights, glcm, glcm_features
from pipeline.radiomics.engine.roi import roi_of

# 1 1
# 4 1    along the rows: (1, 1) and (4, 1)
IMAGE = np.array([[1, 1], [4, 1]], dtype=np.int32)


def test_a_matrix_counted_by_hand():
    roi = roi_of(IMAGE, force2d_axis=0)
    found = glcm(roi, symmetric=False)
    assert found.levels.tolist() == [1, 4]
    assert found.p.tolist() == [[[0.5, 0], [0.5, 0]]]
    both = glcm(roi, symmetric=True)
    assert both.p.tolist() == [[[0.5, 0.25], [0.25, 0]]]
    assert both.rows.tolist() == both.columns.tolist() == [[0.75, 0.25]]
    assert both.plus.tolist() == [[0.5, 0, 0, 0.5, 0, 0, 0]]
    assert both.minus.tolist() == [[0.5, 0, 0, 0.5]]


def test_features_computed_by_hand():
    found = glcm_features(glcm(roi_of(IMAGE, force2d_axis=0), symmetric=True))
    assert found["Contrast"] == 4.5
    assert found["JointAverage"] == 1.75
    assert found["Autocorrelation"] == pytest.approx(2.5)
    assert found["Correlation"] == pytest.approx(-1 / 3)
    assert found["MCC"] == pytest.approx(1 / 3)
    assert found["JointEntropy"] == pytest.approx(1.5)
    assert found["InverseVariance"] == pytest.approx(0.5 / 9)
    assert found["Idn"] == pytest.approx(0.5 + 0.5 / (1 + 3 / 4))


def test_directions_without_a_pair_are_dropped():
    roi = roi_of(np.array([[1, 0], [0, 2]], dtype=np.int32))
    assert glcm(roi, symmetric=True).p.shape == (1, 2, 2)


def test_independent_levels_share_no_information():
    # Every pair of the levels 1 and 2 once: the second eigenvalue and the mutual information are 0 but for rounding.
    roi = roi_of(np.array([[1, 1, 2, 2, 1]], dtype=np.int32))
    found = glcm_features(glcm(roi, symmetric=False))
    assert found["Imc2"] == found["MCC"] == 0
    assert found["Imc1"] == 0


def test_rows_of_one_level_have_the_correlation_1():
    # Pairs (1, 1), (1, 1) and (1, 2): by rounding the rows deviate from their mean.
    roi = roi_of(np.array([[1, 1, 1, 2]], dtype=np.int32))
    assert glcm_features(glcm(roi, symmetric=False))["Correlation"] == 1


def test_mcc_is_left_out_on_demand():
    matrix = glcm(roi_of(IMAGE), symmetric=True)
    assert np.isnan(glcm_features(matrix, with_mcc=False)["MCC"])


def test_the_weight_of_no_difference_is_finite():
    assert difference_weights(2).tolist() == [[0, 0, 1, 1, 1, 1, 0], [1, 1, 0.5, 1 / 1.5, 0.5, 0.8, 1]]
