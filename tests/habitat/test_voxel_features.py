"""Voxel features by hand: from lesion voxels alone, the same under a gain, at the border and in 3-D."""

import numpy as np
import pytest

from pipeline.foundation.errors import ImageError
from pipeline.habitat.params import VoxelParams
from pipeline.habitat.voxel_features import voxel_feature_names, voxel_features

PARAMS = VoxelParams(window_px=(3,), entropy_bins=8)
NAMES = ("grey", "mean_3", "sd_3", "entropy_3", "gradient")


def features(voxels, mask, *, spacing=None):
    found = voxel_features(voxels, mask=mask, spacing=spacing or (1.0,) * mask.ndim, params=PARAMS)
    return dict(zip(voxel_feature_names(PARAMS), found.T, strict=True))


def test_a_row_of_three_voxels_by_hand():
    found = features(np.array([[9, 1, 1, 4, 9]]), np.array([[0, 1, 1, 1, 0]], dtype=bool))
    grey = np.array([-1, -1, 2]) / np.sqrt(2)  # 1, 1, 4: mean 2, SD sqrt 2

    assert tuple(found) == NAMES
    np.testing.assert_allclose(found["grey"], grey)
    np.testing.assert_allclose(found["mean_3"], [grey[0], 0, grey[1:].mean()], atol=1e-12)
    np.testing.assert_allclose(found["sd_3"], [0, 1, grey[1:].std()], atol=1e-7)
    thirds = -(np.log2(1 / 3) / 3 + 2 / 3 * np.log2(2 / 3))
    np.testing.assert_allclose(found["entropy_3"], [0, thirds, 1], atol=1e-12)
    step = 3 / np.sqrt(2)
    np.testing.assert_allclose(found["gradient"], [0, step / 2, step])


def test_what_lies_outside_the_mask_changes_nothing():
    random = np.random.default_rng(0)
    image, mask = random.normal(size=(12, 14)), random.random((12, 14)) < 0.4
    other = np.where(mask, image, 1e6)

    for name, values in features(image, mask).items():
        np.testing.assert_array_equal(values, features(other, mask)[name])


def test_gain_and_offset_of_the_scanner_change_nothing():
    image = np.random.default_rng(1).normal(size=(9, 9))
    mask = np.ones((9, 9), dtype=bool)

    for name, values in features(3 * image + 40, mask).items():
        np.testing.assert_allclose(values, features(image, mask)[name], atol=1e-6)


def test_a_volume_of_one_slice_is_its_frame_and_rows_follow_the_mask():
    random = np.random.default_rng(2)
    image, mask = random.normal(size=(8, 9)), random.random((8, 9)) < 0.6
    frame, volume = features(image, mask), features(image[None], mask[None], spacing=(5.0, 1.0, 1.0))

    for name, values in frame.items():
        np.testing.assert_allclose(values, volume[name], atol=1e-7)
    inside = image[mask]
    np.testing.assert_allclose(frame["grey"], (inside - inside.mean()) / inside.std())


def test_a_step_between_slices_counts_by_its_length():
    image = np.zeros((2, 2, 2))
    image[1] = 2.0  # z-scores -1 and 1
    found = features(image, np.ones((2, 2, 2), dtype=bool), spacing=(4.0, 1.0, 1.0))

    np.testing.assert_allclose(found["gradient"], 2 / 4)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_one_grey_level_has_no_sub_regions(n):
    mask = np.zeros((4, 4), dtype=bool)
    mask.flat[:n] = True

    with pytest.raises(ImageError, match=f"the lesion has {n} voxels of one grey level: it has no sub-regions"):
        features(np.full((4, 4), 7), mask)
