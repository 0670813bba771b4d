"""What every engine refuses: PyRadiomics' reasons in plain words, and too many grey levels."""

import numpy as np
import pytest

from pipeline.foundation.errors import ImageError
from pipeline.radiomics.refusals import check_levels, plain_reason


def test_a_reason_is_preceded_by_its_meaning():
    assert plain_reason(ValueError("mask has too few\n dimensions")) == (
        "the ROI is a line of voxels, which has no texture and no shape; draw the whole lesion "
        "(PyRadiomics: mask has too few dimensions)"
    )
    assert (plain_reason(ValueError("else")), plain_reason(ValueError())) == ("else", "ValueError")


@pytest.mark.parametrize(("width", "count", "levels"), [(1.0, None, 1001), (25.0, 2000, 2000)])
def test_more_than_a_thousand_levels_are_refused(width, count, levels):
    with pytest.raises(ImageError, match=f"the square image has {levels} grey levels"):
        check_levels(np.array([0.0, 1000.0]), filtered="square", bin_width=width, bin_count=count)


@pytest.mark.parametrize("values", [[0.0, 999.0], [], [0.0, np.nan]])
def test_a_thousand_levels_nothing_and_nan_pass(values):
    check_levels(np.array(values), filtered="square", bin_width=1.0, bin_count=None)
