"""A user's own data: one CSV of images, optionally a clinical CSV and ready-made feature tables, all by patient_id."""

import difflib
import re
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, field_validator, model_validator

from pipeline.cohort.findings import Finding, Severity
from pipeline.cohort.importers.by_image import fault
from pipeline.cohort.importers.csv_rows import other_table, read_rows, row_list
from pipeline.cohort.importers.dates import with_dates
from pipeline.cohort.importers.exclusion import OutlineRule, Rule, apply_rules
from pipeline.cohort.importers.identifiers import cleaned_columns
from pipeline.cohort.importers.labels import LABELS, with_codes, without_label
from pipeline.cohort.importers.paths import image_ids, inside, source_folder
from pipeline.cohort.importers.patient_tables import clinical_table, feature_block
from pipeline.cohort.importers.source import LesionSource, Source, SourceImage
from pipeline.contracts.data.cohort import DATE
from pipeline.foundation.errors import CohortError
from pipeline.foundation.params import Params

REQUIRED = ("patient_id", "image", "label")
OPTIONAL = ("mask", "view", "site", "cohort", "gland_mask", "mask2", DATE)
COHORTS = ("train", "internal", "external")


class BlockParams(Params):
    """A ready-made feature table: its CSV by patient_id, and the patients on which the model behind it was trained."""

    table: str = Field(min_length=1)
    trained_on: Literal["nobody", "other_patients", "unknown", "these_patients"] = "unknown"

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, given: Any) -> Any:
        return {"table": given} if isinstance(given, str) else given


class ManifestParams(Params):
    """Where the tables of a user's data are, relative to the root, and how empty cells are handled."""

    table: str = Field(default="manifest.csv", min_length=1)
    clinical: str | None = None
    roi: Literal["mask", "full"] = "mask"  # full: without a mask, the whole image is the lesion
    blocks: dict[str, BlockParams] = Field(
        default_factory=dict
    )  # by name; the path alone = trained on unknown patients
    unlabelled: Rule = "error"
    no_outline: OutlineRule = "error"

    @field_validator("blocks")
    @classmethod
    def _block_names(cls, blocks: dict[str, BlockParams]) -> dict[str, BlockParams]:
        for name in blocks:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ("clinical", "radiomics"):
                allowed = "a name in small letters, digits and _, other than clinical and radiomics"
                raise ValueError(f"The block name '{name}' must be {allowed}")
        return blocks


def read(root: Path, *, params: ManifestParams, label_positive: str | None = None) -> Source:
    """Read the manifest under `root`: one row per image, with columns patient_id, image, label and those of OPTIONAL.

    `image` may name a folder, which is then one DICOM series. Paths are relative to the folder of the manifest. Rows
    that cannot be used are error findings with their row numbers; ids, views and sites are put into one Unicode form
    without invisible characters. `label_positive` is the label of the event; None = labels are 0 and 1. Raises
    CohortError if a table is missing, is not a CSV, or lacks a required column.
    """
    table = _given(params.table, folder=source_folder(root), key="table", remedy="correct it, or root")
    rows = read_rows(table)
    findings = _check_columns(rows, table)
    rows, hidden = cleaned_columns(rows, columns=("patient_id", "view", "site"), table=table.name)
    rows = rows.reindex(columns=[*REQUIRED, *OPTIONAL], fill_value="")
    rows, classes = with_codes(rows, table=table.name, positive=label_positive)
    rows, faults = usable_rows(rows, folder=table.parent)
    patients, conflicts = _patients(rows)
    patients, undated = with_dates(patients, rows=rows)
    images = source_images(rows, folder=table.parent, full=params.roi == "full")
    source = Source(
        images=[images[row] for row in sorted(images, key=lambda row: images[row].image_id)],
        patients=patients,
        findings=[*findings, *hidden, *classes, *faults, *conflicts, *undated],
    )
    _join_tables(source, root=root, params=params)
    return apply_rules(
        source,
        unlabelled=params.unlabelled,
        no_outline=params.no_outline,
        places={
            **{("image", image.image_id): f"row {row}" for row, image in images.items()},
            **{("patient", str(p)): row_list(group.index) for p, group in rows.groupby("patient_id")},
        },
    )


