"""Rings by hand: known areas, both sides of the border, the edge of the image, 3-D with thick slices, the margin."""

import numpy as np
import pytest

from pipeline.crop.rois import CropParams
from pipeline.foundation.errors import ImageError, ParamsError
from pipeline.habitat.params import RingParams
from pipeline.habitat.rings import check_margin, ring

OUTER = (RingParams(name="outer", inner=0, outer=3),)


def disc(radius, side=61):
    y, x = np.indices((side, side)) - side // 2
    return y**2 + x**2 <= radius**2


def test_a_ring_of_a_disc_has_its_area():
    outside, fraction = ring(disc(40, side=121), inner=0, outer=10, spacing=(1.0, 1.0))
    inside, _ = ring(disc(40, side=121), inner=-10, outer=0, spacing=(1.0, 1.0))

    assert outside.sum() == pytest.approx(np.pi * (50**2 - 40**2), rel=0.03)
    assert inside.sum() == pytest.approx(np.pi * (40**2 - 30**2), rel=0.05)
    assert fraction == 1


def test_a_voxel_is_in_a_ring_by_its_distance_to_the_nearest_voxel_across_the_border():
    mask = disc(5, side=25) & ~disc(2, side=25)
    places, lesion = np.argwhere(~mask), np.argwhere(mask)
    near = np.linalg.norm(places[:, None] - lesion[None], axis=2).min(axis=1)

    shown, _ = ring(mask, inner=1, outer=3, spacing=(1.0, 1.0))

    np.testing.assert_array_equal(shown[~mask], (near > 1) & (near <= 3))
    assert not shown[mask].any()


def test_one_step_is_the_voxels_on_either_side_of_the_border():
    mask = np.zeros((7, 7), dtype=bool)
    mask[2:5, 2:5] = True
    outside, _ = ring(mask, inner=0, outer=1, spacing=(1.0, 1.0))
    inside, _ = ring(mask, inner=-1, outer=0, spacing=(1.0, 1.0))
    both, _ = ring(mask, inner=-1, outer=1, spacing=(1.0, 1.0))

    assert (outside.sum(), inside.sum()) == (12, 8)
    np.testing.assert_array_equal(both, outside | inside)


def test_distances_are_in_the_units_of_the_spacing():
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[4, 4, 4] = True
    shown, fraction = ring(mask, inner=0, outer=2, spacing=(2.0, 1.0, 1.0))

    assert fraction == 1
    assert shown[:, 4, 4].tolist() == [False, False, False, True, False, True, False, False, False]
    assert shown[4].sum() == 12  # within 2 of the centre in its slice


def test_a_ring_that_the_edge_of_the_image_cuts_is_not_invented():
    mask = np.zeros((20, 20), dtype=bool)
    mask[0:4, 8:12] = True
    shown, fraction = ring(mask, inner=0, outer=2, spacing=(1.0, 1.0))
    whole, _ = ring(np.pad(mask, 5), inner=0, outer=2, spacing=(1.0, 1.0))

    np.testing.assert_array_equal(shown, whole[5:-5, 5:-5])
    assert fraction == pytest.approx(shown.sum() / whole.sum())
    assert 0.5 < fraction < 0.8


def test_a_frame_of_one_slice_has_no_ring_above_it():
    flat, volume = (ring(mask, inner=0, outer=3, spacing=(1.0,) * mask.ndim) for mask in (disc(8), disc(8)[None]))

    np.testing.assert_array_equal(flat[0], volume[0][0])
    assert flat[1] == volume[1] == 1


def test_a_lesion_of_one_voxel_has_rings():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 4] = True

    assert ring(mask, inner=0, outer=1, spacing=(1.0, 1.0))[0].sum() == 4
    assert ring(mask, inner=-3, outer=0, spacing=(1.0, 1.0))[0].sum() == 1
    assert ring(mask, inner=-3, outer=-2, spacing=(1.0, 1.0))[0].sum() == 0


def test_the_mask_of_a_whole_image_has_no_border():
    with pytest.raises(ImageError, match="the mask covers its whole image"):
        ring(np.ones((4, 4), dtype=bool), inner=0, outer=3, spacing=(1.0, 1.0))


@pytest.mark.parametrize(
    ("margin_px", "margin_mm", "spacing", "fits"),
    [
        (3, None, None, True),
        (2, None, None, False),
        (3, None, (0.5, 0.5), False),  # 3 mm are 6 px
        (3, 3.0, (0.5, 0.5), True),
        (6, None, (0.5, 0.5), True),
        (3, None, (0.5, 0.5, 5.0), False),
    ],
)
def test_the_crop_must_reach_the_ring(margin_px, margin_mm, spacing, fits):
    crop = CropParams(margin_px=margin_px, margin_mm=margin_mm)
    if fits:
        check_margin(OUTER, crop=crop, spacing_mm=spacing, image_id="a")
        return
    with pytest.raises(ParamsError, match=r"params/crop\.yaml: the margin is \d px in a, .*raise margin_px"):
        check_margin(OUTER, crop=crop, spacing_mm=spacing, image_id="a")


def test_an_inner_ring_needs_a_voxel_outside_the_lesion():
    inner = (RingParams(name="inner", inner=-3, outer=0),)

    with pytest.raises(ParamsError, match="needs 1 px"):
        check_margin(inner, crop=CropParams(margin_px=0, margin_mm=None), spacing_mm=None, image_id="a")
