"""Membership: each fault that is put in turns its light red."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from study import study_patients, study_predictions, study_splits

from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.parallel import map_cases
from pipeline.predictions.operating_point import freeze
from pipeline.predictions.thresholds import YOUDEN
from pipeline.selftest.membership import (
    consistency_check,
    image_hashes,
    images_check,
    networks_checks,
    patients_check,
    scored_check,
    thresholds_check,
)

SPLITS = study_splits()
PATIENTS = study_patients().assign(group_id=lambda table: table["patient_id"])
PREDICTIONS = pd.concat(study_predictions().values(), ignore_index=True)


def test_the_study_is_green():
    assert patients_check(SPLITS, patients=PATIENTS).light == "green"
    assert scored_check(PREDICTIONS, splits=SPLITS).light == "green"
    assert thresholds_check(PREDICTIONS, rule=YOUDEN).light == "green"


def test_a_group_on_two_sides_is_red():
    final = SPLITS[SPLITS["resample"] == "final"].set_index("role")["patient_id"]
    twins = {final["external"].iloc[0]: "g", final["train"].iloc[0]: "g"}
    patients = PATIENTS.assign(group_id=PATIENTS["patient_id"].map(lambda p: twins.get(p, p)))
    found = patients_check(SPLITS, patients=patients)

    assert found.light == "red"
    assert found.value == 1


def test_an_image_level_split_is_red():
    """Two images of one patient, analysed as two patients, on both sides of every split."""
    cohort = pd.DataFrame({"image_id": PATIENTS["patient_id"], "patient_id": PATIENTS["patient_id"]})
    person = [f"person{i // 2}" for i in range(len(PATIENTS))]

    assert patients_check(SPLITS, patients=PATIENTS.assign(group_id=person)).light == "red"
    same_pixels = pd.Series(person, index=cohort["image_id"])
    assert images_check(same_pixels, cohort=cohort, splits=SPLITS).light == "red"
    apart = pd.Series(PATIENTS["patient_id"].to_numpy(), index=cohort["image_id"])
    assert images_check(apart, cohort=cohort, splits=SPLITS).light == "green"


def test_stored_images_are_hashed_by_their_voxels_in_any_number_of_processes(tmp_path):
    voxels = {"a": 1, "b": 1, "c": 2}
    for name, value in voxels.items():
        write_image(image_from(np.full((4, 5), value, dtype=np.uint8)), tmp_path / f"{name}.nrrd")
    cohort = pd.DataFrame({"image_id": list(voxels), "image": [f"{name}.nrrd" for name in voxels]})
    here = image_hashes(cohort, folder=tmp_path)
    there = image_hashes(cohort, folder=tmp_path, spread=partial(map_cases, workers=2))

    assert here["a"] == here["b"] != here["c"]
    pd.testing.assert_series_equal(here, there)


def test_a_scored_training_patient_is_red():
    train = SPLITS[(SPLITS["resample"] == "final") & (SPLITS["role"] == "train")]["patient_id"].iloc[0]
    changed = PREDICTIONS.copy()
    row = changed.index[changed["evaluation"] == "external"][0]
    changed.loc[row, "patient_id"] = train

    assert scored_check(changed, splits=SPLITS).value == 1
    assert scored_check(changed, splits=SPLITS).light == "red"


def test_a_held_out_patient_without_a_score_is_red():
    assert scored_check(PREDICTIONS.drop(index=5), splits=SPLITS).light == "red"


def test_a_fit_without_scores_is_red():
    one = (PREDICTIONS["resample"] == "cv-1-1") & (PREDICTIONS["model"] == "rf")
    found = scored_check(PREDICTIONS[~one], splits=SPLITS)

    assert found.light == "red"
    assert found.value == PREDICTIONS.loc[one, "feature_set"].nunique()


def test_a_test_patient_who_trains_another_resample_is_red():
    external = SPLITS.loc[SPLITS["role"] == "external", "patient_id"].iloc[0]
    row = pd.DataFrame({"resample": ["cv-1-1"], "patient_id": [external], "role": ["train"], "half": ["a"]})
    found = patients_check(pd.concat([SPLITS, row]), patients=PATIENTS)

    assert (found.light, found.value) == ("red", 1)


def test_a_threshold_that_knows_the_test_set_is_red():
    changed = PREDICTIONS.copy()
    one = (changed["model"] == "lr") & (changed["feature_set"] == "clinical") & (changed["evaluation"] != "cv")
    changed.loc[one, "threshold"] += 1e-6
    found = thresholds_check(changed, rule=YOUDEN)

    assert found.light == "red"
    assert found.value == 1


def test_thresholds_do_not_depend_on_the_test_rows():
    raw = PREDICTIONS.drop(columns="threshold")
    garbage = raw.assign(score=np.where(raw["evaluation"] == "cv", raw["score"], 0.987))

    assert thresholds_check(freeze(garbage), rule=YOUDEN).light == "green"


def card(part, *, strategy="crossfit", trained_on=None, ids=None):
    rows = SPLITS[(SPLITS["resample"] == "final") & (SPLITS["role"] == "train")]
    own = rows[rows["half"] == part] if strategy == "crossfit" else rows
    trained = sorted(own["patient_id"]) if ids is None else ids
    part = part if strategy == "crossfit" else "all"
    return {
        "resample": "final",
        "part": part,
        "strategy": strategy,
        "trained_on": trained_on,
        "trained_ids_sha256": fingerprint(trained),
    }


def embedded(part, *, half):
    rows = SPLITS[(SPLITS["resample"] == "final") & ((SPLITS["half"] == half) | (SPLITS["role"] != "train"))]
    return rows[["resample", "patient_id"]].assign(part=part)


GROUPS = dict(zip(PATIENTS["patient_id"], PATIENTS["group_id"], strict=True))


def networks(cards, rows, *, groups=GROUPS):
    first, *others = networks_checks({"net": cards}, embedded={"net": rows}, splits=SPLITS, groups={"net": groups})
    assert others == [] or [one.check for one in others] == ["networks_insample"]
    return others[0] if others else first


def test_networks_apart_are_green():
    rows = pd.concat([embedded("a", half="b"), embedded("b", half="a")])

    assert networks([card("a"), card("b")], rows).light == "green"


def test_a_network_that_embeds_its_own_half_is_red():
    found = networks([card("a")], embedded("a", half="a"))

    assert found.light == "red"
    assert found.value == 30  # half of sixty


def test_a_network_that_embeds_a_training_patients_twin_is_red():
    rows = pd.concat([embedded("a", half="b"), embedded("b", half="a")])
    final = SPLITS[SPLITS["resample"] == "final"].set_index("patient_id")
    twins = dict.fromkeys((final.index[final["half"] == "a"][0], final.index[final["half"] == "b"][0]), "twins")

    assert networks([card("a"), card("b")], rows, groups=GROUPS | twins).value == 2


def test_a_row_without_a_card_is_red():
    assert networks([card("a")], pd.concat([embedded("a", half="b"), embedded("b", half="a")])).light == "red"


def test_insample_has_a_red_light_of_its_own():
    rows = pd.concat([embedded("all", half="a"), embedded("all", half="b")])
    cards = [card("a", strategy="insample")]
    apart, insample = networks_checks({"net": cards}, embedded={"net": rows}, splits=SPLITS, groups={"net": GROUPS})

    assert (apart.check, apart.light) == ("networks_apart", "green")
    assert (insample.check, insample.light, insample.value) == ("networks_insample", "red", 60)
    assert "optimistic" in insample.finding


def test_insample_hides_no_other_fault():
    rows = pd.concat([embedded("all", half="a"), embedded("all", half="b")])
    cards = [card("a", strategy="insample", ids=["somebody"])]
    found = networks_checks({"net": cards}, embedded={"net": rows}, splits=SPLITS, groups={"net": GROUPS})

    assert [one.light for one in found] == ["red", "red"]


def test_a_card_of_other_patients_is_red():
    assert networks([card("a", ids=["somebody"])], embedded("a", half="b")).light == "red"


@pytest.mark.parametrize(("known", "light"), [("unknown", "amber"), ("other_patients", "green")])
def test_given_weights(known, light):
    rows = embedded("all", half="a")
    assert networks([card("a", strategy="frozen", trained_on=known)], rows).light == light


def test_without_networks_it_is_not_checked():
    assert [one.light for one in networks_checks({}, embedded={}, splits=SPLITS, groups={})] == ["grey"]


@pytest.mark.parametrize(
    ("found", "light"),
    [
        ([], "green"),
        ([("info", "sums")], "green"),
        ([("warning", "copied_rows")], "green"),
        ([("warning", "narrow")], "amber"),
        ([("warning", "narrow"), ("error", "sums")], "red"),
    ],
)
def test_consistency(found, light):
    findings = pd.DataFrame(found, columns=["severity", "check"], dtype="str")

    assert consistency_check(findings).light == light
