"""table_matching: ids that are in the images only, in the table only, or in another spelling."""

import pytest

from pipeline.cohort.importers.table_matching import match_findings

PATIENTS = [f"{n:03d}" for n in range(1, 41)]


def found(ids, patients=PATIENTS):
    return match_findings(ids, patients=patients, table="clinical.csv", kind="clinical")


def test_7_for_007_is_one_error_with_three_ids_of_each_side():
    (only,) = found([str(int(patient)) for patient in PATIENTS])

    assert (only.check, only.severity) == ("clinical_ids_unmatched", "error")
    assert "only 0 of its 40 patient_ids" in only.message
    assert "the images have '001', '002', '003'; the table has '1', '10', '11')" in only.message


@pytest.mark.parametrize(("matched", "severity"), [(35, "error"), (36, "info")])
def test_the_limit_is_90_percent(matched, severity):
    ids = PATIENTS[:matched] + [f"X{n}" for n in range(40 - matched)]

    assert {f.severity for f in found(ids)} - {"warning"} == {severity}


def test_a_larger_table_and_a_smaller_one_are_allowed():
    assert [f.check for f in found([*PATIENTS, *(f"X{n}" for n in range(1000))])] == ["clinical_unknown_patient"]
    assert {f.check for f in found(PATIENTS[:5])} == {"clinical_missing_patient"}


def test_a_table_without_rows_is_an_error_and_no_patients_are_none():
    assert [f.check for f in found([])] == ["clinical_ids_unmatched"]
    assert found([], patients=[]) == []


def test_one_patient_in_another_spelling_is_an_error():
    first = found([*PATIENTS[:-1], "40.0"])[0]

    assert (first.id, first.check, first.severity) == ("040", "ids_alike", "error")
    assert "'040' and '40.0'" in first.message
