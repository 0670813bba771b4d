"""New patients from one CSV: a row per image, the clinical values of the patient in the same row."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.cohort.audit import gathered
from pipeline.cohort.clinical_values import value_findings
from pipeline.cohort.compared_images import comparison_findings
from pipeline.cohort.duplicates import HashedImage, duplicate_findings, repeated
from pipeline.cohort.findings import Finding, warning
from pipeline.cohort.id_checks import alike_findings
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.importers.clinical_text import finite, number_faults
from pipeline.cohort.importers.csv_rows import read_rows, row_list
from pipeline.cohort.importers.identifiers import cleaned_columns
from pipeline.cohort.importers.manifest import OPTIONAL, REQUIRED, source_images, usable_rows
from pipeline.cohort.importers.source import Source
from pipeline.cohort.table_checks import patient_findings
from pipeline.foundation.errors import CohortError, listed
from pipeline.predict.bundle import About

USED = ("patient_id", "image", "mask", "view", "site")
UNUSED = tuple(name for name in (*REQUIRED, *OPTIONAL) if name not in USED)
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class NewPatients:
    """The images of the new patients as a source without labels, and their clinical values, index patient_id."""

    source: Source
    clinical: pd.DataFrame

    @property
    def ids(self) -> list[str]:
        """The patients, sorted."""
        return [str(patient) for patient in self.source.patients["patient_id"]]

    @property
    def sites(self) -> pd.Series:
        """The site by patient_id; None if it is not given."""
        return self.source.patients.set_index("patient_id")["site"]


def read_new_patients(table: Path, *, about: About) -> NewPatients:
    """Read a CSV of new patients: patient_id and image, optionally mask, view and site, and the clinical columns of the
    bundle, which may have empty cells. Paths are relative to the folder of the table and may not leave it.

    Columns of a study that are not needed (label, cohort …) are ignored. Raises CohortError that lists all faults of
    the table at once: a missing or unknown column, an empty cell of patient_id or image, a path outside the folder, an
    image named twice, an unknown view, clinical values that are no numbers or differ between the rows of a patient.
    """
    rows = read_rows(table)
    needs_images = set(about.blocks) != {"clinical"}
    _check_columns(rows, table, about=about, needs_images=needs_images)
    if rows.empty:
        raise CohortError(f"{table}: has no row; add one row per image of each new patient")
    rows, hidden = cleaned_columns(rows, columns=("patient_id", "view", "site"), table=table.name)
    clinical, faults = _clinical(rows, about=about, place=table.name)
    rows = rows.reindex(columns=[*USED, *UNUSED], fill_value="")
    folder = table.parent
    if needs_images:
        usable, unusable = usable_rows(rows, folder=folder)
        images = source_images(usable, folder=folder, full=about.whole_images)
        faults += [finding.message for finding in unusable] + _view_faults(rows, about=about)
    else:
        images = {}
        faults += [f"row {row}: patient_id is empty" for row in rows.index[rows["patient_id"] == ""]]
    _refuse(faults, table=table)
    ordered = sorted(images.values(), key=lambda image: image.image_id)
    return NewPatients(source=Source(images=ordered, patients=_patients(rows), findings=hidden), clinical=clinical)


def _check_columns(rows: pd.DataFrame, table: Path, *, about: About, needs_images: bool) -> None:
    needed = ["patient_id", *(["image"] if needs_images else []), *about.clinical]
    known = [*USED, *UNUSED, *about.clinical]
    faults = []
    for name in [name for name in needed if name not in rows]:
        what = "clinical column of the model" if name in about.clinical else "column"
        remedy = "; leave the cells of unknown values empty" if name in about.clinical else ""
        faults.append(f"the {what} '{name}' is missing{remedy}")
    for name in [name for name in rows.columns if name not in known]:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
        advice = f"did you mean '{near[0]}'?" if near else "the model does not use it: remove it"
        faults.append(f"the column '{name}' is not known; {advice}")
    _refuse(faults, table=table)


def _refuse(faults: list[str], *, table: Path) -> None:
    if len(faults) == 1:
        raise CohortError(f"{table}: {faults[0]}")
    if faults:
        raise CohortError(listed(faults, heading=f"{table}: {len(faults)} faults; correct them and predict again"))


def _view_faults(rows: pd.DataFrame, *, about: About) -> list[str]:
    faults = []
    for view, group in rows.groupby("view"):
        name = str(view) or "main"
        if name not in about.views:
            known = ", ".join(about.views)
            where = row_list(group.index)
            what = f"the view '{name}' is not known" if view else "the view is empty"
            faults.append(f"{where}: {what}; the model was trained on the views {known}")
    return faults


def _clinical(rows: pd.DataFrame, *, about: About, place: str) -> tuple[pd.DataFrame, list[str]]:
    """The clinical values by patient, in the types of the study, and the faults of the cells."""
    columns, faults = {}, []
    for name, kind in about.clinical.items():
        cells = rows[name].mask(rows[name] == "")
        by_patient = cells.groupby(rows["patient_id"])
        for patient in sorted(by_patient.nunique().loc[lambda counts: counts > 1].index):
            given = by_patient.get_group(patient)
            faults.append(f"{row_list(given.index)}: patient {patient} has several values of {name}; give one")
        values = by_patient.first()
        if kind == "number":
            faults += [fault.message for fault in number_faults(cells.dropna(), name=name, place=place)]
            values = finite(values)
        elif kind == "boolean":
            values = values.map(lambda cell: BOOLEANS.get(str(cell).lower(), cell), na_action="ignore").astype("object")
        columns[name] = values
    ids = pd.Index(sorted(rows["patient_id"].unique()), name="patient_id", dtype="str")
    return pd.DataFrame(columns, index=ids, columns=list(about.clinical)), faults


def _patients(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per patient as in a source, without label and cohort."""
    records = [
        {"patient_id": str(patient), "label": None, "site": next((site for site in group["site"] if site), None)}
        for patient, group in rows.groupby("patient_id", sort=True)
    ]
    table = pd.DataFrame(records, columns=["patient_id", "label", "site"]).assign(cohort=None)
    return table.astype({"patient_id": "str", "label": "Int64", "site": "str", "cohort": "str"})


