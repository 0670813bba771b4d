"""One cohort from any supported source: which cases are kept, the audit, and the tables of images and patients."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, field_validator, model_validator

from pipeline.cohort.audit import audit_table, counted, dropped_finding, gathered
from pipeline.cohort.clinical_values import value_findings
from pipeline.cohort.compared_images import comparison_findings
from pipeline.cohort.dimension_checks import dimension_findings
from pipeline.cohort.duplicates import HashedImage, connected_groups, duplicate_findings, patient_links, repeated
from pipeline.cohort.findings import Finding, error, warning
from pipeline.cohort.id_checks import alike_findings, date_findings
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.importers import busi as busi_importer
from pipeline.cohort.importers import ddti as ddti_importer
from pipeline.cohort.importers import manifest as manifest_importer
from pipeline.cohort.importers import mmcls as mmcls_importer
from pipeline.cohort.importers import onekey as onekey_importer
from pipeline.cohort.importers import tn3k as tn3k_importer
from pipeline.cohort.importers.exclusion import exclude
from pipeline.cohort.importers.source import Source
from pipeline.cohort.mask_files import MaskParams
from pipeline.cohort.near_duplicates import NearMode, near_findings, near_links
from pipeline.cohort.near_pairs import NearPair
from pipeline.cohort.table_checks import TableAuditParams, cohort_findings, column_findings, patient_findings
from pipeline.cohort.voxel_checks import VoxelParams
from pipeline.contracts.data.cohort import BLOCK_ORIGINS, COHORT, DATE, MASK_READER2, NOT_CLINICAL
from pipeline.foundation.errors import CohortError, listed
from pipeline.foundation.params import Params
from pipeline.foundation.study_folders import Reports, check_reports

IMPORTERS: dict[str, Callable[..., Source]] = {
    "manifest": manifest_importer.read,
    "ddti": ddti_importer.read,
    "tn3k": tn3k_importer.read,
    "busi": busi_importer.read,
    "onekey": onekey_importer.read,
    "mmcls": mmcls_importer.read,
}


LABELLED = ("manifest", "onekey")  # sources with a column of labels in the user's own words


class CohortParams(Params):
    """`params/cohort.yaml`."""

    source: Literal["manifest", "ddti", "tn3k", "busi", "onekey", "mmcls"]
    root: str = Field(min_length=1)
    reports: Reports
    label_positive: str | None = None  # of the sources in LABELLED
    exclude: dict[str, Annotated[str, Field(min_length=1)]]
    near_duplicates: NearMode = "join"
    masks: MaskParams
    voxels: VoxelParams
    tables: TableAuditParams
    manifest: manifest_importer.ManifestParams | None = None
    ddti: ddti_importer.DdtiParams | None = None
    tn3k: tn3k_importer.Tn3kParams | None = None
    busi: busi_importer.BusiParams | None = None
    onekey: onekey_importer.OnekeyParams | None = None
    mmcls: mmcls_importer.MmclsParams | None = None

    @field_validator("label_positive", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        if isinstance(given, bool):
            raise ValueError(f"The label of the event ({given}) must be in quotes, to be compared as text")  # noqa: TRY004
        return f"{given:g}" if isinstance(given, int | float) else given

    @model_validator(mode="after")
    def _reports_of_the_root(self) -> "CohortParams":
        check_reports(self.root, reports=self.reports)
        return self

    @model_validator(mode="after")
    def _section_of_the_source(self) -> "CohortParams":
        if self.label_positive is not None and self.source not in LABELLED:
            where = f"it is for the sources {' and '.join(LABELLED)}, and the source is {self.source}"
            raise ValueError(f"The key label_positive must be null: {where}")
        if getattr(self, self.source) is None:
            raise ValueError(f"The source is {self.source}, and its section '{self.source}' is missing")
        return self


def read_source(root: Path, *, params: CohortParams) -> Source:
    """Read the source at `root` with its importer, then drop the cases that `exclude` names.

    Raises CohortError if the folder is not such a source.
    """
    labels = {"label_positive": params.label_positive} if params.source in LABELLED else {}
    source = IMPORTERS[params.source](root, params=getattr(params, params.source), **labels)
    return exclude_cases(source, reasons=params.exclude)


def exclude_cases(source: Source, *, reasons: dict[str, str]) -> Source:
    """`source` without the images and patients that `reasons` names (id: reason).

    They are listed in `dropped`; findings of the importer about them are kept with severity info. An id that is
    neither an image nor a patient is an error finding.
    """
    owner = {image.image_id: image.patient_id for image in source.images}
    patients = {case: reason for case, reason in reasons.items() if case in set(source.patients["patient_id"])}
    images = {case: reason for case, reason in reasons.items() if case in owner and case not in patients}
    elsewhere = {case.id for case in source.dropped} | {
        f.id for f in source.findings if f.scope in ("image", "patient")
    }
    unknown = [case for case in reasons if case not in {*patients, *images, *elsewhere}]
    messages = {case: f"is named under exclude ({reason})" for case, reason in reasons.items()}
    gone = {*reasons, *(image for image, patient in owner.items() if patient in patients)}
    kept = exclude(
        source,
        rule="excluded",
        images={case: messages[case] for case in images},
        patients={case: messages[case] for case in patients},
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
    message = "exclude in params/cohort.yaml names an image or patient that does not exist"
    message += f"; did you mean '{near[0]}'?" if near else ""
    return error(case, scope="image", check="exclude_unknown", message=message)


def cohort_audit(
    source: Source,
    *,
    imported: Sequence[ImportedImage],
    root: Path,
    params: CohortParams,
    pairs: Sequence[NearPair] = (),
) -> list[Finding]:
    """All findings about a source, its imported images and their near-duplicate `pairs`, in no order.

    File names are relative to `root`, so that the audit is the same on every machine.
    """
    found = [*_without_ids(source), *source.findings, *(dropped_finding(case) for case in source.dropped)]
    found += patient_findings(source.images, patients=source.patients, params=params.tables)
    checks = {finding.check for finding in source.findings}
    labels_read = ("column", "label_not_binary") not in {(f.scope, f.check) for f in source.findings}
    if labels_read and not checks & {"unknown_cohort", "two_cohorts"}:
        found += cohort_findings(source.patients, params=params.tables)
    if labels_read:
        found += column_findings(source.patients, params=params.tables)
    found += value_findings(source.patients)
    found += [*alike_findings(source), *date_findings(source.patients)]
    readable = sum(image.row is not None for image in imported)
    found += dimension_findings((image.image_id, image.axes) for image in imported if image.axes)
    found += gathered((f for image in imported for f in image.findings), total=readable)
    found += comparison_findings(source, imported=imported)
    found += duplicate_findings(_repeats(imported), patients=source.patients)
    found += near_findings(pairs, patients=source.patients, mode=params.near_duplicates)
    return [replace(finding, message=finding.message.replace(f"{root}/", "")) for finding in found]


def _without_ids(source: Source) -> list[Finding]:
    if source.has_patient_ids:
        return []
    message = "the source has no patient ids, so each image counts as a patient; images of one patient may be in both "
    message += "training and test, and results may be optimistic"
    return [warning("images", scope="cohort", check="no_patient_ids", message=message)]


def _repeats(imported: Sequence[ImportedImage]) -> list[list[HashedImage]]:
    return repeated(
        HashedImage(image_id=i.image_id, patient_id=i.patient_id, pixels=i.pixels, mask=i.mask)
        for i in imported
        if i.row is not None
    )


def images_table(imported: Sequence[ImportedImage]) -> pd.DataFrame:
    """`cohort.csv` of the images that could be read."""
    rows = [image.row for image in imported if image.row is not None]
    second = [MASK_READER2] if any(MASK_READER2 in row for row in rows) else []
    table = pd.DataFrame(rows, columns=[*COHORT.names, *second])
    return table.astype({name: "float64" for name in COHORT.names if name.startswith("spacing")})


def patients_table(
    patients: pd.DataFrame,
    *,
    imported: Sequence[ImportedImage],
    pairs: Iterable[NearPair] = (),
    mode: NearMode = "join",
) -> pd.DataFrame:
    """`patients.csv`: the source's patients with the group of patients that share an image.

    `pairs` are near-duplicates, which `mode` join counts as shared.
    """
    links = patient_links(_repeats(imported)) + near_links(pairs, mode=mode)
    groups = connected_groups(patients["patient_id"], links=links)
    table = patients.assign(group_id=patients["patient_id"].map(groups))
    given = [name for name in NOT_CLINICAL if name in table and not (name == DATE and table[DATE].isna().all())]
    return table[[*given, *(name for name in table.columns if name not in NOT_CLINICAL)]]


def origins_table(source: Source) -> pd.DataFrame:
    """`block_origins.csv`: on which patients the model behind each ready-made table was trained, as declared."""
    return pd.DataFrame(sorted(source.trained_on.items()), columns=BLOCK_ORIGINS.names, dtype="str")


def log_lines(findings: Sequence[Finding]) -> tuple[list[str], list[str]]:
    """Lines for the log: one per warning, and one per check of severity info with its count."""
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
        heading = f"{count} the cohort; correct the source, or name the case with a reason under exclude in "
        heading += f"params/cohort.yaml (every finding is in {audit})"
        raise CohortError(listed(faults, heading=heading, limit=len(faults)))
