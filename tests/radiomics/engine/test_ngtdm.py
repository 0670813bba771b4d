"""ngtdm: five features by hand, and ROIs in which nothing differs."""

import numpy as np
import pytest

from pipeline.radiomics.engine.ngtdm import ngtdm_features
from pipeline.radiomics.engine.roi import roi_of


def features_of(image, differences):
    roi = roi_of(np.array(image, dtype=np.int32))
    return ngtdm_features(roi, differences=np.array(differences, dtype=float))


def test_features_computed_by_hand():
    # p = (1/4, 3/4) at the levels 1 and 3, s = (2, 4).
    found = features_of([[1, 3, 3, 3]], [2, 4])
    assert found == pytest.approx(
        {
            "Busyness": 3.5 / 4,  # 2 |1/4 - 9/4|
            "Coarseness": 1 / 3.5,
            "Complexity": 2 * 2 * 3.5 / 4,
            "Contrast": (2 * 3 / 16 * 4 / 2) * 6 / 4,
            "Strength": 2 * 4 / 6,
        }
    )


def test_pyradiomics_constants_where_nothing_differs():
    assert features_of([[2, 2]], [0]) == {
        "Busyness": 0, "Coarseness": 1e6, "Complexity": 0, "Contrast": 0, "Strength": 0,
    }  # fmt: skip


def test_two_flat_parts_differ_in_no_neighbourhood():
    found = features_of([[1, 0, 3]], [0, 0])
    assert (found["Coarseness"], found["Strength"], found["Busyness"]) == (1e6, 0, 0)
