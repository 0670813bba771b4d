"""The tables of `cohort`: images, patients, audit findings, ready-made feature blocks."""

from pipeline.foundation.tables import Column, Contract, number, text

COHORTS = ("train", "internal", "external")
SEVERITIES = ("error", "warning", "info")
MASK_READER2 = "mask_reader2"  # the column of a second reader's masks


SPACING = tuple(number(f"spacing_{axis}_mm", required=False) for axis in "xyz")

NOT_CLINICAL = ("patient_id", "group_id", "label", "site", "cohort")

COHORT = Contract(
    name="cohort",
    key=("image_id",),
    columns=(
        text("image_id"),
        text("patient_id"),
        text("view"),
        text("site", required=False),
        text("image"),
        text("mask", required=False),
        text("gland_mask", required=False),
        text("mask_source", required=False),
        Column(name=MASK_READER2, required=False, optional=True),
        *SPACING,
    ),
)

PATIENTS = Contract(
    name="patients",
    key=("patient_id",),
    columns=(
        text("patient_id"),
        text("group_id"),
        Column(name="label", kind="binary"),
        text("site", required=False),
        text("cohort", required=False, choices=COHORTS),
    ),
    extra="any",
)

AUDIT = Contract(
    name="audit",
    key=("scope", "id", "check"),
    unique_key=False,
    columns=(
        text("scope", choices=("image", "patient", "column", "cohort")),
        text("id", required=False),
        text("check"),
        text("severity", choices=SEVERITIES),
        text("message"),
    ),
)

BLOCK = Contract(
    name="ready-made feature block",
    key=("patient_id",),
    columns=(text("patient_id"),),
    extra="number",
)
