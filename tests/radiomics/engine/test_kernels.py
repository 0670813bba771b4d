"""kernels: compiled loops against plain numpy."""

import numpy as np
import pytest

from pipeline.radiomics.engine.kernels import (
    bins_of,
    cooccurrences,
    diagonal_sums,
    level_counts,
    neighbours_inside,
    places_in_margin,
    ranks_in_margin,
)
from pipeline.radiomics.engine.roi import roi_of
from pipeline.radiomics.engine.texture import dependences_and_differences


def random_roi(shape=(6, 7, 8), n_levels=3, seed=0):
    draw = np.random.default_rng(seed)
    image = draw.integers(0, n_levels + 1, shape).astype(np.int32)
    return image, roi_of(image)


@pytest.mark.parametrize("last", [10.0, 10.3, 11.0])
def test_bins_are_those_of_digitize(last):
    edges = np.append(np.arange(0, 10) * 0.1 + 3, last)
    values = np.concatenate(
        [edges[:-1], np.nextafter(edges[:-1], 0)[1:], np.random.default_rng(1).uniform(3, last, 99)]
    )
    np.testing.assert_array_equal(bins_of(values, edges), np.digitize(values, edges))


def test_voxels_keep_their_place_in_the_margin_and_have_ranks_of_occupied_levels():
    inside = np.array([[[True, False], [True, True]]])
    voxels = places_in_margin(inside, np.array([0, 1, 1]), 3)
    assert voxels.tolist() == [5, 9, 10]
    assert level_counts(np.array([7, 2, 7], dtype=np.int32)).tolist() == [0, 0, 1, 0, 0, 0, 0, 2]
    occupied = np.array([2, 7])
    ranks = ranks_in_margin(np.array([7, 2, 7], dtype=np.int32), voxels, occupied, 16)
    assert np.flatnonzero(ranks).tolist() == [5, 9, 10]
    assert ranks[voxels].tolist() == [2, 1, 2]


def test_cooccurrences_count_pairs_inside_the_roi():
    image, roi = random_roi()
    directions, offsets = roi.layout.neighbours((1,))
    counts = cooccurrences(roi.ranks, roi.layout.voxels, offsets, len(roi.levels))
    for (z, y, x), found in zip(directions.tolist(), counts, strict=True):
        moved = np.pad(image, 1)[1 + z : 7 + z, 1 + y : 8 + y, 1 + x : 9 + x]
        expected = [[((image == i) & (moved == j)).sum() for j in (1, 2, 3)] for i in (1, 2, 3)]
        assert found.tolist() == expected


def test_diagonals_are_summed_by_level_not_by_row():
    plus, minus = diagonal_sums(np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([1, 3]))
    assert plus.tolist() == [[1, 0, 5, 0, 4]]
    assert minus.tolist() == [[5, 0, 5]]


def test_a_voxel_in_the_middle_has_all_neighbours():
    layout = roi_of(np.ones((3, 3, 3), dtype=np.int32)).layout
    found = neighbours_inside(layout.voxels, layout.offsets, layout.size)
    assert (found[0], found[1], found[13]) == (7, 11, 26)


@pytest.mark.parametrize("alpha", [0, 1])
@pytest.mark.parametrize("highest", [4, 4000])  # sums beyond 16 bits
def test_neighbourhoods_compare_each_voxel_with_its_neighbours(alpha, highest):
    image, _ = random_roi(shape=(5, 6, 41), n_levels=4, seed=2)  # longer than one chunk
    levels = np.array([0, 1, 2, 3, highest])
    image = levels[image].astype(np.int32)
    dependences, differences = dependences_and_differences(roi_of(image), alpha=alpha)
    expected, gaps = np.zeros_like(dependences), np.zeros_like(differences)
    padded = np.pad(image, 1)
    for z, y, x in np.argwhere(image):
        level = image[z, y, x]
        around = np.delete(padded[z : z + 3, y : y + 3, x : x + 3].ravel(), 13)
        around = around[around > 0]
        row = np.searchsorted(levels, level) - 1
        expected[row, (np.abs(around - level) <= alpha).sum()] += 1
        gaps[row] += abs(level - around.mean()) if around.size else 0
    np.testing.assert_array_equal(dependences, expected)
    np.testing.assert_allclose(differences, gaps, rtol=1e-12)
