"""Presets: the published counts, class by class."""

import warnings
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk
from preset_recipes import preset_recipes

from pipeline.radiomics.presets import preset
from pipeline.radiomics.recipe import on_grid, preset_recipe, synthetic_lesion

COUNTS = {
    "us2d": (1311, (9, 252, 336, 224, 224, 196, 70)),
    "ct3d": (1130, (14, 216, 288, 192, 192, 168, 60)),
    "onekey1561": (1561, (14, 306, 374, 272, 272, 238, 85)),
    "paper1357": (1357, (14, 306, 408, 272, 272, 0, 85)),
}


@pytest.fixture(scope="module")
def recipes():
    return preset_recipes()


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
