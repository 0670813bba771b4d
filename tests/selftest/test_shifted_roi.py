"""Shifted ROI: the shifted mask has the same shape, lies beside the lesion and inside the image."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from places import ROOT
from sham_study import recipe

from pipeline.crop.rois import CropParams
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.params import load_params
from pipeline.radiomics.features import RadiomicsParams
from pipeline.selftest.inputs import Tables
from pipeline.selftest.shifted_roi import (
    control_check,
    drawn_cases,
    original_settings,
    shift_work,
    shifted,
    shifted_check,
)
from pipeline.split.splits import SplitParams, split_table


def disc(shape=(60, 70), centre=(20, 25), radius=8):
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def test_same_shape_beside_the_lesion():
    mask = disc()
    shifted_mask = shifted(mask, random=np.random.default_rng(1))

    assert shifted_mask.sum() == mask.sum()
    assert not (shifted_mask & mask).any()
    rows, columns = np.flatnonzero(shifted_mask.any(axis=1)), np.flatnonzero(shifted_mask.any(axis=0))
    original = mask[np.ix_(mask.any(axis=1), mask.any(axis=0))]
    assert np.array_equal(shifted_mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], original)


def test_volumes_are_shifted_within_their_slices():
    mask = np.zeros((4, 40, 40), dtype=bool)
    mask[1:3] = disc((40, 40), (12, 12), 6)
    shifted_mask = shifted(mask, random=np.random.default_rng(2))

    assert np.array_equal(shifted_mask.any(axis=(1, 2)), mask.any(axis=(1, 2)))
    assert not (shifted_mask & mask).any()


def test_a_lesion_that_fills_the_image_has_no_place():
    assert shifted(disc((20, 20), (10, 10), 9), random=np.random.default_rng(1)) is None


def test_it_is_the_same_place_every_time():
    first, second = (shifted(disc(), random=np.random.default_rng(4)) for _ in range(2))

    assert np.array_equal(first, second)


def test_settings_have_no_filters_and_no_shape():
    params = load_params(ROOT / "params" / "radiomics.yaml", RadiomicsParams)
    settings = original_settings(params).settings

    assert settings["imageType"] == {"Original": {}}
    assert "glcm" in settings["featureClass"]
    assert not any(name.startswith("shape") for name in settings["featureClass"])


def test_one_image_of_each_training_patient():
    cohort = pd.DataFrame(
        {
            "image_id": ["a2", "a1", "b1", "c1", "d1"],
            "patient_id": ["a", "a", "b", "c", "d"],
            "view": "main",
            "mask": ["m", "m", "m", None, "m"],
        }
    )
    drawn = drawn_cases(cohort, training={"a", "b", "c"}, limit=10, seed=1)

    assert list(drawn["image_id"]) == ["a1", "b1"]
    assert len(drawn_cases(cohort, training={"a", "b", "d"}, limit=2, seed=1)) == 2


@pytest.mark.parametrize(
    ("auc", "interval", "real", "light"),
    [
        (0.55, (0.42, 0.68), 0.9, "green"),
        (0.70, (0.60, 0.80), 0.9, "green"),  # some information, but the lesion has clearly more
        (0.85, (0.75, 0.95), 0.88, "amber"),
        (1.0, (float("nan"), float("nan")), 1.0, "amber"),  # every fold is perfect: no interval, and no doubt
        (float("nan"), (float("nan"), float("nan")), 0.9, "grey"),
    ],
)
def test_lights(auc, interval, real, light):
    assert shifted_check(auc, interval=interval, real=real, n_images=30, n_without=0).light == light


N, SIDE_PX = 48, 48
SPACING = dict.fromkeys([f"spacing_{axis}_mm" for axis in "xyz"], np.nan)
SETTINGS = {"featureClass": {"firstorder": None, "shape2D": None}, "setting": {"binCount": 16}}


def inputs(folder, *, scanner_predicts: bool, radius_px: int = 6):
    """48 patients with one image each: a disc on noise; with `scanner_predicts` events have coarser images."""
    random = np.random.default_rng(3)
    y, x = np.indices((SIDE_PX, SIDE_PX))
    mask = ((y - 24) ** 2 + (x - 24) ** 2 <= radius_px**2).astype(np.uint8)
    ids = [f"p{i:02d}" for i in range(N)]
    label = [i % 2 for i in range(N)]
    for patient, event in zip(ids, label, strict=True):
        pixels = random.normal(100, 30 if event and scanner_predicts else 10, size=mask.shape).astype(np.float32)
        image = image_from(pixels)
        write_image(image, folder / f"{patient}.nrrd")
        write_image(image_from(mask, like=image), folder / f"{patient}_mask.nrrd")
    names = {"image": [f"{p}.nrrd" for p in ids], "mask": [f"{p}_mask.nrrd" for p in ids]}
    cohort = pd.DataFrame({"image_id": ids, "patient_id": ids, "view": "main", **names, **SPACING})
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": label, "site": "A", "cohort": "train"})
    splits = split_table(patients, params=SplitParams(folds=3, repeats=1, holdout_fraction=0.25), seed=1)
    return SimpleNamespace(
        cohort=cohort,
        training=pd.Series(label, index=ids),
        recipe=recipe(),
        crop=CropParams(margin_px=4, margin_mm=None),
        radiomics=RadiomicsParams(preset=None, settings=SETTINGS),
        tables=Tables(patients=patients, splits=splits, blocks=(), repeats=None),
    )


def light(study, folder, *, real, count=N):
    store = CheckpointStore(folder / "scratch", key="k")
    cases, names, extract = shift_work(study, count=count, images=folder, masks=folder, store=store)
    return control_check([extract(case) for case in cases], names=names, inputs=study, real=real, store=store)


def test_a_scanner_that_predicts_the_outcome_is_amber(tmp_path):
    found = light(inputs(tmp_path, scanner_predicts=True), tmp_path, real=0.95)

    assert found.light == "amber"
    assert found.value == pytest.approx(1, abs=0.05)


def test_tissue_without_information_is_green(tmp_path):
    found = light(inputs(tmp_path, scanner_predicts=False), tmp_path, real=0.95)

    assert found.light == "green"
    assert abs(found.value - 0.5) < 0.25


def test_lesions_that_fill_the_image_are_not_checked(tmp_path):
    found = light(inputs(tmp_path, scanner_predicts=True, radius_px=20), tmp_path, real=0.95)

    assert found.light == "grey"
    assert "fits nowhere else" in found.finding


def test_too_few_patients_are_not_checked(tmp_path):
    assert light(inputs(tmp_path, scanner_predicts=True), tmp_path, real=0.95, count=3).light == "grey"


def test_it_can_be_switched_off(tmp_path):
    assert light(inputs(tmp_path, scanner_predicts=True), tmp_path, real=0.95, count=0).light == "grey"
