"""gldm: dependences counted by hand."""

import numpy as np
import pytest

from pipeline.radiomics.engine.gldm import gldm_features
from pipeline.radiomics.engine.roi import roi_of
from pipeline.radiomics.engine.texture import dependences_and_differences


@pytest.mark.parametrize(
    ("alpha", "large"),
    [
        # 1 1 2: the ones depend on each other (2, 2), the 2 on nothing (1).
        (0, (4 + 4 + 1) / 3),
        # The middle depends on both (3), the others on it (2).
        (1, (4 + 9 + 4) / 3),
    ],
)
def test_dependences_counted_by_hand(alpha, large):
    roi = roi_of(np.array([[1, 1, 2]], dtype=np.int32))
    dependences, _ = dependences_and_differences(roi, alpha=alpha)
    found = gldm_features(roi, dependences=dependences)
    assert found["LargeDependenceEmphasis"] == pytest.approx(large)
    assert found["GrayLevelVariance"] == pytest.approx(2 / 9)
    assert len(found) == 14
