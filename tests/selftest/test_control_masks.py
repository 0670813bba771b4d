"""Regions beside the lesion: same shape, outside the lesion and its shadow; the ring; shuffled voxels."""

import numpy as np
import pytest
from control_study import disc

from pipeline.foundation.errors import ImageError
from pipeline.selftest.control_masks import lesion_zone, moved_mask, ring_mask, shuffled_voxels


def moved(mask, seed=1):
    return moved_mask(mask, random=np.random.default_rng(seed))


def test_the_moved_mask_has_the_same_shape_beside_the_lesion():
    mask = disc()
    found = moved(mask)
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    original = mask[np.ix_(mask.any(axis=1), mask.any(axis=0))]

    assert np.array_equal(found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], original)
    assert not (found & lesion_zone(mask)).any()
    assert np.array_equal(found, moved(mask))


def test_volumes_are_moved_within_their_slices():
    mask = np.zeros((4, 40, 40), dtype=bool)
    mask[1:3] = disc((40, 40), (12, 12), 6)
    found = moved(mask, seed=2)

    assert np.array_equal(found.any(axis=(1, 2)), mask.any(axis=(1, 2)))
    assert not (found & mask).any()


def test_a_lesion_that_fills_the_image_has_no_place():
    assert moved(disc((20, 20), (10, 10), 9)) is None
    assert ring_mask(np.ones((20, 20), dtype=bool)) is None
    with pytest.raises(ImageError, match="marks no voxel"):
        moved(np.zeros((20, 20), dtype=bool))


def test_the_zone_reaches_to_the_lower_edge_of_a_picture_and_not_of_a_volume():
    mask = np.zeros((5, 4), dtype=bool)
    mask[1, 2] = True

    assert np.array_equal(np.argwhere(lesion_zone(mask)), [[1, 2], [2, 2], [3, 2], [4, 2]])
    assert lesion_zone(mask[np.newaxis]).sum() == 1


def test_the_ring_lies_from_3_px_to_3_px_and_half_a_radius_outside_the_lesion():
    mask = disc((90, 90), (45, 45), 16)
    ring = ring_mask(mask)
    y, x = np.nonzero(ring)
    away = np.hypot(y - 45, x - 45) - 16

    assert away.min() > 2.5
    assert away.max() == pytest.approx(3 + 8, abs=1)
    assert not (ring & lesion_zone(mask)).any()
    assert ring[45, 45 + 16 + 5]  # the outer arm of a calliper of 11 px at the end of the lesion
    in_volume = ring_mask(np.stack([np.zeros_like(mask), mask]))
    assert in_volume[1].sum() > ring.sum()  # below the lesion too
    assert not in_volume[0].any()


def test_shuffled_voxels_keep_the_histogram_and_lose_the_order():
    image = np.arange(400).reshape(20, 20)
    mask = disc((20, 20), (10, 10), 6)
    found = shuffled_voxels(image, mask=mask, random=np.random.default_rng(1))

    assert np.array_equal(np.sort(found[mask]), image[mask])
    assert not np.array_equal(found[mask], image[mask])
    assert np.array_equal(found[~mask], image[~mask])