def audit_of(patients: NewPatients, *, imported: Sequence[ImportedImage], about: About, root: Path) -> list[Finding]:
    """The findings about the new patients by the checks of a study that need neither an outcome nor other patients, and
    by those that compare the images with each other; file names relative to `root`. Near-copies are not searched for.
    """
    source, table = patients.source, patients.source.patients
    found = [*source.findings, *alike_findings(source)]
    if source.images:
        found += patient_findings(source.images, patients=table, params=about.settings.tables)
    found += value_findings(table.merge(patients.clinical.reset_index(), on="patient_id"))
    readable = sum(image.row is not None for image in imported)
    found += gathered((finding for image in imported for finding in image.findings), total=readable)
    found += comparison_findings(source, imported=imported)
    hashes = [
        HashedImage(image_id=one.image_id, patient_id=one.patient_id, pixels=one.pixels, mask=one.mask)
        for one in imported
        if one.row is not None
    ]
    same = repeated(hashes)
    found += duplicate_findings(
        [group for group in same if len({one.patient_id for one in group}) == 1], patients=table
    )
    found += [finding for group in same for finding in _shared(group)]
    place = f"{root}/"
    return [_relative(finding, place) for finding in found]


def _shared(same: Sequence[HashedImage]) -> list[Finding]:
    """A warning for each patient of a group of identical images of different patients."""
    owners = sorted({image.patient_id for image in same})
    found = []
    for owner in owners if len(owners) > 1 else []:
        own = ", ".join(image.image_id for image in same if image.patient_id == owner)
        others = ", ".join(other for other in owners if other != owner)
        message = f"image {own} has exactly the pixels of an image of patient {others}; check whose image it is"
        found.append(warning(owner, scope="patient", check="shared_image", message=message))
    return found


def _relative(finding: Finding, place: str) -> Finding:
    return Finding(**(vars(finding) | {"message": finding.message.replace(place, "")}))
