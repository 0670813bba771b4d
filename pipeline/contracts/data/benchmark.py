"""The table of `benchmark` and of the networks' classification heads: one score per patient and model."""

from pipeline.foundation.tables import Column, Contract, fraction, text

EVALUATIONS = ("cv", "internal", "external")

PREDICTIONS = Contract(
    name="predictions",
    key=("feature_set", "model", "resample", "patient_id"),
    columns=(
        text("feature_set"),
        text("model"),
        text("resample"),
        text("patient_id"),
        text("evaluation", choices=EVALUATIONS),
        Column(name="label", kind="binary"),
        fraction("score"),
        fraction("threshold", required=False),
    ),
)
