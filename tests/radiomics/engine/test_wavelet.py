"""Wavelet bands: PyRadiomics' images to the bit, also where a band is rounding noise, and Haar's by hand."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics.imageoperations import getWaveletImage

from pipeline.radiomics.engine.wavelet import tap_order, wavelet_bands

CASES = [
    ((12, 15, 21), np.int16, {}),
    ((1, 30, 31), np.float64, {}),
    ((30, 41), np.uint8, {"wavelet": "db4", "level": 2, "start_level": 1}),
    ((12, 14, 5), np.float32, {}),
    ((6, 14, 15), np.int16, {"force2D": True, "force2Ddimension": 0}),
]


@pytest.mark.parametrize(("shape", "dtype", "setting"), CASES)
def test_names_order_and_voxels_equal_pyradiomics(shape, dtype, setting):
    array = (np.random.default_rng(1).random(shape) * 200).astype(dtype)
    array[..., 1:4] = 7  # flat: the high-pass bands are rounding noise there
    expected = [
        (name, sitk.GetArrayFromImage(image))
        for image, name, _ in getWaveletImage(sitk.GetImageFromArray(array), None, **setting)
    ]
    box = tuple(slice(side // 4, side - side // 4) for side in shape)
    axes = [axis for axis in range(len(shape) - 1, -1, -1) if axis or not setting.get("force2D")]
    own = {"wavelet": "coif1", "level": 1, "start_level": 0} | setting
    found = wavelet_bands(array, box=box, axes=axes, **{key: own[key] for key in ("wavelet", "level", "start_level")})

    for (name, band), (expected_name, expected_band) in zip(found, expected, strict=True):
        assert name == expected_name
        np.testing.assert_array_equal(band, expected_band[box])


def test_haar_by_hand():
    bands = dict(
        wavelet_bands(
            np.array([[1.0, 5.0, 2.0, 2.0]]),
            box=(slice(0, 1), slice(0, 4)),
            axes=[1],
            wavelet="haar",
            level=1,
            start_level=0,
        )
    )

    np.testing.assert_allclose(bands["wavelet-L"] * 2**0.5, [[6, 7, 4, 3]])
    np.testing.assert_allclose(bands["wavelet-H"] * 2**0.5, [[-4, 3, 0, 1]])


def test_the_taps_of_a_line_inside_are_reversed_and_wrap_at_its_ends():
    voxels, taps = tap_order(8, length=4)

    np.testing.assert_array_equal(voxels[[0, 3, 7]], [[2, 1, 0, 7], [5, 4, 3, 2], [0, 1, 7, 6]])
    np.testing.assert_array_equal(taps[[0, 3, 7]], [[0, 1, 2, 3], [0, 1, 2, 3], [1, 0, 2, 3]])
