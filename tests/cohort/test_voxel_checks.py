"""voxel_checks: tiny images with one fault each."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.cohort.grey_image import grey_image
from pipeline.cohort.voxel_checks import VoxelParams, voxel_findings
from pipeline.foundation.images import image_from

PARAMS = VoxelParams(
    min_roi_px=9, min_roi_grey_levels=8, max_roi_fraction=0.9, colour_tolerance=8, max_colour_fraction=0.1
)
RAMP = np.arange(100, dtype=np.float32).reshape(10, 10)


def square(side=4):
    lesion = np.zeros((10, 10), dtype=bool)
    lesion[2 : 2 + side, 2 : 2 + side] = True
    return lesion


def findings(array, lesion, *, name="a.png", whole=False, **changes):
    grey = grey_image(image_from(array), path=Path(name), colour_tolerance=PARAMS.colour_tolerance)
    return voxel_findings("a", grey=grey, lesion=lesion, whole=whole, params=PARAMS.model_copy(update=changes))


def severities(array, lesion, **options):
    return {f.check: f.severity for f in findings(array, lesion, **options) if f.check != "spacing_unknown"}


def test_a_sound_image_has_no_finding_but_its_unknown_spacing():
    assert [f.check for f in findings(RAMP, square())] == ["spacing_unknown"]


def test_nan_and_infinity_with_count_position_and_number_in_the_lesion():
    array = RAMP.copy()
    array[3, 4], array[0, 7], array[9, 9] = np.nan, np.inf, -np.inf
    (found,) = [f for f in findings(array, square()) if f.severity == "error"]
    assert found.check == "nonfinite_voxels"
    assert "1 NaN and 2 infinite voxels, the first at x 7, y 0 in px from 0, 1 of them in the lesion" in found.message


def test_nan_without_a_usable_mask():
    array = RAMP.copy()
    array[0, 0] = np.nan
    assert severities(array, None) == {"nonfinite_voxels": "error"}


def test_blank_image_and_flat_lesion_are_errors():
    flat = RAMP.copy()
    flat[square()] = 5
    assert severities(np.full((10, 10), 7, dtype=np.uint8), square()) == {"flat_image": "error"}
    assert severities(flat, square()) == {"roi_flat": "error"}


def test_few_grey_levels_are_a_warning():
    assert severities(RAMP // 30, square()) == {"roi_few_grey_levels": "warning"}


@pytest.mark.parametrize(("side", "checks"), [(2, {"roi_small": "error"}), (3, {})])
def test_lesion_of_too_few_voxels(side, checks):
    assert severities(RAMP, square(side), min_roi_grey_levels=2) == checks


def test_a_nearly_full_lesion_is_a_warning_unless_declared():
    full = np.ones((10, 10), dtype=bool)
    assert severities(RAMP, full) == {"roi_nearly_full": "warning"}
    assert severities(RAMP, full, whole=True) == {}


def test_an_empty_lesion_is_reported_by_the_mask_checks_alone():
    assert severities(RAMP, np.zeros((10, 10), dtype=bool)) == {}


def drawn(*slices, shape=(30, 30)):
    lesion = np.zeros(shape, dtype=bool)
    lesion[slices] = True
    return np.arange(lesion.size, dtype=np.float32).reshape(shape), lesion


def test_a_line_of_voxels_is_an_error_and_a_thin_lesion_a_warning():
    row, column, strip, disc = (drawn(s, slice(2, 28)) for s in (5, slice(5, 6), slice(5, 7), slice(5, 8)))
    contour, inner = drawn(slice(5, 20), slice(5, 20)), drawn(slice(6, 19), slice(6, 19))[1]

    assert severities(*row) == severities(*column) == {"roi_line": "error"}
    assert severities(*strip) == severities(contour[0], contour[1] & ~inner) == {"roi_thin": "warning"}
    assert severities(*disc) == {}


def test_a_lesion_of_one_slice_of_a_volume_is_a_warning_that_names_its_axis():
    one, two = (drawn(slice(3, 3 + n), slice(5, 12), slice(5, 12), shape=(8, 20, 20)) for n in (1, 2))
    flat = drawn(slice(2, 6), slice(5, 6), slice(5, 12), shape=(8, 20, 20))

    assert severities(*one) == severities(*flat) == {"roi_one_slice": "warning"}
    assert severities(*two) == {}
    assert "in one slice along y, so it has no thickness" in findings(*flat)[-1].message
