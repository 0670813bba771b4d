"""The light of predicted masks: each way in which a network may have seen the patient's group turns it red."""

import json

import pandas as pd
import pytest

from pipeline.contracts.data.segment import MASKS
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.tables import write_table
from pipeline.selftest.masks_apart import masks_check

HALVES = {"p1": "a", "p2": "a", "p3": "b", "p4": "b"}
SPLITS = pd.DataFrame(
    [("final", patient, "train", half) for patient, half in HALVES.items()] + [("final", "p5", "internal", None)],
    columns=["resample", "patient_id", "role", "half"],
)
PATIENTS = pd.DataFrame({"patient_id": ["p1", "p2", "p3", "p4", "p5"], "group_id": ["g1", "g2", "g3", "g4", "g5"]})
COHORT = pd.DataFrame(
    {
        "image_id": list("12345"),
        "patient_id": PATIENTS["patient_id"],
        "mask": ["1.nrrd", "2.nrrd", "3.nrrd", None, None],
        "mask_source": ["1.png", "2.png", "full", None, None],
        "gland_mask": [None, None, None, "4_gland.nrrd", None],
    }
)
# By the network of all, of half a (which predicts half b), of half b.
ROWS = (("5", "p5", "all"), ("3", "p3", "a"), ("4", "p4", "a"), ("1", "p1", "b"), ("2", "p2", "b"))
TAUGHT = {"all": ["p1", "p2"], "a": ["p1", "p2"], "b": []}


def light(folder, *, rows=ROWS, taught=TAUGHT, learns_gland=False, trained_on=None, patients=PATIENTS):
    about = {
        "resample": "final",
        "network": "unet",
        "used": 1,
        "mask": "m",
        "n_voxels": 9,
        "status": "ok",
        "reason": None,
    }
    table = pd.DataFrame([about | dict(zip(("image_id", "patient_id", "part"), row, strict=True)) for row in rows])
    write_table(table if len(rows) else MASKS.empty(), folder / "masks.csv", MASKS)
    for part, ids in taught.items():
        card = {"network": "unet", "resample": "final", "part": part, "trained_ids_sha256": fingerprint(ids)}
        path = folder / "networks" / "unet" / f"final_{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(card | {"learns_gland": learns_gland, "trained_on": trained_on}), encoding="utf-8")
    given = {"mask_predictions": folder / "masks.csv", "mask_networks": folder / "networks"}
    check = masks_check(given, cohort=COHORT, patients=patients, splits=SPLITS)
    return check.light, check.value


def test_masks_of_networks_that_never_saw_the_group_are_green(tmp_path):
    assert light(tmp_path) == ("green", 0)


def test_a_network_with_a_gland_learns_from_images_of_the_gland_too(tmp_path):
    taught = {"all": ["p1", "p2", "p4"], "a": ["p1", "p2"], "b": ["p4"]}

    assert light(tmp_path, taught=taught, learns_gland=True) == ("green", 0)


def test_a_patient_whose_lesion_is_too_small_for_the_network_is_named_by_its_card(tmp_path):
    light(tmp_path, taught=TAUGHT | {"all": ["p1"]})
    card = tmp_path / "networks" / "unet" / "final_all.json"
    content = json.loads(card.read_text("utf-8")) | {"without_usable_mask": ["p2"]}
    card.write_text(json.dumps(content), encoding="utf-8")

    assert light(tmp_path, taught={"a": TAUGHT["a"], "b": []}) == ("green", 0)


def test_an_encoder_of_unknown_patients_is_amber(tmp_path):
    assert light(tmp_path, trained_on="unknown") == ("amber", 0)
    assert light(tmp_path, trained_on="other_patients") == ("green", 0)
    assert light(tmp_path, trained_on="unknown", patients=PATIENTS.assign(group_id="g")) == ("red", 5)


def test_without_a_predicted_mask_it_is_grey(tmp_path):
    assert light(tmp_path, rows=()) == ("grey", None)


@pytest.mark.parametrize(
    ("row", "wrong"), [(("1", "p1", "a"), 1), (("1", "p1", "all"), 1), (("3", "p3", "b"), 1), (("5", "p5", "all"), 0)]
)
def test_a_patient_outlined_by_a_network_of_its_own_patients_is_red(row, wrong, tmp_path):
    rows = (*(one for one in ROWS if one[0] != row[0]), row)

    assert light(tmp_path, rows=rows) == ("red" if wrong else "green", wrong)


def test_a_patient_of_the_same_group_is_the_same_leak(tmp_path):
    joined = PATIENTS.assign(group_id=["g1", "g2", "g3", "g4", "g1"])

    assert light(tmp_path, patients=joined) == ("red", 1)


def test_a_network_that_was_trained_on_other_patients_than_its_splits_is_red(tmp_path):
    assert light(tmp_path, taught=TAUGHT | {"all": ["p1", "p2", "p5"]}) == ("red", 1)
    (tmp_path / "networks" / "unet" / "final_a.json").unlink()
    assert light(tmp_path, taught={"all": ["p1", "p2"]}) == ("red", 1)  # half a has no card
