"""The audit as a table: what each check means, how findings become `audit.csv` and lines of the log."""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import pandas as pd

from pipeline.cohort.importers.source import Dropped, Finding, Scope, Severity

# Every check by its stable name. A dropped case has the check `dropped_<rule>` of its importer's rule.
CHECKS = {
    # images
    "image_missing": "The source names an image file that does not exist.",
    "image_unreadable": "The image file is damaged or of a format that cannot be read.",
    "four_dimensional": "The image has four axes that are longer than one, so that it is not one picture or volume.",
    "channels": "The image has a number of colour channels that has no grey value.",
    "grey_conversion": "A colour file with grey content was stored as one grey channel.",
    "colour_pixels": "The image holds true colour (Doppler, markers), which became grey.",
    "transparency": "The image has an alpha channel that is not constant; it was left out.",
    "spacing_unknown": "The format gives no pixel size in mm; the spacing is 1 px.",
    "spacing_mixed": "Some images have a pixel size in mm and some have none.",
    "nonfinite_voxels": "The image holds NaN or infinite voxels.",
    "flat_image": "All voxels of the image have one grey level.",
    "two_files": "Two files stand for one image.",
    # masks and outlines
    "mask_missing": "The source names a mask file that does not exist.",
    "mask_unreadable": "The mask file is damaged or of a format that cannot be read.",
    "mask_without_image": "A mask file belongs to no image.",
    "mask_empty": "The mask marks no voxel.",
    "mask_colour": "The mask is a colour file.",
    "mask_labels": "The mask has several labels, or not the one that is asked for.",
    "mask_label_taken": "The only label of the mask is neither 1 nor 255; it was taken.",
    "mask_labels_mixed": "The masks have one label each, but not the same one.",
    "mask_lossy": "The mask has grey levels, by compression or smoothing; it was cut at a threshold.",
    "mask_not_integer": "The mask holds values that are not whole numbers.",
    "no_outline": "The source gives no outline for this image.",
    "cut_polygon_text": "The text of an outline ends in its middle; it counts as no outline.",
    "short_outline": "An outline of too few points encloses nothing; it is not used.",
    "repeated_outline": "An outline is given twice; it was used once.",
    "not_an_outline": "A drawn region is an arrow or another mark, not an outline.",
    "outline_outside_frame": "An outline leaves the image; it was cut at the edge.",
    "size_mismatch": "Image and mask differ in their number of voxels.",
    "geometry_repaired": "The mask lay less than 1 % of a voxel off the image; it was put on the image's grid.",
    "geometry_offset": "The mask lay up to half a voxel off the image; it was put on the image's grid.",
    "geometry_mismatch": "The mask lies over half a voxel off the image.",
    "components_left_out": "The lesion has several separate parts; `lesion: largest` kept the largest.",
    "components_joined": "The lesion has several separate parts; `lesion: union` kept all.",
    "components_often_left_out": "Lesions of several separate parts are common, and only the largest part was kept.",
    "roi_small": "The lesion has too few voxels.",
    "roi_flat": "All voxels of the lesion have one grey level.",
    "roi_few_grey_levels": "The lesion has few distinct grey levels.",
    "roi_nearly_full": "The lesion covers nearly the whole image.",
    # duplicates
    "duplicate_within_patient": "One patient has the same picture more than once.",
    "duplicate_across_patients": "Several patients have the same picture; they are kept together in every split.",
    "duplicate_contradictory_labels": "The same picture is found in patients with contradictory labels.",
    "duplicate_across_cohorts": "The same picture is found in two declared cohorts.",
    # rows and patients
    "unusable_row": "A row of a table cannot be used.",
    "duplicate_row": "An image is listed twice.",
    "unlabelled_row": "The label is empty in some rows of a patient, and was taken from the others.",
    "no_patients": "The source holds no patient.",
    "no_patient_ids": "The source has no patient ids; each image is its own patient.",
    "unlabelled": "A patient has no label.",
    "label_without_image": "A label belongs to no image.",
    "label_not_binary": "A label is neither 0 nor 1.",
    "two_labels": "One patient has two labels.",
    "two_sites": "One patient has two sites.",
    "two_cohorts": "One patient has two cohorts.",
    "outcome_constant": "All patients have the same label.",
    "age": "An age is no age in years; it counts as missing.",
    "xml_missing": "A case has images and no XML file.",
    "xml_unreadable": "An XML file is damaged.",
    "normal": "Images without a lesion are in the source.",
    # cohorts
    "unknown_cohort": "A cohort has a name that is not known.",
    "cohort_partly_given": "Some patients have a cohort and some have none.",
    "cohort_without_train": "Cohorts are given and none is train.",
    "class_too_small": "The training cohort has too few patients of one class.",
    "test_class_too_small": "A test cohort has few patients of one class.",
    "site_single_class": "All patients of a site have the same label.",
    # clinical columns and ready-made tables
    "unknown_column": "A column of the table of images is not known.",
    "column_empty": "A clinical column has no value.",
    "column_constant": "A clinical column has one value only.",
    "column_separates_outcome": "A clinical column tells the outcome of every patient.",
    "column_missing_separates_outcome": "Whether a clinical column is empty tells the outcome of every patient.",
    "column_like_identifier": "A clinical column of texts has nearly as many values as patients.",
    "restates_label": "Clinical columns restate the label.",
    "missing_values": "A clinical column has missing values.",
    "clinical_reserved": "A clinical column has a name that the pipeline uses itself.",
    "clinical_not_numeric": "A clinical column of numbers holds something else.",
    "clinical_repeated": "The clinical table has more than one row for a patient.",
    "clinical_missing_patient": "A patient has no row in the clinical table.",
    "clinical_unknown_patient": "The clinical table has rows of patients who are not in the cohort.",
    "block_not_numeric": "A ready-made table holds values that are not finite numbers.",
    "block_repeated": "A ready-made table has more than one row for a patient.",
    "block_missing_patient": "A patient has no row in a ready-made table.",
    "block_unknown_patient": "A ready-made table has rows of patients who are not in the cohort.",
    # cases that left
    "dropped_unlabelled": "Left out by rule: no label.",
    "dropped_no_outline": "Left out by rule: no outline.",
    "dropped_normal": "Left out by rule: no lesion.",
    "excluded": "Left out by name: excluded in the parameters.",
    "exclude_unknown": "An id to exclude is neither an image nor a patient.",
}


