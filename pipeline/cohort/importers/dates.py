"""The date of a patient's first image, from the column `date` of a user's table of images."""

import pandas as pd

from pipeline.cohort.findings import Finding
from pipeline.contracts.data.cohort import DATE
from pipeline.foundation.dates import is_date


def with_dates(patients: pd.DataFrame, *, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """`patients` with the column `date` of the patient's first image (missing = NaN), if `rows` has any date.

    `rows` has patient_id and date as text, index row number. A cell that is no date (`is_date`) is an error finding
    and counts as missing. A month counts as earlier than its days.
    """
    given = rows[rows[DATE] != ""]
    valid = given[DATE].map(is_date).astype("bool")
    findings = [
        Finding(
            scope="patient",
            id=str(patient),
            check="date_unreadable",
            severity="error",
            message=f"row {row}: date '{text}' of patient {patient} is not a date from 1900 to 2100 written as "
            "YYYY-MM-DD or YYYY-MM; write it so, or leave it empty",
        )
        for row, patient, text in given.loc[~valid, ["patient_id", DATE]].itertuples()
    ]
    if not valid.any():
        return patients, findings
    first = given[valid].groupby("patient_id")[DATE].min()
    return patients.assign(**{DATE: patients["patient_id"].map(first).astype("str")}), findings
