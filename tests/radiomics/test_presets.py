"""Presets: the published counts, class by class, and the bands that are noise."""

import warnings
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.radiomics.noise_bands import noise_features
from pipeline.radiomics.presets import preset
from pipeline.radiomics.pyradiomics import extract, on_grid, preset_recipe, synthetic_lesion

COUNTS = {
    "us2d": (1311, (9, 252, 336, 224, 224, 196, 70)),
    "ct3d": (1130, (14, 216, 288, 192, 192, 168, 60)),
    "onekey1561": (1561, (14, 306, 374, 272, 272, 238, 85)),
    "paper1357": (1357, (14, 306, 408, 272, 272, 0, 85)),
}
NOISE = ("wavelet-LLH", "wavelet-LHH", "wavelet-HLH", "wavelet-HHH")


@pytest.fixture(scope="module")
def recipes():
    """Each preset set up, with the columns PyRadiomics gives for its synthetic lesion."""
    return {name: preset_recipe(preset(name), first=synthetic_lesion(preset(name).grid)[0]) for name in COUNTS}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_by_class_equal_the_published_ones(recipes, name):
    total, by_class = COUNTS[name]
    found = Counter(column.split("_")[1] for column in recipes[name].names)
    shape = found["shape2D"] + found["shape"]
    assert len(recipes[name].names) == total == preset(name).count
    assert (shape, *(found[kind] for kind in ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))) == by_class


def test_us2d_has_fourteen_image_types_without_slices(recipes):
    types = {column.split("_")[0] for column in recipes["us2d"].names}
    assert len(types) == 14
    assert {"wavelet-LL", "wavelet-LH", "wavelet-HL", "wavelet-HH", "lbp-2D"} <= types


def test_noise_features_are_the_four_bands_along_the_only_slice(recipes):
    for name, kinds in {"onekey1561": 91, "paper1357": 79}.items():
        noise = noise_features(["image_id", "status", "reason", *recipes[name].names])
        assert len(noise) == 4 * kinds
        assert {column.split("_")[0] for column in noise} == set(NOISE)


def test_the_same_bands_of_a_volume_are_no_noise(recipes):
    assert noise_features(recipes["ct3d"].names) == []
    assert noise_features(recipes["us2d"].names) == []


def test_noise_bands_are_rounding_errors_and_the_others_are_not(recipes):
    image, mask = synthetic_lesion("one slice")
    values, _ = extract(recipes["onekey1561"], image=image, mask=mask)
    ranges = {name.split("_")[0]: value for name, value in values.items() if name.endswith("firstorder_Range")}
    assert all(ranges[band] < 1e-9 for band in NOISE)
    assert all(ranges[band] > 1 for band in ("wavelet-LLL", "wavelet-HLL", "wavelet-LHL", "wavelet-HHL"))


def test_a_frame_becomes_one_slice_and_back_with_the_same_pixels():
    image, _ = synthetic_lesion("2-D")
    slab = on_grid(image, grid="one slice")
    assert slab.GetSize() == (64, 64, 1)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(on_grid(slab, grid="2-D")), sitk.GetArrayFromImage(image))


def test_no_warning_leaves_pyradiomics(recipes, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preset_recipe(preset("us2d"), first=synthetic_lesion("2-D")[0])
    assert capfd.readouterr().err == ""
