"""The audit as a table: what each check means, how findings become `audit.csv` and lines of the log."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from pipeline.importers.records import Dropped, Finding, Scope, Severity

# Every check by its stable name. A dropped case has the check `dropped_<rule>` of its importer's rule.
CHECKS = {
    # images
    "image_missing": "The table names an image file that does not exist.",
    "image_unreadable": "The image file is damaged or of a format that cannot be read.",
    "four_dimensional": "The image has four axes that are longer than one, so that it is not one picture or volume.",
    "channels": "The image has a number of colour channels that has no grey value.",
    "grey_conversion": "A colour image whose channels are equal was stored as one grey channel.",
    "colour_pixels": "The image holds true colour (Doppler, markers), which became grey.",
    "transparency": "The image has an alpha channel that is not constant; it was left out.",
    "spacing_unknown": "The format gives no pixel size in mm; the spacing is 1 px.",
    "nonfinite_voxels": "The image holds NaN or infinite voxels.",
    "flat_image": "All voxels of the image have one grey level.",
    # masks
    "mask_missing": "The table names a mask file that does not exist.",
    "mask_unreadable": "The mask file is damaged or of a format that cannot be read.",
    "mask_empty": "The mask marks no voxel.",
    "no_outline": "The source gives no outline for this image.",
    "size_mismatch": "Image and mask differ in their number of voxels.",
    "geometry_repaired": "The mask lay less than 1 % of a voxel off the image; it was put on the image's grid.",
    "geometry_offset": "The mask lay up to half a voxel off the image; it was put on the image's grid.",
    "geometry_mismatch": "The mask lies over half a voxel off the image.",
    "roi_small": "The lesion has too few voxels.",
    "roi_flat": "All voxels of the lesion have one grey level.",
    "roi_few_grey_levels": "The lesion has few distinct grey levels.",
    "roi_nearly_full": "The lesion covers nearly the whole image.",
    "components_left_out": "The mask has several separate parts; `lesion: largest` kept the largest.",
    "components_joined": "The mask has several separate parts; `lesion: union` kept all.",
    # duplicates
    "duplicate_within_patient": "One patient has the same picture more than once.",
    "duplicate_across_patients": "Several patients have the same picture; they are kept together in every split.",
    "duplicate_contradictory_labels": "The same picture is found in patients with contradictory labels.",
    "duplicate_across_cohorts": "The same picture is found in two declared cohorts.",
    # patients and their table
    "image_id_repeated": "Two images have one id.",
    "image_id_unfit": "An image id holds characters that a file name cannot have everywhere.",
    "image_without_patient": "An image belongs to a patient who is not in the table of patients.",
    "patient_repeated": "A patient has more than one row.",
    "unlabelled": "A patient has no outcome.",
    "label_without_image": "A patient has an outcome and no image.",
    "label_not_binary": "An outcome is neither 0 nor 1.",
    "two_sites": "The images of one patient come from two sites.",
    "no_patient_ids": "The source has no patient ids; each image is its own patient.",
    "no_patients": "The source holds no patient.",
    "outcome_constant": "All patients have the same outcome.",
    # cohorts
    "unknown_cohort": "A cohort has a name that is not train, internal or external.",
    "cohort_partly_given": "Some patients have a cohort and some have none.",
    "cohort_without_train": "Cohorts are given and none is train.",
    "class_too_small": "The training cohort has too few patients of one class.",
    "test_class_too_small": "A test cohort has few patients of one class.",
    "site_single_class": "All patients of a site have the same outcome.",
    # columns
    "column_empty": "A clinical column has no value.",
    "column_constant": "A clinical column has one value only.",
    "column_separates_outcome": "A clinical column tells the outcome of every patient.",
    "column_missing_separates_outcome": "Whether a clinical column is empty tells the outcome of every patient.",
    "column_like_identifier": "A clinical column of texts has nearly as many values as patients.",
    "block_name": "A ready-made table has the name of a block that the pipeline makes itself.",
    "block_repeated": "A ready-made table has more than one row a patient.",
    "block_not_numeric": "A ready-made table holds values that are not finite numbers.",
    "block_missing_patient": "A patient has no row in a ready-made table.",
    "block_unknown_patient": "A ready-made table has a row for a patient who is not in the cohort.",
    # cases that leave
    "excluded": "The case is excluded in the parameters.",
    "exclude_unknown": "An id to exclude is neither an image nor a patient.",
}


def error(subject: str, *, scope: Scope, check: str, message: str) -> Finding:
    """A finding that stops the analysis; the message gets its subject in front."""
    return _finding(subject, scope, check, "error", message)


def warning(subject: str, *, scope: Scope, check: str, message: str) -> Finding:
    """A finding that the reader of the results must know."""
    return _finding(subject, scope, check, "warning", message)


def info(subject: str, *, scope: Scope, check: str, message: str) -> Finding:
    """A finding that is recorded and counted."""
    return _finding(subject, scope, check, "info", message)


def _finding(subject: str, scope: Scope, check: str, severity: Severity, message: str) -> Finding:
    place = f"{scope} {subject}: " if scope in ("image", "patient") else ""
    return Finding(scope=scope, id=subject, check=check, severity=severity, message=place + message)


def dropped_finding(case: Dropped) -> Finding:
    """A case that left by a declared rule, as a row of the audit."""
    check = "excluded" if case.rule == "excluded" else f"dropped_{case.rule}"
    return info(case.id, scope=case.scope, check=check, message=case.message)


def audit_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """`audit.csv`: one row a finding, in an order that depends on nothing but the findings."""
    rows = sorted({(f.scope, f.id, f.check, f.severity, f.message) for f in findings})
    return pd.DataFrame(rows, columns=["scope", "id", "check", "severity", "message"])


def counted(findings: Sequence[Finding]) -> list[str]:
    """One line a check of severity info: how often, and its meaning."""
    counts = Counter(finding.check for finding in findings if finding.severity == "info")
    return [f"{check} ({number}): {CHECKS.get(check, 'see audit.csv')}" for check, number in sorted(counts.items())]
