"""radiomics on real images: what the stage writes equals PyRadiomics called directly, and its published baselines."""

import ast
import dataclasses
import json
import logging
import math
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from PIL import Image, ImageDraw
from places import SHARED_DATA
from radiomics.featureextractor import RadiomicsFeatureExtractor

from pipeline.crop.rois import crop_roi
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.images import image_from, read_image, write_image
from pipeline.radiomics.features import ExtractionCase, RadiomicsParams, extract_case, prepare
from pipeline.radiomics.presets import preset
from pipeline.radiomics.pyradiomics import collected_log, extracted, set_up

DATA = SHARED_DATA
BASELINE = DATA / "pyradiomics" / "baseline"
VOLUMES = ("brain1", "breast1", "lung1")
CLASSES = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape")
# The baselines are older than PyRadiomics 3.0.1, which triangulates ambiguous cubes of brain1's mesh differently.
OTHER_MESH = ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")

volumes = pytest.mark.skipif(not BASELINE.is_dir(), reason="the PyRadiomics test images are not here")
ultrasound = pytest.mark.skipif(not (DATA / "ddti").is_dir(), reason="the DDTI images are not here")


def volume(name):
    folder = DATA / "pyradiomics"
    return read_image(folder / f"{name}_image.nrrd"), read_image(folder / f"{name}_label.nrrd")


@cache
def baseline(kind):
    return pd.read_csv(BASELINE / f"baseline_{kind}.csv", index_col=0)


def through_the_stage(folder, *, roi, params):
    """The values by name, through files, checkpoint and row, as in the stage."""
    write_image(roi.image, folder / "image.nrrd")
    write_image(roi.mask, folder / "mask.nrrd")
    case = ExtractionCase(
        image_id="a", image=folder / "image.nrrd", mask=folder / "mask.nrrd", status="ok", reason=None
    )
    recipe = prepare(params, cases=[case])
    store = ContentStore(folder / "scratch", limit_bytes=10**9)
    extract_case(case, recipe=recipe, store=store)
    row = extract_case(case, recipe=recipe, store=store)  # the second time from the checkpoint
    assert (row["status"], row["reason"]) == ("ok", None)
    return dict(zip(recipe.names, row["values"], strict=True))


def directly(roi, *, settings):
    """PyRadiomics called as its documentation shows, on the same crop."""
    with collected_log():
        found = RadiomicsFeatureExtractor(settings).execute(roi.image, roi.mask)
    return {name: float(value) for name, value in found.items() if not name.startswith("diagnostics")}


def assert_equal(found, expected, *, tolerance=1e-9):
    assert list(found) == list(expected)
    wrong = [name for name in found if not math.isclose(found[name], expected[name], rel_tol=tolerance, abs_tol=1e-12)]
    assert not wrong


@volumes
@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_equal_pyradiomics_on_the_same_crop(tmp_path, name):
    roi = crop_roi(*volume(name), margin_px=12, margin_mm=12.0)
    found = through_the_stage(tmp_path, roi=roi, params=RadiomicsParams(preset="ct3d"))
    assert len(found) == 1130
    assert_equal(found, directly(roi, settings=preset("ct3d").settings))


@volumes
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_equal_the_published_baselines(name, kind):
    column = baseline(kind)[name]
    stated = ast.literal_eval(column["diagnostics_Configuration_Settings"])
    settings = {key: value for key, value in stated.items() if value is not None}
    whole = {"imageType": {"Original": {}}, "featureClass": {kind: []}, "setting": settings}
    roi = crop_roi(*volume(name), margin_px=2)
    found, _ = extracted(set_up(whole), image=roi.image, mask=roi.mask)
    expected = {feature: float(value) for feature, value in column.items() if not feature.startswith("diagnostics")}
    assert set(found) == set(expected)
    for feature, value in expected.items():
        loose = (name, kind) == ("brain1", "shape") and feature.endswith(OTHER_MESH)
        assert found[feature] == pytest.approx(value, rel=1e-3 if loose else 1e-9), feature


def nodule(case, *, shrink=1):
    """One DDTI frame in grey and the mask of its filled contours, both (y, x), every `shrink`th pixel."""
    frame = Image.open(DATA / "ddti" / "images" / f"{case}_1.jpg").convert("L")
    contours = ElementTree.parse(DATA / "ddti" / "xml" / f"{case}.xml").getroot().find("mark").findtext("svg")
    mask = Image.new("L", frame.size)
    for contour in json.loads(contours):
        ImageDraw.Draw(mask).polygon([(point["x"], point["y"]) for point in contour["points"]], fill=1)
    return tuple(image_from(np.array(part)[::shrink, ::shrink]) for part in (frame, mask))


@ultrasound
def test_ultrasound_equals_pyradiomics_on_the_same_crop(tmp_path):
    roi = crop_roi(*nodule("100"), margin_px=12)
    found = through_the_stage(tmp_path, roi=roi, params=RadiomicsParams(preset="us2d"))
    assert len(found) == 1311
    assert_equal(found, directly(roi, settings=preset("us2d").settings))


@ultrasound
def test_parity_preset_equals_pyradiomics_on_the_same_slice(tmp_path):
    roi = crop_roi(*nodule("100", shrink=4), margin_px=12)  # many grey levels make a whole nodule slow
    found = through_the_stage(tmp_path, roi=roi, params=RadiomicsParams(preset="onekey1561"))
    assert len(found) == 1561
    slab = dataclasses.replace(roi, image=sitk.JoinSeries(roi.image), mask=sitk.JoinSeries(roi.mask))
    assert_equal(found, directly(slab, settings=preset("onekey1561").settings))


@ultrasound
def test_the_margin_covers_the_filters():
    """A LoG of sigma 3 on the crop equals the one on the whole frame: the published margin of 4 sigma is enough."""
    frame, mask = nodule("100")
    settings = {
        "imageType": {"LoG": {"sigma": [3.0]}, "Wavelet": {}},
        "featureClass": {"firstorder": ["Mean", "Energy"]},
    }
    extractor = set_up(settings)
    roi = crop_roi(frame, mask, margin_px=12)
    on_crop, _ = extracted(extractor, image=roi.image, mask=roi.mask)
    on_frame, _ = extracted(extractor, image=frame, mask=mask)
    for name, value in on_frame.items():
        assert on_crop[name] == pytest.approx(value, rel=1e-3), name


def test_logging_of_other_packages_is_unchanged():
    logger = logging.getLogger("radiomics")
    before = list(logger.handlers), logger.propagate
    with collected_log() as collected:
        logger.warning("hello")
    assert collected == ["hello"]
    assert (list(logger.handlers), logger.propagate) == before
