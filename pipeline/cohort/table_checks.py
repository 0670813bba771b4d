"""Audit of the table of patients and of the links between patients and images."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.cohort.findings import Finding, error, warning
from pipeline.cohort.importers.source import SourceImage
from pipeline.contracts.data.cohort import COHORTS, NOT_CLINICAL
from pipeline.foundation.params import Params

MIN_PER_LEVEL = 5  # patients per text of a column; with fewer on average, it is free text, an identifier or a date
MANY_LEVELS = 50  # such texts are an error
MAX_LEVELS = 10  # a numeric column with at most this many values is also checked as categories


class TableAuditParams(Params):
    """`params/cohort.yaml: tables`."""

    min_class_count: int = Field(ge=2, le=10_000)
    min_test_class_count: int = Field(ge=1, le=10_000)
    min_separated: int = Field(ge=2, le=10_000)


def patient_findings(
    images: Sequence[SourceImage], *, patients: pd.DataFrame, params: TableAuditParams
) -> list[Finding]:
    """Patients without an image, an outcome that is the same in all patients, two sites of one patient."""
    if patients.empty:
        message = "the source contains no patient; check root and the importer's settings in params/cohort.yaml"
        return [error("", scope="cohort", check="no_patients", message=message)]
    owners = {image.patient_id for image in images}
    message = "has a label and no image; add the image or exclude the patient"
    found = [
        error(patient_id, scope="patient", check="label_without_image", message=message)
        for patient_id in patients["patient_id"]
        if patient_id not in owners
    ]
    labels = patients["label"].dropna()
    if labels.nunique() == 1:
        message = f"all {len(labels)} patients have the label {int(labels.iloc[0])}; nothing can be learned"
        found.append(error("label", scope="column", check="outcome_constant", message=message))
    return found + site_findings(images, patients=patients, params=params)


def site_findings(images: Sequence[SourceImage], *, patients: pd.DataFrame, params: TableAuditParams) -> list[Finding]:
    """Patients whose images, or whose image and row, name two sites; sites whose patients all have one outcome."""
    sites: dict[str, set[str]] = {}
    rows = zip(patients["patient_id"], patients["site"], strict=True)
    for patient_id, site in [*((image.patient_id, image.site) for image in images), *rows]:
        if pd.notna(site) and site != "":
            sites.setdefault(patient_id, set()).add(str(site))
    found = []
    for patient_id, names in sorted(sites.items()):
        if len(names) > 1:
            message = f"has images of the sites {', '.join(sorted(names))}; give two persons two patient_ids"
            found.append(error(patient_id, scope="patient", check="two_sites", message=message))
    labelled = patients[_present(patients["site"]) & patients["label"].isin([0, 1])]
    for site, labels in labelled.groupby("site")["label"]:
        if labels.nunique() == 1 and len(labels) >= params.min_separated and labelled["site"].nunique() > 1:
            message = f"all {len(labels)} patients of site {site} have the label {int(labels.iloc[0])}; "
            message += "scanner differences would be confounded with the outcome"
            found.append(warning("site", scope="column", check="site_single_class", message=message))
    return found


def cohort_findings(patients: pd.DataFrame, *, params: TableAuditParams) -> list[Finding]:
    """Cohort names, and classes that are too small for the folds (training) or for a precise estimate (tests)."""
    cohort, given = patients["cohort"], _present(patients["cohort"])
    found = []
    for name in sorted(set(cohort[given].astype(str)) - set(COHORTS)):
        message = f"the cohort '{name}' of {int((cohort == name).sum())} patients is not one of {', '.join(COHORTS)}"
        found.append(error(name, scope="cohort", check="unknown_cohort", message=message))
    if given.any() and not given.all():
        absent = patients.loc[~given, "patient_id"]
        message = f"{len(absent)} of {len(patients)} patients have no cohort, first {absent.iloc[0]}; "
        message += "give every patient one, or none to have them split by params/split.yaml"
        found.append(error("", scope="cohort", check="cohort_partly_given", message=message))
    if given.any() and "train" not in set(cohort):
        message = "cohorts are given and none is train, so nothing can be fitted"
        found.append(error("train", scope="cohort", check="cohort_without_train", message=message))
    training = patients[(cohort == "train") | ~given.any()]
    found += _class_counts(training, "train", minimum=params.min_class_count)
    for name in COHORTS[1:]:
        if (cohort == name).any():
            found += _class_counts(patients[cohort == name], name, minimum=params.min_test_class_count)
    return found


def _class_counts(patients: pd.DataFrame, cohort: str, *, minimum: int) -> list[Finding]:
    counts = {label: int((patients["label"] == label).sum()) for label in (0, 1)}
    if patients.empty or min(counts.values()) >= minimum:
        return []
    sizes = f"cohort {cohort} has {counts[1]} patients with label 1 and {counts[0]} with label 0"
    if cohort == "train":
        message = f"{sizes}, needs at least {minimum} of each for its folds and halves (min_class_count)"
        return [error(cohort, scope="cohort", check="class_too_small", message=message)]
    consequence = "its AUC has a wide interval" if min(counts.values()) else "it has no AUC"
    message = f"{sizes}, fewer than {minimum} of one (min_test_class_count): {consequence}"
    return [warning(cohort, scope="cohort", check="test_class_too_small", message=message)]


def column_findings(patients: pd.DataFrame, *, params: TableAuditParams) -> list[Finding]:
    """Clinical columns that are empty, constant, identifier-like, or separate the outcomes perfectly."""
    labelled = patients[patients["label"].isin([0, 1])]
    label = labelled["label"].astype(int).to_numpy()
    found = []
    for name in [str(column) for column in patients.columns if column not in NOT_CLINICAL]:
        values = labelled[name].where(_present(labelled[name]))
        found += _column(values, label, name=name, minimum=params.min_separated)
    return found


def _column(values: pd.Series, label: np.ndarray, *, name: str, minimum: int) -> list[Finding]:
    present = values.notna().to_numpy()
    levels = values.nunique()
    if levels == 0:
        return [warning(name, scope="column", check="column_empty", message=f"column {name} has no value")]
    found = []
    if levels == 1:
        message = f"column {name} has the value {values.dropna().iloc[0]} in all {present.sum()} patients that have one"
        found.append(warning(name, scope="column", check="column_constant", message=message))
    numeric = pd.api.types.is_numeric_dtype(values)
    if not numeric and levels > max(MAX_LEVELS, present.sum() / MIN_PER_LEVEL):
        message = f"column {name} has {levels} different texts in {present.sum()} patients, each of which becomes a "
        message += "column; remove it from the clinical table, or join its values to a few categories"
        kind = error if levels > MANY_LEVELS else warning
        found.append(kind(name, scope="column", check="column_like_identifier", message=message))
    elif levels > 1 and _separates(values[present], label[present], minimum=minimum):
        message = f"column {name} separates the outcomes of all {present.sum()} patients that have a value; "
        message += "was it recorded after the outcome, or derived from it?"
        found.append(warning(name, scope="column", check="column_separates_outcome", message=message))
    if _enough(label, minimum) and (np.array_equal(present, label == 1) or np.array_equal(present, label == 0)):
        message = f"column {name} is filled for one outcome and empty for the other; "
        message += "whether it was recorded depends on the outcome"
        found.append(warning(name, scope="column", check="column_missing_separates_outcome", message=message))
    return found


def _enough(label: np.ndarray, minimum: int) -> bool:
    return min((label == 0).sum(), (label == 1).sum()) >= minimum


def _separates(values: pd.Series, label: np.ndarray, *, minimum: int) -> bool:
    """Whether a threshold (numbers) or the category alone determines the label of every patient with a value."""
    if not _enough(label, minimum):
        return False
    if pd.api.types.is_numeric_dtype(values):
        zero, one = values[label == 0].astype(float), values[label == 1].astype(float)
        if zero.max() < one.min() or one.max() < zero.min():
            return True
        if values.nunique() > MAX_LEVELS:
            return False
    if values.nunique() > len(values) / 2:  # a category of one patient is always pure
        return False
    return bool((pd.Series(label, index=values.index).groupby(values).nunique() == 1).all())


def _present(values: pd.Series) -> pd.Series:
    return values.notna() & (values.astype("object") != "")
