"""dates: the date of a patient's first image."""

import pandas as pd

from pipeline.cohort.importers.dates import with_dates

PATIENTS = pd.DataFrame({"patient_id": ["1", "2", "3"]}, dtype="str")


def dated(*cells):
    rows = pd.DataFrame(cells, columns=["patient_id", "date"], index=range(2, 2 + len(cells)), dtype="str")
    return with_dates(PATIENTS, rows=rows)


def test_the_first_image_counts_and_missing_dates_stay_missing():
    table, findings = dated(("1", "2021-03-02"), ("1", "2020-12"), ("2", ""), ("3", "2019-01-31"))

    assert table["date"].fillna("none").tolist() == ["2020-12", "none", "2019-01-31"]
    assert findings == []


def test_anything_but_a_date_is_an_error_with_row_value_and_remedy():
    table, findings = dated(("1", "31.12.2020"), ("2", "2021-02-30"), ("3", "2019-01-31"))

    assert [(f.check, f.severity, f.id) for f in findings] == [
        ("date_unreadable", "error", "1"),
        ("date_unreadable", "error", "2"),
    ]
    assert "row 2: date '31.12.2020' of patient 1 is not a date" in findings[0].message
    assert "YYYY-MM-DD or YYYY-MM; write it so" in findings[0].message
    assert table["date"].notna().tolist() == [False, False, True]


def test_no_date_no_column():
    assert "date" not in dated(("1", ""), ("2", ""))[0]
    assert "date" not in dated(("1", "soon"))[0]
