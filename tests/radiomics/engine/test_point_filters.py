"""Filters of single voxels and the gradient: PyRadiomics' images to the bit, and values by hand."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics import imageoperations

from pipeline.radiomics.engine.point_filters import POINT_FILTERS, gradient_magnitude, largest_magnitude


@pytest.mark.parametrize("name", list(POINT_FILTERS))
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_the_roi_equals_pyradiomics(name, dtype):
    rng = np.random.default_rng(4)
    array = ((rng.random((9, 30)) - 0.3 * (dtype != np.uint8)) * 200).astype(dtype)
    mask = rng.random(array.shape) < 0.2
    image, found_name, _ = next(getattr(imageoperations, f"get{name}Image")(sitk.GetImageFromArray(array), None))
    found = POINT_FILTERS[name](array[mask].astype(np.float64), largest=largest_magnitude(array))

    assert found_name == name.lower()
    np.testing.assert_allclose(found, sitk.GetArrayFromImage(image)[mask], rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Square", [4.0, 1.0]), ("SquareRoot", [4.0, -(8**0.5)]), ("Exponential", [4.0, 0.5])],
)
def test_values_by_hand(name, expected):
    np.testing.assert_allclose(POINT_FILTERS[name](np.array([4.0, -2.0]), largest=4.0), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
@pytest.mark.parametrize(("shape", "spacing_mm"), [((9, 12), (0.7, 0.9)), ((1, 9, 12), (2.5, 0.7, 0.9))])
def test_the_gradient_equals_itk_to_the_bit_inside_and_at_the_edge(shape, spacing_mm, dtype):
    array = (np.random.default_rng(5).random(shape) * 200).astype(dtype)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing_mm[::-1])
    box = tuple(slice(0, max(side - 2, 1)) for side in shape)

    np.testing.assert_array_equal(
        gradient_magnitude(array, box=box, spacing_mm=spacing_mm),
        sitk.GetArrayFromImage(sitk.GradientMagnitude(image, True))[box],
    )


def test_a_ramp_has_its_slope_per_mm():
    ramp = np.tile(np.arange(6.0) * 3, (6, 1))

    found = gradient_magnitude(ramp, box=(slice(2, 4), slice(2, 4)), spacing_mm=(1.0, 0.5))

    np.testing.assert_allclose(found, 6.0)
