"""The IBSI consensus on the digital and on the CT phantom, and what the dictionary says of each feature."""

import math
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest
from ibsi_ct import CONFIGURATIONS, features, intermediate, phantom, prepared_features
from ibsi_ct import PHANTOM as CT_PHANTOM
from places import REFERENCE, SHARED_DATA

from pipeline.crop.rois import crop_roi
from pipeline.foundation.images import array_of, read_image
from pipeline.radiomics.definitions import DEFINITIONS
from pipeline.radiomics.engine.texture import NAMES, texture_features
from pipeline.radiomics.ibsi import CONFORMS, DEVIATIONS, LEVEL_ORIGIN, NOT_COVERED, conformity
from pipeline.radiomics.recipe import extract, own_recipe

PHANTOM = SHARED_DATA / "ibsi_digital"
KURTOSIS = ("firstorder", "Kurtosis")
digital = pytest.mark.skipif(not PHANTOM.is_dir(), reason="the IBSI digital phantom is not here")
ct = pytest.mark.skipif(not CT_PHANTOM.is_dir(), reason="the IBSI CT phantom is not here")
# Features that differ on IBSI's own intermediate image: kurtosis is not reduced by 3; with bins of a fixed width, level
# 1 holds the minimum of the ROI (-939 HU in C), in IBSI the lower limit of re-segmentation (-1000 HU). In A both are
# -500 HU. The factor sqrt((n - 1) / n) of the axes is within the tolerance for the 29,842 voxels of B or more.
DIFFERING = {name: {KURTOSIS} | (set(LEVEL_ORIGIN) if name == "C" else set()) for name in CONFIGURATIONS}
# How many of 102 agree by settings alone, from the crop. PyRadiomics places the new grid at a corner, not at the centre
# of the image, interpolates the mask by nearest neighbour, keeps fractions of HU, and re-segments E by the range alone.
BY_SETTINGS = {"A": 101, "B": 29, "C": 16, "D": 30, "E": 9}


@pytest.fixture
def digital_phantom():
    """The features of the phantom, by class and name, and the consensus."""
    image, mask = (read_image(PHANTOM / name) for name in ("image/phantom.nii.gz", "mask/mask.nii.gz"))
    settings = {"imageType": {"Original": {}}, "setting": {"binWidth": 1}}
    recipe = own_recipe(settings, expected_count=107, first=image)
    assert array_of(mask).sum() == 74
    found, _ = extract(recipe, image=image, mask=mask)
    table = pd.read_csv(REFERENCE / "ibsi_phantom.csv").set_index(["feature_class", "feature"])
    return {tuple(name.split("_")[1:]): value for name, value in found.items()}, table["value"]


@digital
def test_the_digital_phantom_has_its_consensus_values(digital_phantom):
    ours, consensus = digital_phantom
    assert len(consensus) == 102

    # The consensus is printed in three significant digits.
    deviating = [key for key, value in consensus.items() if f"{ours[key]:.3g}" != f"{value:.3g}"]

    assert set(deviating) == set(DEVIATIONS)
    as_ibsi = {key: ours[key] - 3 if key == KURTOSIS else ours[key] * math.sqrt(74 / 73) for key in deviating}
    assert [key for key in deviating if f"{as_ibsi[key]:.3g}" != f"{consensus[key]:.3g}"] == []


@digital
def test_every_feature_that_is_said_to_conform_was_held_to_the_consensus(digital_phantom):
    ours, consensus = digital_phantom
    said = {key: conformity(filtered="original", feature_class=key[0], feature=key[1], code=code(key)) for key in ours}

    conforming = {key for key, words in said.items() if words.startswith(CONFORMS)}
    assert conforming == set(consensus.index) - set(DEVIATIONS)
    assert {key for key in conforming if said[key] != CONFORMS} == LEVEL_ORIGIN
    assert Counter(words.split(":")[0] for words in said.values()) == {CONFORMS: 98, "deviates": 4, NOT_COVERED: 5}


def code(key):
    return DEFINITIONS[key[0]][key[1]][1]


def test_filtered_images_are_not_covered():
    assert conformity(filtered="wavelet-LL", feature_class="firstorder", feature="Mean", code="Q4LE") == NOT_COVERED


@cache
def consensus_of(name):
    """Value and tolerance of each feature of the CT phantom, by class and name."""
    table = pd.read_csv(REFERENCE / "ibsi_ct.csv")
    return table[table["configuration"] == name].set_index(["feature_class", "feature"])[["value", "tolerance"]]


def outside(found, *, name):
    """The features further from the consensus of a configuration than its tolerance."""
    rows = consensus_of(name).itertuples()
    return {key for key, value, tolerance in rows if not abs(found[key] - value) <= tolerance}


@ct
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_ct_phantom_resampled_as_in_ibsi_has_its_consensus_values(name):
    found = prepared_features(name)

    assert (len(found), len(consensus_of(name))) == (107, 102)
    assert outside(found, name=name) == DIFFERING[name]
    assert outside(found | {KURTOSIS: found[KURTOSIS] - 3}, name=name) == DIFFERING[name] - {KURTOSIS}


@ct
def test_with_levels_counted_as_in_ibsi_the_features_of_c_agree():
    image, mask = (array_of(part) for part in intermediate("C"))
    low, high = CONFIGURATIONS["C"].range_hu
    inside = (mask == 1) & (image >= low) & (image <= high)
    levels = np.where(inside, (image.astype(np.int32) - low) // 25 + 1, 0).astype(np.int32)

    by_class = texture_features(levels, classes=dict.fromkeys(NAMES, ()))

    found = {(kind, name): value for kind, values in by_class.items() for name, value in values.items()}
    assert outside(prepared_features("C") | found, name="C") == {KURTOSIS}


@ct
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_by_settings_alone_few_features_agree_once_the_image_is_resampled(name):
    roi = crop_roi(*phantom(), margin_px=12)

    found = features(roi.image, roi.mask, setting=CONFIGURATIONS[name].settings())

    assert 102 - len(outside(found, name=name)) == BY_SETTINGS[name]
