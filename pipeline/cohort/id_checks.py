"""Audit of names: ids, views and sites that a person would take for one, and the program for two."""

from collections.abc import Iterable

import pandas as pd

from pipeline.cohort.findings import Finding, error, warning
from pipeline.cohort.importers.identifiers import DIFFERENCES, alike, quoted
from pipeline.cohort.importers.source import Source
from pipeline.contracts.data.cohort import DATE


def alike_findings(source: Source) -> list[Finding]:
    """Patient ids, views and sites that differ only by case, spaces, leading zeros or Unicode form: errors.

    One person under two ids could be in training and test. If the source has no patient ids, a patient is an image
    under the name of its file, and names that differ so are a warning.
    """
    views = {image.view for image in source.images}
    sites = {*(image.site for image in source.images), *source.patients["site"].dropna().astype(str)} - {""}
    groups = alike(source.patients["patient_id"])
    ids = [_same_person(group) if source.has_patient_ids else _same_file(group) for group in groups]
    return [*ids, *_names("view", views), *_names("site", sites)]


def _same_person(ids: list[str]) -> Finding:
    message = f"the ids {quoted(ids)} differ only by {DIFFERENCES}; write the id of one person in one way, "
    message += "and give two persons ids that differ in more"
    return error(ids[0], scope="patient", check="ids_alike", message=message)


def _same_file(ids: list[str]) -> Finding:
    # Words and no quotes, by which the report recognises the ids that it replaces by pseudonyms.
    message = (
        f"its name and that of {' and '.join(f'patient {name}' for name in ids[1:])} differ only by {DIFFERENCES}; "
    )
    message += "if they show one person, exclude all but one"
    return warning(ids[0], scope="patient", check="ids_alike", message=message)


def date_findings(patients: pd.DataFrame) -> list[Finding]:
    """How many patients have no date, if any has one."""
    if DATE not in patients or (missing := int(patients[DATE].isna().sum())) in (0, len(patients)):
        return []
    message = f"{missing} of {len(patients)} patients have no date; they are not part of any check or split by date"
    return [warning(DATE, scope="column", check="date_missing", message=message)]


def _names(what: str, names: Iterable[str]) -> list[Finding]:
    rule = f"differ only by {DIFFERENCES}; write each {what} in one way"
    return [
        error(what, scope="cohort", check=f"{what}s_alike", message=f"the {what}s {quoted(group)} {rule}")
        for group in alike(names)
    ]
