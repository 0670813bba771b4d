"""kernels_links: neighbours of equal level, and zones against scipy's connected components."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline.radiomics.engine.glszm import glszm
from pipeline.radiomics.engine.kernels_links import equal_neighbours, runs_of, touching
from pipeline.radiomics.engine.roi import roi_of


def linked(image):
    roi = roi_of(np.asarray(image, dtype=np.int32))
    directions, offsets = roi.layout.neighbours((1,))
    return roi, directions, offsets, equal_neighbours(roi.ranks, roi.layout.voxels, offsets)


def test_each_bit_is_a_direction():
    roi, directions, _, equal = linked([[1, 1], [2, 1]])
    assert directions.tolist() == [[0, 1, 1], [0, 1, 0], [0, 1, -1], [0, 0, 1]]
    assert equal[roi.layout.voxels].tolist() == [0b1001, 0b0010, 0, 0]


def test_touching_needs_no_equal_level():
    roi, _, offsets, equal = linked([[1, 0], [0, 2]])
    assert not equal[roi.layout.voxels].any()
    assert touching(roi.layout.voxels, offsets, roi.layout.size).tolist() == [True, False, False, False]


def test_runs_by_rank_and_length():
    roi, _, offsets, _ = linked([[3, 3, 3, 1, 3]])
    runs = runs_of(roi.ranks, roi.layout.voxels, offsets, 2, 5)
    assert runs.reshape(5, 3)[:, 1:].tolist() == [[1, 1], [0, 0], [0, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("n_levels", [1, 2, 3, 9])
@pytest.mark.parametrize("shape", [(31, 33), (9, 10, 11), (3000, 2)])
def test_zones_are_the_connected_components_of_each_level(shape, n_levels):
    image = np.random.default_rng(n_levels).integers(0, n_levels + 1, shape).astype(np.int32)
    image = np.where(np.indices(shape).sum(axis=0) % 7 < 2, 1, image)  # some smooth stripes
    roi = roi_of(image)
    matrix = glszm(roi)
    for row, level in enumerate(roi.levels):
        labels, _ = ndimage.label(image == level, structure=np.ones((3,) * len(shape)))
        expected = np.bincount(labels.ravel())[1:]
        np.testing.assert_array_equal(np.repeat(matrix.sizes, matrix.counts[0, row].astype(int)), sorted(expected))
