"""Tables by patient that accompany the images: clinical columns, and ready-made feature blocks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.cohort.findings import Finding, Severity
from pipeline.cohort.importers.csv_rows import read_rows, row_list
from pipeline.foundation.errors import CohortError

RESERVED = ("patient_id", "group_id", "label", "site", "cohort")


def clinical_table(path: Path, *, patients: Sequence[str]) -> tuple[pd.DataFrame, list[Finding]]:
    """The clinical columns of `patients` from a CSV by patient_id, in the order of `patients`.

    A column of numbers becomes numbers, any other stays text; empty = missing = NaN. Columns whose name is reserved
    (label, site, cohort, group_id) are dropped with an error finding. Raises CohortError as `read_rows` does.
    """
    rows, findings = _by_patient(path, patients=patients, kind="clinical")
    for name in [name for name in rows.columns if name in RESERVED[1:]]:
        findings.append(
            _column(name, "clinical_reserved", f"{path.name}: column name '{name}' is reserved; rename the column")
        )
        rows = rows.drop(columns=name)
    for name in rows.columns[1:]:
        rows[name], faults = _numbers_or_text(rows[name], place=path.name)
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
        numbers = _finite(values)
        if (wrong := values.notna() & numbers.isna()).any():
            findings.append(
                _column(f"{name}.{column}", "block_not_numeric", _not_numbers(path.name, column, values, wrong))
            )
        columns[column] = numbers
    return _aligned(pd.DataFrame(columns), patients), findings


def _by_patient(
    path: Path, *, patients: Sequence[str], kind: Literal["clinical", "block"]
) -> tuple[pd.DataFrame, list[Finding]]:
    """The first row of each patient of the study, patient_id first; mismatches are findings."""
    rows = read_rows(path)
    if "patient_id" not in rows:
        raise CohortError(f"{path}: there is no column patient_id; the columns are {', '.join(rows.columns)}")
    rows = rows[["patient_id", *(name for name in rows.columns if name != "patient_id")]]
    findings = []
    for patient, group in rows.groupby("patient_id", sort=False):
        if patient == "" or len(group) > 1:
            what = "no patient_id" if patient == "" else f"the same patient_id {patient}"
            message = f"{path.name}: {row_list(group.index)} with {what}; needs one row per patient"
            findings.append(_patient(str(patient), f"{kind}_repeated", message, severity="error"))
    rows = rows[rows["patient_id"] != ""].drop_duplicates("patient_id")
    for patient in sorted(set(patients) - set(rows["patient_id"])):
        message = f"patient {patient} has no row in {path.name}; all its values are missing there"
        findings.append(_patient(patient, f"{kind}_missing_patient", message, severity="warning"))
    if unknown := sorted(set(rows["patient_id"]) - set(patients)):
        shown = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
        message = f"{path.name}: {len(unknown)} patients without an image are not used ({shown})"
        findings.append(
            Finding(scope="cohort", id=path.name, check=f"{kind}_unknown_patient", severity="info", message=message)
        )
    return rows[rows["patient_id"].isin(patients)], findings


def _aligned(rows: pd.DataFrame, patients: Sequence[str]) -> pd.DataFrame:
    return rows.set_index("patient_id").reindex(pd.Index(patients, name="patient_id", dtype="str")).reset_index()


def _numbers_or_text(cells: pd.Series, *, place: str) -> tuple[pd.Series, list[Finding]]:
    """A clinical column as numbers if all its values are, otherwise as text; mostly numbers but not all is an error."""
    values = cells.mask(cells == "")
    numbers = _finite(values)
    wrong = values.notna() & numbers.isna()
    if not wrong.any():
        return numbers, []
    if numbers.notna().sum() <= wrong.sum():
        return values, []
    message = _not_numbers(place, str(cells.name), values, wrong)
    return numbers, [_column(str(cells.name), "clinical_not_numeric", message)]


def _finite(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _not_numbers(place: str, column: str, values: pd.Series, wrong: pd.Series) -> str:
    example = values[wrong].iloc[0]
    at = row_list(values.index[wrong])
    return f"{place}: column '{column}' has '{example}' among its numbers ({at}); leave missing values empty"


def _column(name: str, check: str, message: str, *, severity: Severity = "error") -> Finding:
    return Finding(scope="column", id=name, check=check, severity=severity, message=message)


def _patient(name: str, check: str, message: str, *, severity: Literal["error", "warning"]) -> Finding:
    return Finding(scope="patient", id=name, check=check, severity=severity, message=message)
