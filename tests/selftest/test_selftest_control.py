"""selftest_control: the tissue beside the lesion through the real crop, radiomics, reduction and classifier."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sham_study import recipe

from pipeline.crop.rois import CropParams
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.images import image_from, write_image
from pipeline.radiomics.features import RadiomicsParams
from pipeline.selftest.selftest import Tables
from pipeline.selftest.selftest_control import shift_work, shifted
from pipeline.split.splits import SplitParams, split_table

N, SIDE_PX = 48, 48
SPACING = dict.fromkeys([f"spacing_{axis}_mm" for axis in "xyz"], np.nan)
SETTINGS = {"featureClass": {"firstorder": None, "shape2D": None}, "setting": {"binCount": 16}}


def inputs(folder, *, scanner_tells: bool, radius_px: int = 6):
    """48 patients with one image each: a disc on noise; with `scanner_tells` events have coarser images."""
    random = np.random.default_rng(3)
    y, x = np.indices((SIDE_PX, SIDE_PX))
    mask = ((y - 24) ** 2 + (x - 24) ** 2 <= radius_px**2).astype(np.uint8)
    ids = [f"p{i:02d}" for i in range(N)]
    label = [i % 2 for i in range(N)]
    for patient, event in zip(ids, label, strict=True):
        pixels = random.normal(100, 30 if event and scanner_tells else 10, size=mask.shape).astype(np.float32)
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
    cases, names, move = shift_work(study, count=count, images=folder, masks=folder, store=store)
    return shifted([move(case) for case in cases], names=names, inputs=study, real=real, store=store)


def test_a_scanner_that_tells_the_outcome_is_amber(tmp_path):
    found = light(inputs(tmp_path, scanner_tells=True), tmp_path, real=0.95)

    assert found.light == "amber"
    assert found.value == pytest.approx(1, abs=0.05)


def test_tissue_that_tells_nothing_is_green(tmp_path):
    found = light(inputs(tmp_path, scanner_tells=False), tmp_path, real=0.95)

    assert found.light == "green"
    assert abs(found.value - 0.5) < 0.25


def test_lesions_that_fill_the_image_are_not_checked(tmp_path):
    found = light(inputs(tmp_path, scanner_tells=True, radius_px=20), tmp_path, real=0.95)

    assert found.light == "grey"
    assert "fits nowhere else" in found.finding


def test_too_few_patients_are_not_checked(tmp_path):
    assert light(inputs(tmp_path, scanner_tells=True), tmp_path, real=0.95, count=3).light == "grey"


def test_it_can_be_left_out(tmp_path):
    assert light(inputs(tmp_path, scanner_tells=True), tmp_path, real=0.95, count=0).light == "grey"
