"""The whole engine against PyRadiomics: presets on lesions, any settings on random ROIs, refusals."""

import math
import random

import numpy as np
import pytest
from ibsi_ct import PHANTOM, phantom
from places import SHARED_DATA
from scipy.ndimage import gaussian_filter

from pipeline.crop.rois import crop_roi
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, read_image
from pipeline.radiomics import pyradiomics
from pipeline.radiomics.engine.extract import extract
from pipeline.radiomics.engine.settings import engine_settings
from pipeline.radiomics.engine.undefined import UNDEFINED
from pipeline.radiomics.presets import preset

CONSTANTS = {(one.feature_class, one.feature): one.pyradiomics for one in UNDEFINED}
# MCC is the root of an eigenvalue of a matrix that may be singular, Imc2 that of the difference of two nearly equal
# entropies: PyRadiomics' own rounding errors are larger than 1e-9 there.
TOLERANCE = {"MCC": 1e-6, "Imc2": 1e-6}
VOLUMES = SHARED_DATA / "pyradiomics"


def lesion(shape, *, seed, dtype=np.int16, spacing_mm=(1.0, 1.0, 1.0)):
    """A textured image and the mask of a round, ragged lesion that fills about a third of it."""
    rng = np.random.default_rng(seed)
    array = gaussian_filter(rng.standard_normal(shape), 1) * 200 + rng.standard_normal(shape) * 20 + 100
    radius = sum(((np.indices(shape)[axis] - side / 2) / side) ** 2 for axis, side in enumerate(shape) if side > 1)
    inside = radius + 0.03 * rng.standard_normal(shape) < 0.1
    if dtype == np.uint8:
        array = np.clip(array / 4 + 100, 0, 255)  # without flat regions, in which the kurtosis of LBP3D is undefined
    image = image_from(array.astype(dtype), spacing_mm=spacing_mm[: len(shape)])
    return image, image_from(inside.astype(np.uint8), like=image)


def oracle(settings, *, image, mask):
    return pyradiomics.extracted(pyradiomics.set_up(settings), image=image, mask=mask)[0]


def differences(settings, *, image, mask):
    """The features that differ from PyRadiomics; NaN may stand for a constant of UNDEFINED."""
    expected = oracle(settings, image=image, mask=mask)
    found, _ = extract(engine_settings(settings), image=image, mask=mask)
    assert list(found) == list(expected)
    return [name for name in found if not same(name, found[name], expected[name])]


def same(name, found, expected):
    _, kind, feature = name.rsplit("_", 2)
    if math.isnan(found):
        return math.isnan(expected) or expected == CONSTANTS.get((kind, feature))
    return math.isclose(found, expected, rel_tol=TOLERANCE.get(feature, 1e-9), abs_tol=1e-12)


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("us2d", (34, 41), np.uint8),
        ("onekey1561", (1, 30, 27), np.uint8),
        ("ct3d", (12, 20, 22), np.int16),
    ],
)
def test_presets_equal_pyradiomics(name, shape, dtype):
    image, mask = lesion(shape, seed=1, dtype=dtype, spacing_mm=(0.9, 0.9, 1.8))

    assert differences(preset(name).settings, image=image, mask=mask) == []


def any_settings(pick):
    """Three random image types and settings that change what is computed."""
    types = {
        "Original": {},
        "LoG": {"sigma": [1.0, 2.5]},
        "Wavelet": pick.choice([{"wavelet": "db2", "binWidth": 10}, {"level": 2}, {"start_level": 1}]),
        "SquareRoot": {},
        "Logarithm": {},
        "Gradient": {"gradientUseSpacing": False},
        "LBP2D": {"lbp2DRadius": 2, "binWidth": 1},
        "LBP3D": {"binWidth": 0.2},
    }
    changes = [
        {"binCount": 8},
        {"normalize": True, "normalizeScale": 100, "removeOutliers": 2},
        {"resegmentRange": [-1, 2], "resegmentMode": "sigma", "resegmentShape": True},
        {"distances": [1, 3], "symmetricalGLCM": False},
        {"force2D": True, "force2Ddimension": 0},
        {"gldm_a": 1, "voxelArrayShift": 100},
    ]
    setting = {"binWidth": 25.0}
    for change in pick.sample(changes, 2):
        setting |= change
    kinds = ["shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"]
    return {
        "imageType": {name: types[name] for name in pick.sample(list(types), 3)},
        "featureClass": {kind: [] for kind in pick.sample(kinds, 5)},
        "setting": setting,
    }


@pytest.mark.parametrize("seed", range(12))
def test_any_settings_equal_pyradiomics_on_ragged_rois(seed):
    pick = random.Random(seed)
    shape = pick.choice([(11, 14), (6, 9, 10), (1, 12, 13)])
    image, _ = lesion(shape, seed=seed, dtype=pick.choice([np.uint8, np.int16, np.float32, np.float64]))
    inside = np.random.default_rng(seed).random(shape) < pick.choice([0.25, 0.6])  # disconnected, holes, at the border

    assert differences(any_settings(pick), image=image, mask=image_from(inside.astype(np.uint8), like=image)) == []


