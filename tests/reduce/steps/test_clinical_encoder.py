"""Clinical columns as numbers, by hand."""

import numpy as np
import pandas as pd

from pipeline.reduce.steps.clinical_encoder import ClinicalEncoder

TRAIN = pd.DataFrame(
    {
        "age": [40.0, 50.0, np.nan, 70.0],
        "sex": ["F", "M", "F", "F"],
        "stage": ["I", None, "III", "II"],
        "site_code": [5, 5, 5, 5],
        "empty": [None] * 4,
        "smoker": [True, False, True, True],
    }
)


def test_training_rows_by_hand():
    encoded = ClinicalEncoder().fit(TRAIN).transform(TRAIN)

    assert encoded.to_dict("list") == {
        "age": [40, 50, 50, 70],
        "age_missing": [0, 0, 1, 0],
        "sex=F": [1, 0, 1, 1],
        "sex=M": [0, 1, 0, 0],
        "stage=I": [1, 0, 0, 0],
        "stage=II": [0, 0, 0, 1],
        "stage=III": [0, 0, 1, 0],
        "stage_missing": [0, 1, 0, 0],
        "smoker=False": [0, 1, 0, 0],
        "smoker=True": [1, 0, 1, 1],
    }


def test_nothing_is_learned_from_test_rows():
    fitted = ClinicalEncoder().fit(TRAIN)
    test = pd.DataFrame(
        {
            "age": ["60", "unknown"],
            "sex": ["X", None],
            "stage": ["IV", "I"],
            "site_code": [6, 7],
            "empty": [1, 2],
            "smoker": [None, True],
        }
    )
    encoded = fitted.transform(test)

    assert encoded["age"].tolist() == [60, 50]
    assert encoded["age_missing"].tolist() == [0, 1]
    assert encoded[["sex=F", "sex=M"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert encoded["stage=I"].tolist() == [0, 1]
    assert not encoded.isna().any().any()
    assert fitted.unseen(test) == [
        "sex: level 'X' is not in the training rows, taken as no known level",
        "stage: level 'IV' is not in the training rows, taken as no known level",
        "age: 1 values are not numbers, unlike in the training rows, taken as missing",
    ]


def test_a_text_in_a_test_row_does_not_make_a_number_a_category():
    # One text in a column of a CSV turns all of it into text.
    column = pd.DataFrame({"age": ["40", "50.5", "70", "garbage"]})
    fitted = ClinicalEncoder().fit(column.iloc[:3])

    assert fitted.transform(column)["age"].tolist() == [40, 50.5, 70, 50.5]
