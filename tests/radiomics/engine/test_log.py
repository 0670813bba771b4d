"""Laplacian of Gaussian: ITK's voxels to the bit, by hand on a parabola."""

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.radiomics.engine.log import laplacian, recursion


def itk(array, *, sigma_mm, spacing_mm):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing_mm[::-1])
    filter_of_itk = sitk.LaplacianRecursiveGaussianImageFilter()
    filter_of_itk.SetNormalizeAcrossScale(True)
    filter_of_itk.SetSigma(sigma_mm)
    return sitk.GetArrayFromImage(filter_of_itk.Execute(image))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "spacing_mm"), [((30, 41), (0.7, 0.8)), ((4, 9, 70), (2.5, 0.7, 0.8)), ((12, 70, 5), (1.0, 1.0, 1.0))]
)
def test_the_box_equals_itk_to_the_bit(shape, spacing_mm, dtype):
    array = (np.random.default_rng(3).random(shape) * 200).astype(dtype)
    box = tuple(slice(1, side - 1) for side in shape)

    for sigma_mm in (1.0, 2.5):
        found = laplacian(array, sigma_mm=sigma_mm, spacing_mm=spacing_mm, box=box)
        np.testing.assert_array_equal(found, itk(array, sigma_mm=sigma_mm, spacing_mm=spacing_mm)[box])


def test_a_parabola_gives_its_second_derivative_times_sigma_squared():
    x = np.arange(-60, 61)
    (value,) = laplacian(
        np.tile(3.0 * x**2, (121, 1)), sigma_mm=2.0, spacing_mm=(1.0, 1.0), box=(slice(60, 61),) * 2
    ).ravel()

    assert value == pytest.approx(6 * 2.0**2, rel=1e-3)


def test_smoothing_keeps_a_constant():
    n, m, d, _, _ = recursion(0, sigma_mm=2.0, spacing_mm=1.0)

    assert (n.sum() + m.sum()) / (1 + d.sum()) == pytest.approx(1, rel=1e-12)