@pytest.mark.parametrize("kind", ["flat", "two levels", "one voxel wide", "full"])
def test_special_rois_equal_pyradiomics(kind):
    array = np.random.default_rng(3).integers(0, 200, (9, 9)).astype(np.int16)
    inside = np.zeros((9, 9), dtype=np.uint8)
    inside[2:7, 3:8] = 1
    if kind == "flat":
        array[inside == 1] = 7
    elif kind == "two levels":
        array = (array > 90).astype(np.int16) * 100
    elif kind == "one voxel wide":
        inside[:] = np.eye(9)
    elif kind == "full":
        inside[:] = 1
    image = image_from(array)
    settings = {"imageType": {"Original": {}, "Square": {}}, "featureClass": preset("us2d").settings["featureClass"]}

    assert differences(settings, image=image, mask=image_from(inside, like=image)) == []


@pytest.mark.parametrize(
    ("marked", "reason"),
    [([(2, 2)], "single voxel"), ([(2, 2), (2, 3)], "a line of voxels"), ([], "No labels found in this mask")],
)
def test_a_roi_without_texture_is_refused_as_by_pyradiomics(marked, reason):
    inside = np.zeros((6, 6), dtype=np.uint8)
    for place in marked:
        inside[place] = 1
    image, mask = image_from(np.arange(36, dtype=np.int16).reshape(6, 6)), image_from(inside)

    with pytest.raises(ImageError, match=reason) as own:
        extract(engine_settings({}), image=image, mask=mask)
    with pytest.raises(ImageError) as theirs:
        oracle({}, image=image, mask=mask)
    assert str(own.value) == str(theirs.value)


def test_too_many_levels_and_an_infinite_image_are_refused():
    image, mask = lesion((12, 12), seed=4)
    with pytest.raises(ImageError, match=r"original image has \d+ grey levels .binWidth is 0.1"):
        extract(engine_settings({"setting": {"binWidth": 0.1}}), image=image, mask=mask)
    with pytest.raises(ImageError, match="no finite range of grey levels"):
        extract(engine_settings({"imageType": {"Exponential": {}}}), image=image * 0, mask=mask)


def test_an_image_with_voxels_without_a_value_has_empty_features_and_a_warning():
    array = np.random.default_rng(6).integers(1, 99, (1, 30, 14)).astype(np.int16)
    array[:, 12:] = 0  # no kurtosis of equal samples
    settings = {"imageType": {"LBP3D": {"binWidth": 0.2}}, "featureClass": {"firstorder": ["Mean"], "glcm": ["Idm"]}}

    found, warnings = extract(
        engine_settings(settings), image=image_from(array), mask=image_from(np.ones_like(array, np.uint8))
    )

    assert [name for name, value in found.items() if math.isnan(value)] == [
        "lbp-3D-k_firstorder_Mean",
        "lbp-3D-k_glcm_Idm",
    ]
    assert [text for text in warnings if "lbp-3D-k image" in text] != []


def test_bins_of_a_whole_number_do_not_wrap_in_uint8():
    array = np.arange(250, dtype=np.uint8).reshape(10, 25)
    settings = engine_settings({"featureClass": {"firstorder": ["Entropy"]}, "setting": {"binWidth": 25}})

    found, _ = extract(settings, image=image_from(array), mask=image_from(np.ones_like(array)))

    assert found["original_firstorder_Entropy"] == pytest.approx(math.log2(10))


@pytest.mark.skipif(not VOLUMES.is_dir(), reason="the PyRadiomics test images are not here")
@pytest.mark.parametrize("name", ["breast1", "lung1"])
def test_volumes_of_patients_equal_pyradiomics(name):
    image, mask = (read_image(VOLUMES / f"{name}_{part}.nrrd") for part in ("image", "label"))
    roi = crop_roi(image, mask, margin_px=12, margin_mm=12.0)

    assert differences(preset("ct3d").settings, image=roi.image, mask=roi.mask) == []


@pytest.mark.skipif(not PHANTOM.is_dir(), reason="the IBSI CT phantom is not here")
@pytest.mark.parametrize(("name", "slices"), [("ct3d", slice(20, 30)), ("us2d", 23)])
def test_the_ibsi_ct_phantom_equals_pyradiomics(name, slices):
    image, whole = phantom()
    inside = np.zeros_like(array_of(whole))
    part = (slices, slice(60, 95), slice(75, 110))  # 12,000 voxels of the volume, 1,225 of one slice
    inside[part] = array_of(whole)[part]
    mask = image_from(inside, like=whole)
    if isinstance(slices, int):
        image, mask = image[:, :, slices], mask[:, :, slices]
    roi = crop_roi(image, mask, margin_px=12, margin_mm=12.0)

    assert differences(preset(name).settings, image=roi.image, mask=roi.mask) == []