def _given(name: str, *, folder: Path, key: str, remedy: str) -> Path:
    """The table that the params name under `key`. Raises CohortError if it is not in the folder of the source."""
    path = inside(name, folder=folder)
    if not path.is_file():
        origin = f"it is the value of manifest.{key} in params/cohort.yaml"
        raise CohortError(f"{path}: there is no such table{other_table(path)}; {origin}: {remedy}")
    return path


def _check_columns(rows: pd.DataFrame, table: Path) -> list[Finding]:
    known = (*REQUIRED, *OPTIONAL)
    if missing := [name for name in REQUIRED if name not in rows]:
        hint = without_label(rows.columns) if "label" in missing else ""
        raise CohortError(f"{table}: {', '.join(missing)} missing among the columns {', '.join(rows.columns)}{hint}")
    findings = []
    for name in [name for name in rows.columns if name not in known]:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
        unused = "it is not used; clinical columns go into the clinical table"
        advice = f"did you mean '{near[0]}'?" if near else unused
        severity: Severity = "error" if near else "warning"
        message = f"column '{name}' is unknown; {advice}"
        findings.append(fault(name, scope="column", check="unknown_column", message=message, severity=severity))
    return findings


def usable_rows(rows: pd.DataFrame, *, folder: Path) -> tuple[pd.DataFrame, list[Finding]]:
    """The rows that name a patient and files inside the folder, each image once; all other rows are findings."""
    findings: list[Finding] = []
    row_of: dict[Path, int] = {}
    for row, cells in rows.iterrows():
        place = cells["image"] or f"row {row}"
        faults = _row_faults(cells, folder)
        findings += [fault(place, check="unusable_row", message=f"row {row}: {text}") for text in faults]
        if faults:
            continue
        path = inside(cells["image"], folder=folder).resolve()
        if path in row_of:
            message = f"row {row}: the image is already in row {row_of[path]}; list each image once"
            findings.append(fault(place, check="duplicate_row", message=message))
        else:
            row_of[path] = int(str(row))
    return rows.loc[list(row_of.values())], findings


def _row_faults(cells: pd.Series, folder: Path) -> list[str]:
    faults = [f"{name} is empty" for name in ("patient_id", "image") if not cells[name]]
    for name in ("image", "mask", "gland_mask", "mask2"):
        try:
            if cells[name]:
                inside(cells[name], folder=folder)
        except CohortError as error:
            faults.append(str(error))
    if cells["mask2"] and cells["mask2"] == cells["mask"]:
        faults.append("mask2 is the same file as mask; it is for a second reader's own mask")
    return faults


