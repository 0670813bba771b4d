"""Preprocessing: the box, the checks and thresholds by hand; resampling and normalisation as in PyRadiomics."""

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.foundation.images import image_from
from pipeline.radiomics.engine.preprocess import prepare
from pipeline.radiomics.engine.settings import engine_settings
from pipeline.radiomics.pyradiomics import set_up


def drawn(*marked, shape=(6, 8)):
    """An image of 0, 1, 2 … and a mask of the `marked` pixels."""
    mask = np.zeros(shape, dtype=np.uint8)
    for place in marked:
        mask[place] = 1
    return image_from(np.arange(mask.size, dtype=np.int16).reshape(shape)), image_from(mask)


def prepared(image, mask, **setting):
    return prepare(image, mask, settings=engine_settings({"setting": setting}))


def test_the_box_holds_the_roi():
    found = prepared(*drawn((2, 3), (4, 5)))

    assert found.box == (slice(2, 5), slice(3, 6))
    np.testing.assert_array_equal(found.of_roi(found.array[found.box]), [19, 37])


@pytest.mark.parametrize(
    ("marked", "setting", "reason"),
    [
        ([], {}, "nothing is segmented"),
        ([(2, 3)], {}, "only contains 1 segmented voxel"),
        ([(2, 3), (2, 4)], {}, r"too few dimensions \(number of dimensions 1, minimum required 2\)"),
        ([(2, 3), (3, 4)], {"minimumROISize": 2}, "minimum size: 2, ROI size: 2"),
        ([(2, 3), (3, 4)], {"resegmentRange": [20]}, "retained 1 voxel"),
    ],
)
def test_a_roi_that_is_too_small_is_refused(marked, setting, reason):
    with pytest.raises(ValueError, match=reason):
        prepared(*drawn(*marked), **setting)


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ({"resegmentRange": [19, 28]}, [19, 28]),
        ({"resegmentRange": [0.7, 1], "resegmentMode": "relative"}, [28, 37]),
        ({"resegmentRange": [-1, 1.4], "resegmentMode": "sigma"}, [19, 28, 37]),
    ],
)
def test_thresholds_by_hand(setting, kept):
    found = prepared(*drawn((1, 2), (2, 3), (3, 4), (4, 5)), **setting)

    np.testing.assert_array_equal(found.of_roi(found.array[found.box]), kept)


def test_shape_describes_the_first_mask_unless_told_otherwise():
    image, mask = drawn((2, 2), (3, 3), (3, 2), (2, 3))
    kept = {"resegmentRange": [18, 26]}  # all but 27

    assert prepared(image, mask, **kept).shape_inside.sum() == 4
    assert prepared(image, mask, **kept, resegmentShape=True).shape_inside.sum() == 3


@pytest.mark.parametrize("full", [False, True])
def test_the_image_and_the_roi_equal_those_of_pyradiomics(full):
    rng = np.random.default_rng(9)
    image = image_from((rng.random((9, 14, 15)) * 90).astype(np.int16), spacing_mm=(0.7, 0.8, 2.5))
    inside = np.ones((9, 14, 15), dtype=np.uint8)
    if not full:
        inside[:3], inside[:, :, 9:] = 0, 0
    mask = image_from(inside, like=image)
    setting = {"normalize": True, "removeOutliers": 2, "resampledPixelSpacing": [1, 1, 1], "padDistance": 3}
    framed = sitk.ConstantPad(mask, [1] * 3, [1] * 3, 0) if full else mask  # PyRadiomics needs some background
    extractor = set_up({"setting": setting})
    expected_image, expected_mask = extractor.loadImage(image, framed, None, **extractor.settings)

    found = prepared(image, mask, **setting)

    np.testing.assert_array_equal(found.array, sitk.GetArrayFromImage(expected_image))
    whole = np.zeros(found.array.shape, dtype=bool)
    whole[found.box] = found.inside
    np.testing.assert_array_equal(whole, sitk.GetArrayFromImage(expected_mask) == 1)
    assert found.spacing_mm == expected_image.GetSpacing()[::-1]
