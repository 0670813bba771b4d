"""One cohort from any supported source: which cases stay, what the audit found, the tables of images and patients."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, model_validator

from pipeline.cohort.audit import audit_table, counted, dropped_finding, gathered
from pipeline.cohort.duplicates import Picture, connected_groups, duplicate_findings, patient_links, repeated
from pipeline.cohort.findings import Finding, error, warning
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.importers import busi as busi_importer
from pipeline.cohort.importers import ddti as ddti_importer
from pipeline.cohort.importers import manifest as manifest_importer
from pipeline.cohort.importers import mmcls as mmcls_importer
from pipeline.cohort.importers import onekey as onekey_importer
from pipeline.cohort.importers import tn3k as tn3k_importer
from pipeline.cohort.importers.exclusion import leave
from pipeline.cohort.importers.source import Source
from pipeline.cohort.mask_files import MaskParams
from pipeline.cohort.table_checks import TableAuditParams, cohort_findings, column_findings, patient_findings
from pipeline.cohort.voxel_checks import VoxelParams
from pipeline.contracts.data.cohort import COHORT, MASK_READER2
from pipeline.foundation.errors import CohortError, listed
from pipeline.foundation.params import Params

IMPORTERS: dict[str, Callable[..., Source]] = {
    "manifest": manifest_importer.read,
    "ddti": ddti_importer.read,
    "tn3k": tn3k_importer.read,
    "busi": busi_importer.read,
    "onekey": onekey_importer.read,
    "mmcls": mmcls_importer.read,
}


class CohortParams(Params):
    """`params/cohort.yaml`."""

    source: Literal["manifest", "ddti", "tn3k", "busi", "onekey", "mmcls"]
    root: str = Field(min_length=1)
    exclude: dict[str, Annotated[str, Field(min_length=1)]]
    masks: MaskParams
    voxels: VoxelParams
    tables: TableAuditParams
    manifest: manifest_importer.ManifestParams | None = None
    ddti: ddti_importer.DdtiParams | None = None
    tn3k: tn3k_importer.Tn3kParams | None = None
    busi: busi_importer.BusiParams | None = None
    onekey: onekey_importer.OnekeyParams | None = None
    mmcls: mmcls_importer.MmclsParams | None = None

    @model_validator(mode="after")
    def _section_of_the_source(self) -> "CohortParams":
        if getattr(self, self.source) is None:
            raise ValueError(f"The source is {self.source}, and its section '{self.source}' is missing")
        return self


def read_source(root: Path, *, params: CohortParams) -> Source:
    """Read the source at `root` with its importer, then take out what `exclude` names.

    Raises CohortError where the folder is not such a source.
    """
    source = IMPORTERS[params.source](root, params=getattr(params, params.source))
    return exclude_cases(source, exclude=params.exclude)


def exclude_cases(source: Source, *, exclude: dict[str, str]) -> Source:
    """`source` without the images and patients that `exclude` names (id: reason).

    They are listed in `dropped`; what an importer found wrong with them is kept as info. An id that names nothing is
    an error finding.
    """
    owner = {image.image_id: image.patient_id for image in source.images}
    patients = {case: reason for case, reason in exclude.items() if case in set(source.patients["patient_id"])}
    images = {case: reason for case, reason in exclude.items() if case in owner and case not in patients}
    elsewhere = {case.id for case in source.dropped} | {
        f.id for f in source.findings if f.scope in ("image", "patient")
    }
    unknown = [case for case in exclude if case not in {*patients, *images, *elsewhere}]
    told = {case: f"is excluded ({reason})" for case, reason in exclude.items()}
    gone = {*exclude, *(image for image, patient in owner.items() if patient in patients)}
    kept = leave(
        source,
        rule="excluded",
        images={case: told[case] for case in images},
        patients={case: told[case] for case in patients},
    )
    findings = [_settled(finding) if finding.id in gone else finding for finding in source.findings]
    findings += [_unknown(case, [*owner, *source.patients["patient_id"]]) for case in unknown]
    return replace(kept, findings=findings)


def _settled(finding: Finding) -> Finding:
    if finding.scope not in ("image", "patient"):
        return finding
    return replace(finding, severity="info", message=f"{finding.message} [excluded]")


def _unknown(case: str, known: Sequence[str]) -> Finding:
    near = difflib.get_close_matches(case, known, n=1)
    message = "exclude in params/cohort.yaml names it, and there is no such image or patient"
    message += f"; is it meant to be '{near[0]}'?" if near else ""
    return error(case, scope="image", check="exclude_unknown", message=message)


def cohort_audit(
    source: Source, *, imported: Sequence[ImportedImage], root: Path, params: CohortParams
) -> list[Finding]:
    """All findings about a source and its imported images, in no order (`audit_table` sorts them).

    Files are named from `root` on, so that the audit says the same on every machine.
    """
    found = [*_without_ids(source), *source.findings, *(dropped_finding(case) for case in source.dropped)]
    found += patient_findings(source.images, patients=source.patients, params=params.tables)
    if not any(finding.check in ("unknown_cohort", "two_cohorts") for finding in source.findings):
        found += cohort_findings(source.patients, params=params.tables)
    found += column_findings(source.patients, params=params.tables)
    readable = sum(image.row is not None for image in imported)
    found += gathered((f for image in imported for f in image.findings), total=readable)
    found += duplicate_findings(_repeats(imported), patients=source.patients)
    return [replace(finding, message=finding.message.replace(f"{root}/", "")) for finding in found]


def _without_ids(source: Source) -> list[Finding]:
    if source.has_patient_ids:
        return []
    message = "the source has no patient ids, so that each image counts as a patient; images of one patient may be in "
    message += "training and test, and results may be too good"
    return [warning("images", scope="cohort", check="no_patient_ids", message=message)]


def _repeats(imported: Sequence[ImportedImage]) -> list[list[Picture]]:
    return repeated(
        Picture(image_id=i.image_id, patient_id=i.patient_id, pixels=i.pixels, outline=i.outline)
        for i in imported
        if i.row is not None
    )


def images_table(imported: Sequence[ImportedImage]) -> pd.DataFrame:
    """`cohort.csv` of the images that could be read."""
    rows = [image.row for image in imported if image.row is not None]
    second = [MASK_READER2] if any(MASK_READER2 in row for row in rows) else []
    table = pd.DataFrame(rows, columns=[*COHORT.names, *second])
    return table.astype({name: "float64" for name in COHORT.names if name.startswith("spacing")})


def patients_table(patients: pd.DataFrame, *, imported: Sequence[ImportedImage]) -> pd.DataFrame:
    """`patients.csv`: the source's patients with the group of those who share a picture."""
    groups = connected_groups(patients["patient_id"], links=patient_links(_repeats(imported)))
    table = patients.assign(group_id=patients["patient_id"].map(groups))
    given = ["patient_id", "group_id", "label", "site", "cohort"]
    return table[[*given, *(name for name in table.columns if name not in given)]]


def log_lines(findings: Sequence[Finding]) -> tuple[list[str], list[str]]:
    """Lines for the log: one a warning, and one a check of the infos with its number."""
    rows = audit_table(findings)
    warnings = rows.loc[rows["severity"] == "warning"]
    return [f"{m} [{c}]" for m, c in zip(warnings["message"], warnings["check"], strict=True)], counted(findings)


def stop_on_errors(findings: Sequence[Finding], *, audit: Path) -> None:
    """Raise CohortError that lists every error finding and names the table of all findings."""
    rows = audit_table(findings)
    errors = rows.loc[rows["severity"] == "error"]
    if len(errors):
        faults = [f"{m} [{c}]" for m, c in zip(errors["message"], errors["check"], strict=True)]
        count = "1 fault stops" if len(faults) == 1 else f"{len(faults)} faults stop"
        heading = f"{count} the cohort; mend the source, or name the case with a reason under exclude in "
        heading += f"params/cohort.yaml (every finding is in {audit})"
        raise CohortError(listed(faults, heading=heading, limit=len(faults)))
