"""Tables by patient that accompany the images: clinical columns, and ready-made feature blocks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from pipeline.cohort.findings import Finding, Severity
from pipeline.cohort.importers.clinical_text import clinical_column, finite, number_faults
from pipeline.cohort.importers.csv_rows import read_rows, row_list
from pipeline.cohort.importers.identifiers import cleaned_columns
from pipeline.cohort.importers.table_matching import match_findings
from pipeline.contracts.data.cohort import DATE, NOT_CLINICAL
from pipeline.foundation.errors import CohortError


def clinical_table(path: Path, *, patients: Sequence[str]) -> tuple[pd.DataFrame, list[Finding]]:
    """The clinical columns of `patients` from a CSV by patient_id, in the order of `patients`.

    A column of numbers becomes numbers, any other stays text; empty = missing = NaN. Columns whose name is reserved
    (NOT_CLINICAL), and those with faults (`clinical_column`), are dropped with an error finding. Raises CohortError as
    `read_rows` does.
    """
    rows, findings = _by_patient(path, patients=patients, kind="clinical")
    for name in [name for name in rows.columns if name in NOT_CLINICAL[1:]]:
        remedy = "put the date of each image into the table of images" if name == DATE else "rename the column"
        findings.append(_column(name, "clinical_reserved", f"{path.name}: column name '{name}' is reserved; {remedy}"))
        rows = rows.drop(columns=name)
    for name in rows.columns[1:]:
        values, faults = clinical_column(rows[name], place=path.name)
        rows = rows.drop(columns=name) if faults else rows.assign(**{name: values})
        findings += faults
    return _aligned(rows, patients), findings


def feature_block(path: Path, *, name: str, patients: Sequence[str]) -> tuple[pd.DataFrame, list[Finding]]:
    """A ready-made feature table of `patients`: a CSV by patient_id with numbers only; empty = missing = NaN.

    Patients without a row keep a row of NaN. Each column with values other than finite numbers is an error finding.
    Raises CohortError as `read_rows` does, and if there is no feature column.
    """
    rows, findings = _by_patient(path, patients=patients, kind="block")
    if len(rows.columns) < 2:
        raise CohortError(f"{path}: block '{name}' has no feature column besides patient_id")
    columns = {"patient_id": rows["patient_id"]}
    for column in rows.columns[1:]:
        values = rows[column].mask(rows[column] == "")
        columns[column] = finite(values)
        if (values.notna() & columns[column].isna()).any():
            at = {"name": f"{name}.{column}", "place": path.name}
            findings += number_faults(values.dropna(), **at, check="block_not_numeric")
    return _aligned(pd.DataFrame(columns), patients), findings


def _by_patient(
    path: Path, *, patients: Sequence[str], kind: Literal["clinical", "block"]
) -> tuple[pd.DataFrame, list[Finding]]:
    """The first row of each patient of the study, patient_id first; mismatches are findings."""
    rows = read_rows(path)
    if "patient_id" not in rows:
        raise CohortError(f"{path}: there is no column patient_id; the columns are {', '.join(rows.columns)}")
    rows = rows[["patient_id", *(name for name in rows.columns if name != "patient_id")]]
    rows, findings = cleaned_columns(rows, columns=("patient_id",), table=path.name)
    for patient, group in rows.groupby("patient_id", sort=False):
        if patient == "" or len(group) > 1:
            what = "no patient_id" if patient == "" else f"the same patient_id {patient}"
            message = f"{path.name}: {row_list(group.index)} with {what}; needs one row per patient"
            findings.append(_patient(str(patient), f"{kind}_repeated", message, severity="error"))
    rows = rows[rows["patient_id"] != ""].drop_duplicates("patient_id")
    findings += match_findings(rows["patient_id"].tolist(), patients=patients, table=path.name, kind=kind)
    return rows[rows["patient_id"].isin(patients)], findings


def _aligned(rows: pd.DataFrame, patients: Sequence[str]) -> pd.DataFrame:
    return rows.set_index("patient_id").reindex(pd.Index(patients, name="patient_id", dtype="str")).reset_index()


def _column(name: str, check: str, message: str, *, severity: Severity = "error") -> Finding:
    return Finding(scope="column", id=name, check=check, severity=severity, message=message)


def _patient(name: str, check: str, message: str, *, severity: Literal["error", "warning"]) -> Finding:
    return Finding(scope="patient", id=name, check=check, severity=severity, message=message)
