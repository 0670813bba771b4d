"""kernels_links: neighbours of equal level, and zones against scipy's connected components."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline.radiomics.engine.glszm import glszm
from pipeline.radiomics.engine.kernels_links import equal_neighbours, follow_runs, needed_links, zones
from pipeline.radiomics.engine.roi import roi_of


def linked(image):
    roi = roi_of(np.asarray(image, dtype=np.int32), reach=1, force2d_axis=None)
    directions, offsets = roi.neighbours((1,))
    return roi, directions, offsets, *equal_neighbours(roi.ranks, roi.voxels, offsets)


def test_each_bit_is_a_direction():
    roi, directions, _, equal, touching = linked([[1, 1], [2, 1]])
    assert directions.tolist() == [[0, 1, 1], [0, 1, 0], [0, 1, -1], [0, 0, 1]]
    assert equal[roi.voxels].tolist() == [0b1001, 0b0010, 0, 0]
    assert touching.all()


def test_touching_needs_no_equal_level():
    *_, equal, touching = linked([[1, 0], [0, 2]])
    assert not equal.any()
    assert touching.tolist() == [True, False, False, False]


def test_runs_are_taken_from_the_single_voxels():
    roi, _, offsets, equal, _ = linked([[3, 3, 3, 1, 3]])
    runs = np.zeros((1, 2, 5))
    runs[:, :, 0] = roi.counts
    follow_runs(roi.ranks, roi.voxels, offsets, equal, runs)
    assert runs.tolist() == [[[1, 0, 0, 0, 0], [1, 0, 1, 0, 0]]]


@pytest.mark.parametrize("n_levels", [1, 2, 3, 9])
@pytest.mark.parametrize("shape", [(31, 33), (9, 10, 11), (3000, 2)])
def test_zones_are_the_connected_components_of_each_level(shape, n_levels):
    image = np.random.default_rng(n_levels).integers(0, n_levels + 1, shape).astype(np.int32)
    image = np.where(np.indices(shape).sum(axis=0) % 7 < 2, 1, image)  # some smooth stripes
    roi, _, offsets, equal, _ = linked(image)
    matrix = glszm(roi, equal=equal)
    ranks, sizes = zones(roi.ranks, roi.voxels, offsets, equal)
    for row, level in enumerate(roi.levels):
        labels, _ = ndimage.label(image == level, structure=np.ones((3,) * len(shape)))
        expected = np.bincount(labels.ravel())[1:]
        assert sorted(sizes[ranks == row + 1]) == sorted(expected)
        # Without the superfluous links the zones are the same.
        np.testing.assert_array_equal(np.repeat(matrix.sizes, matrix.counts[0, row].astype(int)), sorted(expected))


def test_a_flat_plane_keeps_its_first_links_only():
    roi, _, _, equal, _ = linked(np.ones((3, 4)))
    links = needed_links(equal, 0b1000, 0b0011, 0b0100)[roi.voxels].reshape(3, 4)
    assert links.tolist() == [[8, 12, 8, 2], [8, 12, 8, 2], [8, 8, 8, 0]]
