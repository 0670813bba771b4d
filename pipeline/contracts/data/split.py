"""The table of `split`: the role of each patient in each resample, and the fixed words of roles and halves.

A resample is one division into training and held-out patients: a cross-validation fold, or `final`.
"""

from pipeline.foundation.tables import Contract, text

FINAL = "final"  # trains on all training patients; the internal and external cohorts are held out
ALL = "all"  # the part of a fit on every training patient; parts a and b are fits on one half of them
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
