"""Tissue beside the lesion: amber on a scanner or a mark that predicts the outcome, whatever the lesion reaches."""

import errno
from functools import partial

import control_study as planted
import numpy as np
import pytest
from house import closure
from places import ROOT

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.params import load_params
from pipeline.radiomics.features import RadiomicsParams
from pipeline.selftest.beside_lesion import ROOMS, TISSUES, beside_check, control_work, original_settings, tissue_trials
from pipeline.selftest.controls import Scored, reductions, score, scorings


def scored(name, auc, low, high):
    return Scored(control=name, auc=auc, interval=(low, high), n_patients=9, n_images=9, n_folds=3)


def store_in(folder):
    return ContentStore(folder / "store", limit_bytes=10**9)


def tried(study, folder, budget=None):
    store = CheckpointStore(folder / "scratch", key="k")
    cases, names, work = control_work(study, budget=budget, images=folder, masks=folder, store=store_in(folder))
    rows = [work(case) for case in cases]
    trials = tissue_trials(rows, names=names, inputs=study)
    units, reduce = reductions(trials, recipe=study.recipe, store=store)
    found = [score(one, recipe=study.recipe) for one in scorings(trials, [reduce(unit) for unit in units])]
    return {one.control: one for one in found}, beside_check(found, rows=rows)


def test_settings_have_no_filters_and_no_shape():
    settings = original_settings(load_params(ROOT / "params" / "radiomics.yaml", RadiomicsParams)).settings

    assert settings["imageType"] == {"Original": {}}
    assert "glcm" in settings["featureClass"]
    assert not any(name.startswith("shape") for name in settings["featureClass"])


@pytest.mark.parametrize(
    ("moved", "ring", "light", "value"),
    [
        ((0.55, 0.42, 0.68), (0.50, 0.40, 0.60), "green", 0.55),
        ((0.70, 0.60, 0.80), (0.50, 0.40, 0.60), "amber", 0.70),  # no excuse, however good the lesion is
        ((0.50, 0.40, 0.60), (0.85, 0.75, 0.95), "amber", 0.85),
        ((0.62, 0.50, 0.74), (0.55, 0.40, 0.70), "green", 0.62),  # 0.50 is not above one half
        ((1.0, np.nan, np.nan), (0.5, 0.4, 0.6), "amber", 1.0),  # every fold is perfect: no interval, and no doubt
    ],
)
def test_light_by_the_intervals(moved, ring, light, value):
    found = [scored("moved", *moved), scored("ring", *ring), scored("shuffled", 1.0, 0.9, 1.0)]
    check = beside_check(found, rows=[])

    assert (check.light, check.value, check.limit) == (light, value, 0.5)


def test_nothing_scored_is_grey():
    assert beside_check([scored("shuffled", 0.9, 0.8, 1.0)], rows=[]).light == "grey"


def test_a_scanner_that_predicts_the_outcome_is_amber(tmp_path):
    found, check = tried(planted.control_study(tmp_path, planted=planted.coarse), tmp_path)

    assert check.light == "amber"
    assert found["moved"].auc == pytest.approx(1, abs=0.05)


def test_a_calliper_on_lesions_with_the_event_is_amber(tmp_path):
    found, check = tried(planted.control_study(tmp_path, planted=planted.calliper), tmp_path)

    assert check.light == "amber"
    assert found["ring"].lower > 0.5


@pytest.mark.parametrize("sign", [planted.clean, planted.shadow])
def test_tissue_without_information_is_green(tmp_path, sign):
    found, check = tried(planted.control_study(tmp_path, planted=sign), tmp_path)

    assert check.light == "green"
    assert set(found) == set(TISSUES)
    assert abs(found["moved"].auc - 0.5) < 0.25


def test_lesions_that_fill_the_image_are_not_checked(tmp_path):
    _, check = tried(planted.control_study(tmp_path, planted=planted.coarse, radius_px=60, n=24), tmp_path)

    assert check.light == "grey"
    assert "without room" in check.finding


def test_it_can_be_switched_off(tmp_path):
    assert tried(planted.control_study(tmp_path, n=24), tmp_path, budget=0)[1].light == "grey"


def test_an_image_is_measured_once_and_read_again_from_the_store(tmp_path, monkeypatch):
    study = planted.control_study(tmp_path, n=24)
    cases, _, work = control_work(study, budget=None, images=tmp_path, masks=tmp_path, store=store_in(tmp_path))
    first = work(cases[0])
    monkeypatch.setattr("pipeline.selftest.beside_lesion.extract", None)

    assert work(cases[0]) == first
    assert [first[name]["status"] for name in TISSUES] == ["ok"] * 3


def test_another_seed_or_image_is_measured_anew(tmp_path):
    study = planted.control_study(tmp_path, n=24)
    where = {"budget": None, "images": tmp_path, "masks": tmp_path, "store": store_in(tmp_path)}
    cases, _, work = control_work(study, **where)
    work(cases[0])
    partial(work, seed=work.keywords["seed"] + 1)(cases[0])
    partial(work, code="edited")(cases[0])
    work(cases[1])

    assert where["store"].count() == 4


def test_the_key_covers_every_module_that_the_measurement_loads():
    loaded = closure(ROOT / "pipeline" / "selftest" / "beside_lesion.py")

    assert {file.split("/")[1] for file in loaded} == set(ROOMS)


def test_an_unreadable_mask_is_a_failure_and_does_not_stop_the_others(tmp_path):
    study = planted.control_study(tmp_path, n=24)
    cases, _, work = control_work(study, budget=None, images=tmp_path, masks=tmp_path, store=store_in(tmp_path))
    cases[1].crop.mask.write_bytes(b"nothing")
    row = work(cases[1])

    assert row["frame"] is None
    assert {row[name]["status"] for name in TISSUES} == {"no_roi"}


def test_a_full_disk_is_no_fault_of_an_image(tmp_path, monkeypatch):
    study, store = planted.control_study(tmp_path, n=24), store_in(tmp_path)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ContentStore, "save", full)
    cases, _, work = control_work(study, budget=None, images=tmp_path, masks=tmp_path, store=store)

    with pytest.raises(OSError, match="No space left"):
        work(cases[0])
