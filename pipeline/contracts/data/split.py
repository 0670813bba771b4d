"""The table of `split`: the role of each patient in each resample, and the fixed words of roles and halves."""

from pipeline.foundation.tables import Contract, text

FINAL = "final"  # the resample of all training patients, and of the cohorts held out for good
ALL = "all"  # the part of a fit on every training patient; a and b are those on one half
OTHER_HALF = {"a": "b", "b": "a"}
ROLES = ("train", "cv", "internal", "external")


SPLITS = Contract(
    name="splits",
    key=("resample", "patient_id"),
    columns=(
        text("resample"),
        text("patient_id"),
        text("role", choices=ROLES),
        text("half", required=False, choices=("a", "b")),
    ),
)