def _patients(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """One row per patient, sorted by patient_id; contradictions between its rows are error findings."""
    findings: list[Finding] = []
    records = []
    for patient, group in rows.groupby("patient_id", sort=True):
        name = str(patient)
        label, faults = _label(name, group["label"])
        record: dict[str, object] = {"patient_id": name, "label": label}
        record["cohort"], more = _cohort(name, group["cohort"])
        site = next((text for text in group["site"] if text), None)  # two sites are found by the audit of the images
        records.append({**record, "site": site})
        findings += [*faults, *more]
    table = pd.DataFrame(records, columns=["patient_id", "label", "site", "cohort"])
    return table.astype({"patient_id": "str", "label": "Int64", "site": "str", "cohort": "str"}), findings


def _label(patient: str, cells: pd.Series) -> tuple[int | None, list[Finding]]:
    if len(texts := set(cells)) == 1 and texts <= set(LABELS):  # nearly every patient, so that 10,000 take seconds
        return LABELS[texts.pop()], []
    given = cells[cells != ""]
    wrong = given[~given.isin(list(LABELS))]
    findings = [
        fault(
            patient,
            scope="patient",
            check="label_not_binary",
            message=f"row {row}: label '{text}' of patient {patient} is not 0 or 1",
        )
        for row, text in wrong.items()
    ]
    labels = given[given.isin(list(LABELS))].map(LABELS)
    if labels.nunique() > 1:
        zero, one = (row_list(labels.index[labels == value]) for value in (0, 1))
        message = f"patient {patient} has label 0 in {zero} and 1 in {one}; give one label per patient"
        findings.append(fault(patient, scope="patient", check="two_labels", message=message))
    if 0 < len(given) < len(cells):
        empty = row_list(cells.index[cells == ""])
        message = f"patient {patient}: label empty in {empty}, taken from {row_list(given.index)}"
        findings.append(fault(patient, scope="patient", check="unlabelled_row", message=message, severity="warning"))
    return (int(labels.iloc[0]) if len(labels) else None), findings


def _cohort(patient: str, cells: pd.Series) -> tuple[str | None, list[Finding]]:
    """The one cohort of a patient; empty cells are ignored."""
    if len(texts := set(cells)) == 1 and texts <= {*COHORTS, ""}:
        return texts.pop() or None, []
    given = cells[cells != ""]
    findings = []
    if given.nunique() > 1:
        values = ", ".join(f"{value} ({row_list(group.index)})" for value, group in given.groupby(given))
        message = f"patient {patient} has the cohorts {values}; a patient belongs to one cohort"
        findings.append(fault(patient, scope="patient", check="two_cohorts", message=message))
    wrong = given[~given.isin(COHORTS)]
    if len(wrong):
        message = f"patient {patient} has cohort '{wrong.iloc[0]}' in {row_list(wrong.index)}"
        allowed = f"it must be one of {', '.join(COHORTS)}, or empty"
        findings.append(fault(patient, scope="patient", check="unknown_cohort", message=f"{message}; {allowed}"))
        return None, findings
    return (str(given.iloc[0]) if len(given) else None), findings


def source_images(rows: pd.DataFrame, *, folder: Path, full: bool) -> dict[int, SourceImage]:
    """Each row's image, by row number."""
    paths = [inside(text, folder=folder) for text in rows["image"]]
    images = {}
    for image_id, path, (row, cells) in zip(image_ids(paths, root=folder), paths, rows.iterrows(), strict=True):
        mask = inside(cells["mask"], folder=folder) if cells["mask"] else None
        gland = inside(cells["gland_mask"], folder=folder) if cells["gland_mask"] else None
        second = inside(cells["mask2"], folder=folder) if cells["mask2"] else None
        lesion = LesionSource(kind="files", files=(mask,)) if mask else LesionSource(kind="full") if full else None
        images[int(str(row))] = SourceImage(
            image_id=image_id,
            patient_id=cells["patient_id"],
            image=path,
            lesion=lesion,
            gland_mask=gland,
            second_mask=second,
            view=cells["view"] or "main",
            site=cells["site"],
        )
    return images


def _join_tables(source: Source, *, root: Path, params: ManifestParams) -> None:
    """Add the clinical columns and the ready-made blocks of the source's patients."""
    ids = source.patients["patient_id"].tolist()
    if params.clinical:
        table = _given(params.clinical, folder=root, key="clinical", remedy="correct it, or set it to null")
        clinical, findings = clinical_table(table, patients=ids)
        source.patients = source.patients.merge(clinical, on="patient_id", how="left", validate="one_to_one")
        source.findings += findings
    for name, block in sorted(params.blocks.items()):
        table = _given(block.table, folder=root, key=f"blocks.{name}", remedy="correct it, or remove it")
        source.trained_on[name] = block.trained_on
        source.blocks[name], findings = feature_block(table, name=name, patients=ids)
        source.findings += findings
