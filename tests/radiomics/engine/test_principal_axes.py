"""Eigenvalues of the voxels' places: a rectangle by hand, and a line, which is flat."""

import numpy as np
import pytest

from pipeline.radiomics.engine.principal_axes import axis_length, axis_ratio, eigenvalues


def test_a_rectangle_by_hand():
    found = eigenvalues(np.ones((3, 5), dtype=bool), spacing_mm=np.array([2.0, 1.0]))

    np.testing.assert_allclose(found, [2, 8 / 3])  # (25 - 1) / 12 · 1² and (9 - 1) / 12 · 2²


def test_a_line_has_no_second_axis():
    minor, major = eigenvalues(np.ones((1, 5), dtype=bool), spacing_mm=np.ones(2))

    assert (axis_length(minor), axis_ratio(minor, major)) == (0, 0)


def test_negative_eigenvalues_have_no_length():
    assert np.isnan([axis_length(-1), axis_ratio(-1, 2), axis_ratio(0, 0)]).all()
    assert axis_length(4) == pytest.approx(8)
