"""Local binary patterns: PyRadiomics' images to the bit, and a corner by hand."""

import warnings

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics.imageoperations import getLBP2DImage, getLBP3DImage
from scipy.ndimage import gaussian_filter

from pipeline.radiomics.engine.lbp import lbp_2d, lbp_3d, pattern_2d
from pipeline.radiomics.pyradiomics import collected_log


def drawn(shape, dtype):
    """A smooth image with a flat stripe, and a mask of about a third of it."""
    rng = np.random.default_rng(2)
    array = (gaussian_filter(rng.random(shape), 1) * 200).astype(dtype)
    array[..., 2:5] = 90
    return array, rng.random(shape) < 0.3


@pytest.mark.parametrize(
    ("shape", "dtype", "setting"),
    [
        ((20, 31), np.uint8, {}),
        ((20, 31), np.float64, {"lbp2DRadius": 2.5, "lbp2DSamples": 9}),
        ((20, 31), np.uint8, {"lbp2DMethod": "default"}),
        ((5, 9, 11), np.int16, {"force2Ddimension": 0}),
        ((5, 9, 11), np.float32, {"force2Ddimension": 1}),
        ((5, 9, 11), np.int16, {"force2Ddimension": 2}),
    ],
)
def test_slices_equal_pyradiomics(shape, dtype, setting):
    array, mask = drawn(shape, dtype)
    with collected_log():
        image, _, _ = next(getLBP2DImage(sitk.GetImageFromArray(array), None, **setting))
    found = lbp_2d(
        array,
        np.array(np.nonzero(mask)),
        axis=setting.get("force2Ddimension", 0),
        radius=setting.get("lbp2DRadius", 1),
        samples=setting.get("lbp2DSamples", 8),
        method=setting.get("lbp2DMethod", "uniform"),
    )

    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(image)[mask])


@pytest.mark.parametrize(("shape", "dtype"), [((1, 15, 16), np.float64), ((6, 9, 10), np.int16)])
def test_volumes_equal_pyradiomics(shape, dtype):
    array, mask = drawn(shape, dtype)
    images = (sitk.GetImageFromArray(array), sitk.GetImageFromArray(mask.astype(np.uint8)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that scipy deprecates
        expected = [(name, sitk.GetArrayFromImage(image)[mask]) for image, name, _ in getLBP3DImage(*images)]
        found = list(lbp_3d(array, np.array(np.nonzero(mask)), levels=2, radius=1, subdivisions=1))

    assert [name for name, _ in found] == ["lbp-3D-m1", "lbp-3D-m2", "lbp-3D-k"]
    for (_, values), (_, expected_values) in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, expected_values, rtol=1e-12, atol=1e-12)


def test_a_corner_has_three_neighbours_as_bright_as_itself():
    bright = np.ones((3, 3))

    found = pattern_2d(bright, np.array([[0, 1], [0, 1]]), radius=1, samples=4, method="uniform")

    np.testing.assert_array_equal(found, [2, 4])  # right and below; all four
