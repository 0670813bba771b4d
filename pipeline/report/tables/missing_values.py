"""Missing values: clinical columns by patient, and missing images and regions of each view."""

import pandas as pd

from pipeline.contracts.reports.report import MISSING
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.patient_groups import check_sums, cohort_groups, recorded

COLUMN, VIEW, REGION = "column", "view", "region"


def missing_table(study: ReportInputs, *, role: pd.Series) -> pd.DataFrame:
    """Patients without a value, in all and in each cohort; `n` = patients, fraction = n_missing / n.

    kind = column (the site if known, and every clinical column), view (patients without an image of that view) and
    region (of those with an image of that view: patients without a usable ROI or, if that stage ran, radiomics).
    """
    groups, rows = cohort_groups(study.patients, role=role), []
    for kind, name, applies, present in _facts(study):
        for cohort, inside in groups.items():
            n, found = int((applies & inside).sum()), int((applies & present & inside).sum())
            rows.append((kind, name, cohort, n, found, n - found, (n - found) / n if n else None))
    columns = MISSING.names
    table = pd.DataFrame(rows, columns=columns).astype({"fraction": "float64"})
    check_sums(_sums(table), table="missing values")
    return table


def _facts(study: ReportInputs) -> list[tuple[str, str, pd.Series, pd.Series]]:
    """kind, name, the patients to whom it applies, and those of them who have it."""
    every = pd.Series(True, index=study.patients.index)
    found = [(COLUMN, one.name, every, one.values.notna()) for one in recorded(study.patients)]
    usable = study.rois.loc[study.rois["status"] == "ok", "image_id"]
    failed = study.extraction.loc[study.extraction["status"] != "ok", "image_id"]
    images = study.cohort.assign(usable=study.cohort["image_id"].isin(set(usable) - set(failed)))
    for view, rows in images.groupby("view", sort=True):
        imaged = study.patients["patient_id"].isin(rows["patient_id"])
        usable_in_view = study.patients["patient_id"].isin(rows.loc[rows["usable"], "patient_id"])
        found += [(VIEW, str(view), every, imaged), (REGION, str(view), imaged, usable_in_view)]
    return found


def _sums(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """For each variable, the sum over the cohorts and the number in all patients."""
    sums = {}
    for (kind, name), rows in table.groupby(["kind", "variable"]):
        whole, parts = rows[rows["cohort"] == "all"], rows[rows["cohort"] != "all"]
        for column in ("n", "n_missing"):
            sums[f"{column} of {kind} {name}"] = (float(parts[column].sum()), float(whole[column].sum()))
    return sums
