"""table_checks: small tables with known faults."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.cohort.importers.source import SourceImage
from pipeline.cohort.table_checks import TableAuditParams, cohort_findings, column_findings, patient_findings

PARAMS = TableAuditParams(min_class_count=3, min_test_class_count=2, min_separated=3)


def patients(labels, *, cohort=None, site=None, **columns):
    n = len(labels)
    given = {"patient_id": [f"p{i}" for i in range(n)], "label": labels}
    return pd.DataFrame(given | {"site": site or [None] * n, "cohort": cohort or [None] * n} | columns)


def images(*owners, sites=()):
    sites = [*sites, *[""] * len(owners)]
    return [
        SourceImage(image_id=f"i{n}", patient_id=p, image=Path("x"), lesion=None, site=s)
        for n, (p, s) in enumerate(zip(owners, sites, strict=False))
    ]


def found(findings):
    return {(f.check, f.id, f.severity) for f in findings}


def column(labels, values):
    return {f.check for f in column_findings(patients(labels, x=values), params=PARAMS)}


def test_a_sound_table_has_no_finding():
    table = patients([0, 1], site=["s", "s"])
    assert patient_findings(images("p0", "p1"), patients=table, params=PARAMS) == []


def test_patient_without_image():
    assert found(patient_findings(images("p0"), patients=patients([0, 1]), params=PARAMS)) == {
        ("label_without_image", "p1", "error")
    }


def test_no_patient_and_one_outcome():
    assert found(patient_findings([], patients=patients([]), params=PARAMS)) == {("no_patients", "", "error")}
    assert found(patient_findings(images("p0", "p1"), patients=patients([1, 1]), params=PARAMS)) == {
        ("outcome_constant", "label", "error")
    }


def test_two_sites_of_one_patient_through_images_or_row():
    table = patients([0, 1], site=["A", "B"])
    among_images = patient_findings(images("p0", "p0", "p1", sites=["A", "C"]), patients=table, params=PARAMS)
    assert ("two_sites", "p0", "error") in found(among_images)
    assert ("two_sites", "p1", "error") not in found(among_images)


def test_a_site_with_one_outcome_is_a_warning():
    table = patients([0, 0, 0, 1, 0, 1], site=["A", "A", "A", "B", "B", "C"])
    result = patient_findings(images(*table["patient_id"]), patients=table, params=PARAMS)
    assert found(result) == {("site_single_class", "site", "warning")}  # site C has too few patients
    assert "all 3 patients of site A have the label 0" in result[0].message


@pytest.mark.parametrize(
    ("values", "check"),
    [
        ([5, 5, 5, 5, 5, 5], "column_constant"),
        ([np.nan] * 6, "column_empty"),
        ([1, 2, 3, 4, 5, 6], "column_separates_outcome"),
        ([6, 5, 4, 3, 2, 1], "column_separates_outcome"),
        ([1, 2, 3, np.nan, 5, 6], None),  # two patients of one class are too few
        ([1, 3, 1, 2, 2, 2], "column_separates_outcome"),  # codes: no threshold, but each determines the outcome
        ([1, 2, 4, 3, 5, 6], None),  # no threshold, and codes of one patient each are no evidence
        (["a", "a", "b", "c", "c", "c"], "column_separates_outcome"),
        (["a", "a", "b", "b", "c", "c"], None),
        ([1, 9, 2, np.nan, np.nan, np.nan], "column_missing_separates_outcome"),
    ],
)
def test_columns_that_cannot_be_predictors(values, check):
    assert column([0, 0, 0, 1, 1, 1], values) == ({check} if check else set())


def test_texts_with_nearly_one_value_per_patient():
    labels = [0, 1] * 10
    assert column(labels, [f"2021-01-{n:02d}" for n in range(20)]) == {"column_like_identifier"}


@pytest.mark.parametrize(
    ("patients_", "texts", "severity"),
    [(320, 150, "error"), (320, 65, "error"), (200, 45, "warning"), (320, 60, None), (20, 10, None)],
)
def test_free_text_would_become_a_column_per_text(patients_, texts, severity):
    labels = [n % 2 for n in range(patients_)]
    table = patients(labels, note=[f"note {(n // 2) % texts}" for n in range(patients_)])
    result = column_findings(table, params=PARAMS)
    assert [f.severity for f in result] == ([severity] if severity else [])
    if severity:
        assert f"column note has {texts} different texts in {patients_} patients, each of which" in result[0].message


def test_site_and_cohort_are_not_checked_as_predictors():
    table = patients([0, 0, 0, 1, 1, 1], site=["A"] * 3 + ["B"] * 3)
    assert column_findings(table, params=PARAMS) == []


def test_small_training_class_is_an_error_and_small_test_class_a_warning():
    cohort = ["train"] * 5 + ["internal"] * 4 + ["external"] * 2
    table = patients([0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0], cohort=cohort)
    result = cohort_findings(table, params=PARAMS)
    assert found(result) == {
        ("class_too_small", "train", "error"),
        ("test_class_too_small", "internal", "warning"),
        ("test_class_too_small", "external", "warning"),
    }
    assert "cohort train has 2 patients with label 1 and 3 with label 0" in result[0].message
    assert "it has no AUC" in result[2].message


def test_without_cohorts_every_patient_counts_as_training():
    assert found(cohort_findings(patients([0, 0, 0, 1, 1]), params=PARAMS)) == {("class_too_small", "train", "error")}
    assert cohort_findings(patients([0, 0, 0, 1, 1, 1]), params=PARAMS) == []


def test_cohorts_must_be_complete_and_include_train():
    partly = patients([0, 0, 0, 1, 1, 1, 1], cohort=["train"] * 6 + [None])
    without = patients([0, 1, 0, 1], cohort=["external"] * 4)
    assert found(cohort_findings(partly, params=PARAMS)) == {("cohort_partly_given", "", "error")}
    assert found(cohort_findings(without, params=PARAMS)) == {("cohort_without_train", "train", "error")}


def test_a_date_is_no_clinical_column():
    dates = [f"2021-01-{day:02d}" for day in range(1, 21)]

    assert column_findings(patients([0, 1] * 10, date=dates), params=PARAMS) == []
