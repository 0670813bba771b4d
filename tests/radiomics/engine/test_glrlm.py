"""glrlm: runs counted by hand, and the directions that are dropped."""

import numpy as np

from pipeline.radiomics.engine.glrlm import glrlm
from pipeline.radiomics.engine.roi import roi_of


def matrix_of(image, **settings):
    roi = roi_of(np.array(image, dtype=np.int32), force2d_axis=settings.get("axis"))
    return glrlm(roi)


def test_runs_counted_by_hand():
    found = matrix_of([[1, 1, 1, 2, 0, 2, 2, 1]], axis=0)
    assert found.sizes.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found.counts[:, :, :3].tolist() == [[[1, 0, 1], [1, 1, 0]]]
    assert found.counts[:, :, 3:].sum() == 0


def test_all_four_directions_of_a_plane():
    found = matrix_of([[1, 2], [2, 1]])
    # Along (1, 1), (1, 0), (1, -1), (0, 1): runs of level 1, then of level 2.
    assert found.counts.tolist() == [[[0, 1], [2, 0]], [[2, 0], [2, 0]], [[2, 0], [0, 1]], [[2, 0], [2, 0]]]


def test_a_direction_without_two_voxels_on_a_line_is_dropped():
    # On a diagonal each voxel is alone in its row and in its column.
    assert matrix_of(np.diag([1, 1, 2])).counts.shape[0] == 1


def test_voxels_with_a_gap_between_them_share_their_line():
    assert matrix_of([[1, 0, 0], [0, 0, 0], [1, 0, 0]]).counts.tolist() == [[[2, 0, 0]]]
    roi = roi_of(np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=np.int32))
    assert roi.layout.neighbours((1,))[0].tolist() == [[0, 1, 1], [0, 1, 0], [0, 1, -1], [0, 0, 1]]
    assert roi.layout.lines.tolist() == [False, False, False, True]
