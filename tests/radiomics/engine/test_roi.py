"""roi: directions in PyRadiomics' order, ranks, and steps in memory."""

import numpy as np
import pytest
from radiomics import cMatrices

from pipeline.radiomics.engine.roi import roi_of


@pytest.mark.parametrize("distances", [(1,), (2,), (1, 3)])
@pytest.mark.parametrize("axis", [None, 0, 2])
def test_directions_are_those_of_pyradiomics(distances, axis):
    roi = roi_of(np.ones((4, 5, 6), dtype=np.int32), distances=distances, force2d_axis=axis)
    expected = cMatrices.generate_angles(np.array([4, 5, 6]), np.array(distances), False, axis is not None, axis or 0)
    assert {tuple(way) for way in roi.layout.neighbours(distances)[0].tolist()} == {
        tuple(way) for way in expected.tolist()
    }


def test_a_direction_longer_than_the_roi_is_dropped():
    roi = roi_of(np.array([[0, 0, 0], [1, 2, 0]], dtype=np.int32))
    assert roi.layout.neighbours((1,))[0].tolist() == [[0, 0, 1]]


def test_an_axis_of_a_2d_image_can_be_fixed():
    roi = roi_of(np.ones((3, 3), dtype=np.int32), force2d_axis=0)
    assert roi.layout.neighbours((1,))[0].tolist() == [[0, 0, 1]]


def test_ranks_count_the_occupied_levels_only():
    image = np.array([[0, 7, 0], [2, 7, 40]], dtype=np.int32)
    roi = roi_of(image)
    assert roi.levels.tolist() == [2, 7, 40]
    assert roi.counts.tolist() == [1, 2, 1]
    assert roi.ranks.reshape(roi.layout.shape)[0, 1:-1, 1:-1].tolist() == [[0, 2, 0], [1, 2, 3]]
    assert roi.ranks[roi.layout.voxels].tolist() == [2, 1, 2, 3]


def test_every_offset_leads_to_the_neighbour():
    image = np.arange(1, 61, dtype=np.int32).reshape(3, 4, 5)
    roi = roi_of(image, distances=(1, 2))
    directions, offsets = roi.layout.neighbours((1, 2))
    centre = roi.layout.voxels[roi.ranks[roi.layout.voxels] == image[1, 1, 2]][0]
    for (z, y, x), offset in zip(directions.tolist(), offsets.tolist(), strict=True):
        inside = 0 <= 1 + z < 3 and 0 <= 1 + y < 4 and 0 <= 2 + x < 5
        assert roi.ranks[int(centre) + offset] == (image[1 + z, 1 + y, 2 + x] if inside else 0)


def test_an_empty_roi_is_refused():
    with pytest.raises(ValueError, match="no voxel above 0"):
        roi_of(np.zeros((3, 3), dtype=np.int32))
