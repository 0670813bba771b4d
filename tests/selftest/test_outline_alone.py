"""The outline alone: which features are shape, the rule of the light, the primary set with and without shape."""

from types import SimpleNamespace

import control_study as planted
import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.reduce.blocks import Block
from pipeline.selftest.controls import Scored, reductions, score, scorings
from pipeline.selftest.inputs import PrimarySet
from pipeline.selftest.outline_alone import (
    outline_check,
    outline_trials,
    primary_auc,
    shape_block,
    without_shape,
)

SPHERICITY, ENERGY = "original_shape2D_Sphericity@long", "original_firstorder_Energy@long"


def outline(auc, low, high):
    return Scored(control="outline", auc=auc, interval=(low, high), n_patients=9, n_images=9, n_folds=3)


@pytest.mark.parametrize(
    ("auc", "interval", "primary", "light"),
    [
        (0.80, (0.71, 0.89), 0.95, "amber"),  # the lower limit is above 0.7
        (0.70, (0.55, 0.85), 0.84, "amber"),  # the interval reaches the primary model
        (0.70, (0.55, 0.85), 0.86, "green"),
        (0.55, (0.40, 0.70), 0.60, "green"),  # reaches a weak model, and may be chance
        (0.80, (0.70, 0.90), None, "green"),  # 0.7 is not above 0.7
        (0.80, (0.71, 0.89), None, "amber"),
        (1.00, (np.nan, np.nan), None, "amber"),
        (np.nan, (np.nan, np.nan), 0.9, "grey"),
    ],
)
def test_light(auc, interval, primary, light):
    check = outline_check([outline(auc, *interval)], primary=primary)

    assert check.light == light
    assert ("who knew the outcome" in check.finding) == (light == "amber")


def test_the_primary_model_is_the_chosen_one():
    chosen = pd.DataFrame({"role": ["comparator", "primary", None], "mean_auc": [0.6, 0.9, 0.99]})

    assert primary_auc(chosen) == 0.9
    assert primary_auc(chosen[chosen["role"] != "primary"]) is None


def radiomics(study, *, telling):
    """One feature of shape and one of grey levels; the `telling` one follows the label."""
    patients = study.tables.patients
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(len(patients), 2)), columns=[SPHERICITY, ENERGY])
    frame[telling] += 4 * patients["label"].to_numpy()
    frame = frame.assign(missing=0.0).set_index(pd.Index(patients["patient_id"], name="patient_id"))
    return Block(name="radiomics", kind="radiomics", indicators=("missing",), frame=lambda _resample, _part: frame)


def test_blocks_with_and_without_shape(tmp_path):
    block = radiomics(planted.control_study(tmp_path, n=24), telling=ENERGY)

    assert list(shape_block(block).frame("final", "all")) == [SPHERICITY]
    assert list(without_shape(block).frame("final", "all")) == [ENERGY, "missing"]
    assert shape_block(without_shape(block)) is None


def tried(folder, *, telling):
    study = planted.control_study(folder)
    block = radiomics(study, telling=telling)
    named = vars(study) | {"outlines": block, "primary": PrimarySet(blocks=(block,), parts=("all",), files=())}
    trials = outline_trials(SimpleNamespace(**named))
    units, reduce = reductions(trials, recipe=study.recipe, store=CheckpointStore(folder / "scratch", key="k"))
    found = [score(one, recipe=study.recipe) for one in scorings(trials, [reduce(unit) for unit in units])]
    return {one.control: one.auc for one in found}, outline_check(found, primary=0.9)


def test_outlines_drawn_by_label_are_amber_and_the_primary_set_needs_them(tmp_path):
    aucs, check = tried(tmp_path, telling=SPHERICITY)

    assert check.light == "amber"
    assert aucs["outline"] > 0.95
    assert aucs["primary"] > 0.95
    assert aucs["primary_without_shape"] < 0.75


def test_outlines_without_information_are_green(tmp_path):
    aucs, check = tried(tmp_path, telling=ENERGY)

    assert check.light == "green"
    assert aucs["outline"] < 0.75
    assert aucs["primary_without_shape"] > 0.95


def test_without_outlines_it_is_grey(tmp_path):
    study = planted.control_study(tmp_path, n=24)

    assert outline_trials(study) == []
    assert outline_check([], primary=0.9).light == "grey"
