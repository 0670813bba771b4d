"""dates: training patients after test patients turn the light amber."""

import pandas as pd
import pytest

from pipeline.selftest.dates import dates_check


def light(train, internal, *, fold=("2030-01-01",)):
    """`train` and `internal`: dates of the patients of these roles in resample final; `fold`: dates of no account."""
    roles = [*(("final", "train", d) for d in train), *(("final", "internal", d) for d in internal)]
    roles += [("cv-1-1", "cv", d) for d in fold]
    table = pd.DataFrame(roles, columns=["resample", "role", "date"])
    table["patient_id"] = [f"P{n}" for n in range(len(table))]
    return dates_check(table[["patient_id", "date"]], splits=table[["resample", "patient_id", "role"]])


@pytest.mark.parametrize(
    ("train", "internal", "expected", "value"),
    [
        (["2020-01-01", "2020-12-31"], ["2021-01-01"], "green", 0),
        (["2020-01-01", "2021-01-01"], ["2021-01-01"], "green", 0),  # one day
        (["2020-01-01", "2021-01-02"], ["2021-01-01", "2022-01-01"], "amber", 1),
        (["2021-03", "2021-03-31"], ["2021-03", "2021-03-31"], "green", 0),  # by month
        (["2021-03-31", "2021-04"], ["2021-03", "2021-04-01"], "amber", 1),
        (["2021-03-05", "2021-03"], ["2021-03-04", "2021-03"], "amber", 1),  # a day is compared with a day
    ],
)
def test_later_training_patients_are_counted(train, internal, expected, value):
    found = light(train, internal)

    assert (found.light, found.value) == (expected, value)
    assert not found.finding.endswith("Some patients have no date.")


def test_patients_without_a_date_are_named_and_not_counted():
    found = light(["2020-01-01", None], ["2021-01-01"])

    assert (found.light, found.value) == ("green", 0)
    assert found.finding.endswith("Some patients have no date.")


def test_grey_without_dates_or_test_patients():
    assert light([None, None], ["2021-01-01"]).light == "grey"
    assert light(["2021-01-01"], [None]).light == "grey"
    assert light(["2021-01-01"], []).light == "grey"
    splits = pd.DataFrame({"resample": "final", "patient_id": ["a", "b"], "role": ["train", "internal"]})
    none = dates_check(pd.DataFrame({"patient_id": ["a", "b"]}), splits=splits)
    assert (none.light, none.value) == ("grey", None)
