"""kernels: compiled loops against plain numpy."""

import numpy as np
import pytest

from pipeline.radiomics.engine.kernels import (
    bins_of,
    bounding_box,
    cooccurrences,
    diagonal_sums,
    neighbourhoods,
)
from pipeline.radiomics.engine.roi import roi_of


def random_roi(shape=(6, 7, 8), n_levels=3, seed=0):
    draw = np.random.default_rng(seed)
    image = draw.integers(0, n_levels + 1, shape).astype(np.int32)
    return image, roi_of(image, reach=1, force2d_axis=None)


@pytest.mark.parametrize("last", [10.0, 10.3, 11.0])
def test_bins_are_those_of_digitize(last):
    edges = np.append(np.arange(0, 10) * 0.1 + 3, last)
    values = np.concatenate(
        [edges[:-1], np.nextafter(edges[:-1], 0)[1:], np.random.default_rng(1).uniform(3, last, 99)]
    )
    np.testing.assert_array_equal(bins_of(values, edges), np.digitize(values, edges))


def test_the_bounding_box_holds_all_voxels_and_counts_them():
    image = np.zeros((4, 5, 6), dtype=np.int32)
    image[1, 2, 3:5], image[2, 4, 1] = 3, 1
    box, counts = bounding_box(image)
    assert box.tolist() == [[1, 3], [2, 5], [1, 5]]
    assert counts.tolist() == [0, 1, 0, 2]


def test_cooccurrences_count_pairs_inside_the_roi():
    image, roi = random_roi()
    directions, offsets = roi.neighbours((1,))
    counts = cooccurrences(roi.ranks, roi.voxels, offsets, len(roi.levels))
    for (z, y, x), found in zip(directions.tolist(), counts, strict=True):
        moved = np.pad(image, 1)[1 + z : 7 + z, 1 + y : 8 + y, 1 + x : 9 + x]
        expected = [[((image == i) & (moved == j)).sum() for j in (1, 2, 3)] for i in (1, 2, 3)]
        assert found.tolist() == expected


def test_diagonals_are_summed_by_level_not_by_row():
    plus, minus = diagonal_sums(np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([1, 3]))
    assert plus.tolist() == [[1, 0, 5, 0, 4]]
    assert minus.tolist() == [[5, 0, 5]]


@pytest.mark.parametrize("alpha", [0, 1])
def test_neighbourhoods_compare_each_voxel_with_its_neighbours(alpha):
    image, roi = random_roi(shape=(5, 6, 41), n_levels=4, seed=2)  # longer than one chunk
    dependences, differences = neighbourhoods(roi.ranks, roi.voxels, roi.both_ways((1,)), roi.levels, alpha)
    expected, gaps = np.zeros_like(dependences), np.zeros_like(differences)
    padded = np.pad(image, 1)
    for z, y, x in np.argwhere(image):
        level = image[z, y, x]
        around = np.delete(padded[z : z + 3, y : y + 3, x : x + 3].ravel(), 13)
        around = around[around > 0]
        expected[level - 1, (np.abs(around - level) <= alpha).sum()] += 1
        gaps[level - 1] += abs(level - around.mean()) if around.size else 0
    np.testing.assert_array_equal(dependences, expected)
    np.testing.assert_allclose(differences, gaps, rtol=1e-12)
