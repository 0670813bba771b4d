"""Pseudonyms: no id remains in a message, and no count is mistaken for an id."""

import pandas as pd
import pytest

from pipeline.foundation.pseudonyms import Pseudonyms, pseudonyms

NAMES = Pseudonyms(
    patients=["007", "12", "Miller, A", "Anna Schmidt", "4711234", "M\u00fcller"],
    images=["007_long", "12_1", "scan-3"],
    excluded=["gone"],
)


@pytest.mark.parametrize(
    ("message", "scope", "case", "masked"),
    [
        ("image 007_long: the lesion has 12 voxels", "image", "007_long", "the lesion has 12 voxels"),
        ("image gone is named under exclude (marks)", "image", "gone", "is named under exclude (marks)"),
        ("the mask 12_1.jpg has 12 labels: 7, 12", "image", "12_1", "the mask (file of image #2) has 12 labels: 7, 12"),
        ("007_long, 12_1 of patients 007, 12", "image", "007_long", "image #1, image #2 of patient #1, patient #2"),
        ("age 'x' of patient 12 is no age", "patient", "12", "age 'x' of patient #2 is no age"),
        ("label of Miller, A is 2", "patient", "Miller, A", "label of patient #3 is 2"),
        ("set label in params/cohort.yaml to 0.12", "image", "12_1", "set label in params/cohort.yaml to 0.12"),
        ("12.xml is not readable", "image", "12_1", "(file of patient #2) is not readable"),
        ("images of one patient may be in training", "cohort", "images", "images of one patient may be in training"),
        ("image scan-3: 33.0% of scan-3_mask.nii.gz", "image", "scan-3", "33.0% of (file of image #3)"),
        ("for Miller, A, 007 and 12", "image", "scan-3", "for patient #3, patient #1 and patient #2"),
        ("of patients 007, Miller, A and 12", "cohort", "x", "of patient #1, patient #3 and patient #2"),
        ("the ids '12' and '007' differ", "cohort", "ids", "the ids 'patient #2' and 'patient #1' differ"),
        ("scan-3 is not scan-34", "cohort", "images", "image #3 is not scan-34"),
        ("as Anna Schmidt.png, 4711234", "image", "12_1", "as (file of patient #4), patient #5"),
        ("Schmidt_A.PNG is a/Mu\u0308ller_2.png", "image", "12_1", "(a file) is (file of patient #6)"),
        ("add patients.csv; 1,007 voxels, 0.007", "cohort", "x", "add patients.csv; 1,007 voxels, 0.007"),
    ],
)  # fmt: skip
def test_message(message, scope, case, masked):
    assert NAMES.mask(message, scope=scope, case=case) == masked


def test_numbers_follow_the_row_order_of_the_tables():
    audit = pd.DataFrame({"scope": ["image", "patient", "column"], "id": ["x9", "p2", "age"]})
    names = pseudonyms(
        patients=pd.DataFrame({"patient_id": ["p1", "p2"]}), cohort=pd.DataFrame({"image_id": ["i1"]}), audit=audit
    )

    assert [names.of(case) for case in ("p2", "i1", "x9")] == ["patient #2", "image #1", "excluded case #1"]
    assert names.of("age") == "a case without a row"
