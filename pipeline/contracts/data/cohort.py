"""The tables of `cohort`: images, patients, audit findings, near-duplicates, ready-made feature blocks."""

from pipeline.foundation.tables import Column, Contract, fraction, number, text

COHORTS = ("train", "internal", "external")
SEVERITIES = ("error", "warning", "info")
WHOLE = "full"  # the mask_source of a mask that covers its whole image
MASK_READER2 = "mask_reader2"  # the column of a second reader's masks


SPACING = tuple(number(f"spacing_{axis}_mm", required=False) for axis in "xyz")

DATE = "date"  # the column of the date of a patient's first image, YYYY-MM-DD
FOLD = "fold"  # the column of a fold that the source gives, such as a published one, from 0
NOT_CLINICAL = ("patient_id", "group_id", "label", "site", "cohort", DATE, FOLD)
# On which patients the model behind a ready-made table was trained.
TRAINED_ON = ("nobody", "other_patients", "unknown", "these_patients")

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
        Column(name=DATE, required=False, optional=True),
        Column(name=FOLD, kind="integer", required=False, optional=True),
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

# Images of different patients that show the same picture: `pairs.csv`, beside a thumbnail `<image_id>.png` of each.
NEAR_DUPLICATES = Contract(
    name="near-duplicates",
    key=("image_a", "image_b"),
    columns=(
        text("image_a"),
        text("image_b"),
        text("patient_a"),
        text("patient_b"),
        fraction("distance"),  # 0 = the same picture
        Column(name="mirrored", kind="binary"),
        Column(name="joined", kind="binary"),  # whether the two patients were joined into one group
    ),
)

BLOCK_ORIGINS = Contract(
    name="origins of ready-made feature blocks",
    key=("block",),
    columns=(text("block"), text("trained_on", choices=TRAINED_ON)),
)

BLOCK = Contract(
    name="ready-made feature block",
    key=("patient_id",),
    columns=(text("patient_id"),),
    extra="number",
)
