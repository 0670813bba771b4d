"""z-scores by hand."""

import pandas as pd
import pytest

from pipeline.reduce.steps.z_score import ZScore


def test_by_hand():
    fitted = ZScore().fit(pd.DataFrame({"x": [1.0, 3.0], "constant": [0.1, 0.1]}))
    scaled = fitted.transform(pd.DataFrame({"x": [1.0, 2.0, 5.0], "constant": [0.1, 0.2, 9.0]}))

    assert scaled["x"].tolist() == pytest.approx([-1, 0, 3])  # mean 2, SD 1 (divided by n)
    assert scaled["constant"].tolist() == [0, 0, 0]
