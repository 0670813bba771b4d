"""Resampling with B-splines: ITK's voxels to the bit, also where truncation decides, and a parabola by hand."""

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.foundation.images import image_from
from pipeline.radiomics.engine.resample import bspline_on, parallel


def grid(size, *, spacing_mm, origin_mm, direction):
    empty = sitk.Image(size, sitk.sitkUInt8)
    empty.SetSpacing(spacing_mm)
    empty.SetOrigin(origin_mm)
    empty.SetDirection(direction)
    return empty


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("x_direction", [1.0, -1.0])
def test_the_voxels_equal_itk_to_the_bit(dtype, x_direction):
    direction = (x_direction, 0, 0, 0, 1, 0, 0, 0, 1)
    array = (np.random.default_rng(7).random((5, 24, 23)) * 200).astype(dtype)
    array[:, :, 8:] = 37  # flat: the sum is 37 but for rounding, which truncation makes 36 or 37
    image = image_from(array, spacing_mm=(0.7, 0.9, 2.5))
    image.SetOrigin((-3.3, 12.1, 7.0))
    image.SetDirection(direction)
    # begins and ends outside the image
    on = grid((18, 20, 15), spacing_mm=(1, 1, 1), origin_mm=(-4.1 * x_direction - 3.3, 12.4, 5.3), direction=direction)

    found = sitk.GetArrayFromImage(bspline_on(on, image))

    expected = sitk.GetArrayFromImage(sitk.Resample(image, on, sitk.Transform(), sitk.sitkBSpline))
    assert found.dtype == expected.dtype
    assert (expected == 0).any()
    np.testing.assert_array_equal(found, expected)


def test_a_parabola_is_found_between_its_voxels():
    z = np.arange(30.0) ** 2
    image = image_from(np.tile(z[:, None, None], (1, 4, 4)))
    on = grid((1, 1, 2), spacing_mm=(1, 1, 0.5), origin_mm=(1, 1, 14.5), direction=(1, 0, 0, 0, 1, 0, 0, 0, 1))

    np.testing.assert_allclose(sitk.GetArrayFromImage(bspline_on(on, image)).ravel(), [14.5**2, 15**2], rtol=1e-6)


def test_oblique_flat_and_plane_images_are_left_to_itk():
    image = image_from(np.zeros((4, 4, 4)))
    assert parallel(image)

    image.SetDirection((0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1))
    assert not any(map(parallel, (image, image_from(np.zeros((1, 4, 4))), image_from(np.zeros((4, 4))))))
