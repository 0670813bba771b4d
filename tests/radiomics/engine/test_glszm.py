"""glszm: zones counted by hand."""

import numpy as np

from pipeline.radiomics.engine.glszm import glszm, representatives
from pipeline.radiomics.engine.roi import roi_of


def matrix_of(image, axis=None):
    roi = roi_of(np.array(image, dtype=np.int32), force2d_axis=axis)
    return glszm(roi)


def test_zones_counted_by_hand():
    # Diagonal neighbours are connected: the three 5 are one zone, the 1 are two.
    found = matrix_of([[5, 1, 0, 1], [1, 5, 0, 0], [1, 1, 5, 0]])
    assert found.levels.tolist() == [1, 5]
    assert found.sizes.tolist() == [1, 3, 4]
    assert found.counts.tolist() == [[[1, 0, 1], [0, 1, 0]]]


def test_zones_do_not_cross_slices_with_force2d():
    assert matrix_of(np.ones((2, 2, 3)), axis=0).sizes.tolist() == [6]
    assert matrix_of(np.ones((2, 2, 3))).sizes.tolist() == [12]


def test_a_spiral_is_one_zone():
    spiral = [[1, 1, 1, 1, 1], [2, 2, 2, 2, 1], [1, 1, 1, 2, 1], [1, 2, 2, 2, 1], [1, 1, 1, 1, 1]]
    found = matrix_of(spiral)
    assert found.counts.tolist() == [[[0, 1], [1, 0]]]
    assert found.sizes.tolist() == [8, 17]


def test_adjacent_neighbours_have_one_representative():
    # Along (1, 1), (1, 0), (1, -1), (0, 1): the first two are adjacent, the first and the third are not.
    chosen = representatives(((0, 1, 1), (0, 1, 0), (0, 1, -1), (0, 0, 1)))
    assert [int(chosen[of]) for of in (0, 0b0011, 0b0101, 0b0111, 0b1100, 0b1101)] == [0, 1, 0b0101, 1, 0b1100, 0b0101]
