"""The table of `split`: the role of each patient in each resample, and the fixed words of roles and halves."""

from pipeline.foundation.tables import Contract, text

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
