"""image_summary: numbers known beforehand from small drawn images."""

import numpy as np
import pytest

from pipeline.cohort.image_summary import image_summary


def box(shape, *slices):
    mask = np.zeros(shape, dtype=bool)
    mask[slices] = True
    return mask


def test_range_centre_and_share_of_a_box():
    array = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60)

    summary = image_summary(array, lesion=box((40, 60), slice(10, 20), slice(30, 60)), whole=False)

    assert (summary.low, summary.high, summary.mean) == (0, 2399, pytest.approx(1199.5))
    assert (summary.lesion_voxels, summary.lesion_share) == (300, 0.125)
    assert summary.centre == pytest.approx((0.75, 0.375))  # x first


def test_a_volume_is_summarised_from_a_sample_of_its_voxels():
    rng = np.random.default_rng(0)
    array = rng.normal(100, 20, (40, 90, 100)).astype(np.float32)
    array[3, 5, 7] = 1000  # on no sampled place, but the maximum is that of all voxels

    summary = image_summary(array, lesion=box(array.shape, slice(0, 10), slice(0, 9), slice(0, 10)), whole=False)

    assert summary.high == 1000
    assert summary.mean == pytest.approx(100, abs=1)
    assert summary.deviation == pytest.approx(20, abs=1)
    assert summary.centre == pytest.approx((0.05, 0.05, 0.125))
    assert summary.fit.mask.size == 12 * 16 * 16


@pytest.mark.parametrize(("lesion", "whole"), [(None, False), (np.ones((20, 20), dtype=bool), True)])
def test_without_a_lesion_of_its_own_only_the_grey_range_is_known(lesion, whole):
    summary = image_summary(np.eye(20), lesion=lesion, whole=whole)

    assert (summary.high, summary.lesion_voxels, summary.centre, summary.fit) == (1, 0, (), None)


def test_images_with_nan_and_masks_without_an_outside_are_left_out():
    array = np.eye(20)
    assert image_summary(array, lesion=np.ones((20, 20), dtype=bool), whole=False).fit is None
    array[3, 4] = np.nan
    assert image_summary(array, lesion=None, whole=True) is None


def test_the_contrast_of_a_mask_is_that_across_its_contour():
    lesion = box((96, 96), slice(30, 60), slice(30, 60))
    moved = box((96, 96), slice(60, 90), slice(60, 90))
    array = np.where(lesion, 50, 200).astype(np.uint8)
    own, other = (image_summary(array, lesion=mask, whole=False).fit for mask in (lesion, moved))

    image, mask, foreign = (values.astype(float) for values in (own.image, own.mask, other.mask))
    assert image @ mask < -1
    assert abs(image @ foreign) < 0.1
    assert mask.sum() == pytest.approx(0, abs=1e-3)