# What is said of most images of a source is one row, for the cohort.
GATHERED = {
    "spacing_unknown": "images are in a format without a pixel size in mm; their spacing is 1 px",
    "grey_conversion": "images are colour files with grey content; each was stored as one grey channel",
    "mask_label_taken": "images have a mask with one label other than 1 or 255; that label was taken",
}
OFTEN = 0.1  # fraction of the images


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
    return Finding(scope=case.scope, id=case.id, check=check, severity="info", message=case.message)


def gathered(findings: Iterable[Finding], *, total: int) -> list[Finding]:
    """`findings` with one row instead of one an image for what is said of most images (see GATHERED).

    `total` is the number of images that could be read. Adds a warning where pixel sizes are known for some images
    only, where masks differ in their one label, and where lesions in several parts are common.
    """
    everything = list(findings)
    # Images, not findings: a second reader's mask may say the same of an image again.
    counts = Counter(check for check, _ in {(finding.check, finding.id) for finding in everything})
    found = [finding for finding in everything if finding.check not in GATHERED]
    for check, meaning in GATHERED.items():
        if counts[check]:
            found.append(info("images", scope="cohort", check=check, message=f"{counts[check]} of {total} {meaning}"))
    unknown, parts = counts["spacing_unknown"], counts["components_left_out"]
    if 0 < unknown < total:
        message = f"{unknown} of {total} images have no pixel size in mm, the others have one; filters in mm then "
        message += "reach differently far: give the size for all, or for none"
        found.append(warning("images", scope="cohort", check="spacing_mixed", message=message))
    if 0 < counts["mask_label_taken"] < total:
        message = (
            f"{counts['mask_label_taken']} of {total} images have a mask whose only label is not 1; if it is another "
        )
        message += "structure than in the other masks, set masks.label in params/cohort.yaml to the lesion's"
        found.append(warning("images", scope="cohort", check="mask_labels_mixed", message=message))
    if parts > OFTEN * total:
        message = f"in {parts} of {total} images the lesion has several separate parts and only the largest was kept; "
        message += "is lesion: union in params/cohort.yaml meant?"
        found.append(warning("images", scope="cohort", check="components_often_left_out", message=message))
    return found


def audit_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """`audit.csv`: one row a finding, in an order that depends on nothing but the findings."""
    rows = sorted({(f.scope, f.id, f.check, f.severity, f.message) for f in findings})
    return pd.DataFrame(rows, columns=["scope", "id", "check", "severity", "message"])


def counted(findings: Iterable[Finding]) -> list[str]:
    """One line a check of severity info: the message of a single finding, else how many of what, and the meaning."""
    infos = sorted({(f.check, f.scope, f.id, f.message) for f in findings if f.severity == "info"})
    lines = []
    for check, group in groupby(infos, key=lambda row: row[0]):
        rows = list(group)
        scopes = Counter(scope for _, scope, _, _ in rows)
        told = ", ".join(f"{n} {scope}{'s' if n > 1 else ''}" for scope, n in sorted(scopes.items()))
        lines.append(f"{rows[0][3] if len(rows) == 1 else f'{told}: {CHECKS[check]}'} [{check}]")
    return lines
