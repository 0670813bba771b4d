"""Clinical columns as numbers, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.reduce.steps.clinical_encoder import ClinicalEncoder, EncodedName

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


NAMES = st.lists(st.sampled_from(["a", "=", "\\", "_", "_missing", "é"]), min_size=1).map("".join)
ENCODED = st.one_of(
    st.builds(EncodedName, variable=NAMES),
    st.builds(EncodedName, variable=NAMES, level=st.one_of(NAMES, st.just(""))),
    st.builds(EncodedName, variable=NAMES, missing=st.just(True)),
)


@given(ENCODED)
@example(EncodedName(variable="Ki67 (cut=20)"))
@example(EncodedName(variable="size_missing"))
@example(EncodedName(variable="size\\", missing=True))
def test_an_encoded_name_is_read_back_hence_no_two_collide(name):
    assert EncodedName.of(str(name)) == name


@pytest.mark.parametrize("name", ["age", "sex=F", "age_missing", "sex==F"])
def test_usual_names_are_as_before(name):
    assert str(EncodedName.of(name)) == name


def test_columns_that_look_like_a_level_or_an_indicator_stay_beside_it():
    table = pd.DataFrame(
        {
            "grade": ["a", "b", "a"],
            "grade=a": [1.0, 2.0, 3.0],
            "size": [5.0, np.nan, 7.0],
            "size_missing": [8.0, 9.0, 10.0],
        }
    )
    encoded = ClinicalEncoder().fit(table).transform(table)

    assert encoded.to_dict("list") == {
        "grade=a": [1, 0, 1],
        "grade=b": [0, 1, 0],
        "grade\\=a": [1, 2, 3],
        "size": [5, 6, 7],
        "size_missing": [0, 1, 0],
        "size\\_missing": [8, 9, 10],
    }
