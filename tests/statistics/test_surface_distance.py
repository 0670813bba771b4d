"""Surface distances against hand-made masks and MONAI's own functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from pipeline.statistics.surface_distance import hd95_all_foreground, surface_distances

MASKS = hnp.arrays(np.uint8, (6, 7), elements=st.integers(0, 1))


def drawn(shape, *boxes):
    mask = np.zeros(shape, dtype=np.uint8)
    for box in boxes:
        mask[box] = 1
    return mask


def pixel(place, *, shape):
    return drawn(shape, place)


def test_one_pixel_from_another():
    a, b = pixel((2, 3), shape=(20, 20)), pixel((5, 7), shape=(20, 20))

    assert vars(surface_distances(a, b)) == {"hd95": 5, "assd": 5}
    assert vars(surface_distances(a, a)) == {"hd95": 0, "assd": 0}
    assert vars(surface_distances(a, b, spacing_mm=(2, 0.5))) == pytest.approx({"hd95": 40**0.5, "assd": 40**0.5})
    assert hd95_all_foreground(a, b) == 5


def test_one_voxel_of_a_volume():
    a, b = pixel((0, 0, 0), shape=(3, 9, 9)), pixel((2, 1, 2), shape=(3, 9, 9))

    assert surface_distances(a, b).hd95 == 3
    assert surface_distances(a, b, spacing_mm=(3, 2, 1)).assd == pytest.approx(44**0.5)


def test_lines_that_are_shifted_have_the_percentiles_of_a_ramp():
    # 21 pixels in a row against the first of them: distances 0 … 20 forth (95th percentile 19) and 0 back.
    line, start = drawn((1, 30), np.s_[0, 5:26]), pixel((0, 5), shape=(1, 30))

    found = surface_distances(line, start)

    assert found.hd95 == 19
    assert found.assd == pytest.approx(210 / 22)
    assert surface_distances(start, line) == found  # the larger direction, whichever it is
    assert hd95_all_foreground(line, start) == 19


def test_shifted_squares():
    # Outlines of 6 x 6 squares, 2 px apart along x, 20 px each. The left side (6 px) lies 2 px from the other's left
    # side; on top and below one pixel each 1 px from it, 8 px on the other outline; the right side has 1, 2, 2, 1 px.
    a, b = drawn((20, 20), np.s_[5:11, 5:11]), drawn((20, 20), np.s_[5:11, 7:13])

    found = surface_distances(a, b)

    assert found.hd95 == 2
    assert found.assd == (6 * 2 + 2 * 1 + 6) / 20
    assert surface_distances(a, b, spacing_mm=(10, 0.5)).assd == (6 * 1 + 2 * 0.5 + 4 * 1) / 20


def test_the_wall_of_a_hole_is_surface():
    # A 7 x 7 square with and without its centre: the four pixels around the hole are 2 px from the outline, of 28.
    full = drawn((9, 9), np.s_[1:8, 1:8])
    holed = full - pixel((4, 4), shape=(9, 9))

    found = surface_distances(holed, full)

    assert found.hd95 == 2  # forth 4 of 28 (24 + 4) distances are 2; back all 24 are 0
    assert found.assd == pytest.approx(8 / 52)
    assert hd95_all_foreground(holed, full) == 0  # all of the one lies in the other; the hole is 1 of 49 back


def test_a_mask_at_the_frame_has_its_surface_there():
    whole = np.ones((10, 10), dtype=np.uint8)

    assert surface_distances(whole, whole).hd95 == 0
    # Rows 0 and 9 and columns 0 and 9 of the frame, against a full left half.
    assert surface_distances(whole, drawn((10, 10), np.s_[:, :5])).hd95 == 5


def test_interior_pixels_make_the_published_variant_smaller():
    a, b = drawn((60, 60), np.s_[10:40, 10:40]), drawn((60, 60), np.s_[10:40, 16:46])

    assert surface_distances(a, b).hd95 == 6
    assert hd95_all_foreground(a, b) == pytest.approx(5)  # columns 1 … 6 px out of 30, 30 px each: 95 % is the fifth


def test_empty_masks_and_wrong_input():
    nothing, something = np.zeros((4, 4)), np.ones((4, 4))

    assert vars(surface_distances(nothing, nothing)) == {"hd95": 0, "assd": 0}
    assert np.isnan([surface_distances(nothing, something).hd95, surface_distances(something, nothing).assd]).all()
    assert hd95_all_foreground(nothing, nothing) == 0
    assert np.isnan(hd95_all_foreground(something, nothing))
    with pytest.raises(ValueError, match="shapes"):
        surface_distances(nothing, something[:3])
    for spacing in ((1, 1, 1), (1, 0)):
        with pytest.raises(ValueError, match="2 positive numbers"):
            surface_distances(something, something, spacing_mm=spacing)


def test_a_volume_of_one_slice_is_an_image():
    a, b = drawn((9, 9), np.s_[1:8, 1:8]), drawn((9, 9), np.s_[3:6, 3:6])

    assert surface_distances(a[None], b[None], spacing_mm=(5, 1, 2)) == surface_distances(a, b, spacing_mm=(1, 2))
    assert surface_distances(a[:, None], b[:, None], spacing_mm=(1, 5, 2)) == surface_distances(a, b, spacing_mm=(1, 2))
    assert surface_distances(a[None], b[None]) == surface_distances(a, b)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI warns of its own call
@pytest.mark.parametrize("shape", [(40, 30), (12, 20, 16)])
def test_equals_monai(shape):
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    rng = np.random.default_rng(1)
    a, b = ((ndimage.gaussian_filter(rng.normal(size=shape), 2) > 0.02) for _ in range(2))
    spacing = (0.5, 1.5, 0.7)[: len(shape)]
    batch = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (a, b)]

    found = surface_distances(a, b, spacing_mm=spacing)

    expected = compute_hausdorff_distance(*batch, include_background=True, percentile=95, spacing=spacing)
    assert found.hd95 == pytest.approx(expected.item(), rel=1e-6)
    expected = compute_average_surface_distance(*batch, include_background=True, symmetric=True, spacing=spacing)
    assert found.assd == pytest.approx(expected.item(), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(MASKS, MASKS)
def test_laws(a, b):
    found, shifted = surface_distances(a, b), surface_distances(*(np.pad(one, ((3, 1), (0, 2))) for one in (a, b)))

    np.testing.assert_equal(vars(surface_distances(b, a)), vars(found))
    np.testing.assert_equal(vars(shifted), vars(found))
    assert vars(surface_distances(a, a)) == {"hd95": 0, "assd": 0}
    isotropic = surface_distances(a, b, spacing_mm=(0.3, 0.3))
    np.testing.assert_allclose(list(vars(found.scaled(0.3)).values()), list(vars(isotropic).values()), rtol=1e-6)
