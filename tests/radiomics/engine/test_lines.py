"""Arrays as lines of voxels: views, whatever the axis."""

import numpy as np
import pytest

from pipeline.radiomics.engine.lines import lines_along


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_line_of_the_view_is_a_line_of_the_array(axis):
    array = np.arange(24).reshape(2, 3, 4)
    view = lines_along(array, axis)
    lines = view.swapaxes(1, 2).reshape(-1, array.shape[axis])

    assert np.shares_memory(view, array)
    np.testing.assert_array_equal(lines, np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]))
