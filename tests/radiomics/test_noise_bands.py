"""The wavelet bands that are rounding noise on a single slice: which features, and only there."""

import pytest
from preset_recipes import preset_recipes

from pipeline.radiomics.noise_bands import noise_features
from pipeline.radiomics.recipe import extract, synthetic_lesion

NOISE = ("wavelet-LLH", "wavelet-LHH", "wavelet-HLH", "wavelet-HHH")


@pytest.fixture(scope="module")
def recipes():
    return preset_recipes()


def test_noise_features_are_those_of_the_four_bands_along_the_only_slice(recipes):
    for name, kinds in {"onekey1561": 91, "paper1357": 79}.items():
        noise = noise_features(["image_id", "status", "reason", *recipes[name].names])
        assert len(noise) == 4 * kinds
        assert {column.split("_")[0] for column in noise} == set(NOISE)


def test_the_same_bands_of_a_volume_are_not_noise(recipes):
    assert noise_features(recipes["ct3d"].names) == []
    assert noise_features(recipes["us2d"].names) == []


def test_noise_bands_are_rounding_errors_and_the_others_are_not(recipes):
    image, mask = synthetic_lesion("one slice")
    values, _ = extract(recipes["onekey1561"], image=image, mask=mask)
    ranges = {name.split("_")[0]: value for name, value in values.items() if name.endswith("firstorder_Range")}
    assert all(ranges[band] < 1e-9 for band in NOISE)
    assert all(ranges[band] > 1 for band in ("wavelet-LLL", "wavelet-HLL", "wavelet-LHL", "wavelet-HHL"))
