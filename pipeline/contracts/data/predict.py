"""The tables of `predict`: what is said of new patients."""

from pipeline.foundation.tables import Contract, fraction, integer, number, text

SEVERITIES = ("outside", "unusual", "note")

# In what a new patient differs from those of training; no row for a patient without a flag.
FLAGS = Contract(
    name="flags",
    key=("patient_id", "flag", "about"),
    columns=(
        text("patient_id"),
        text("flag"),
        text("about"),  # the block, view, column or property that the flag is about
        text("severity", choices=SEVERITIES),
        text("value", required=False),  # with its unit
        text("limit", required=False),
        text("message"),
    ),
)

PREDICTED, FAILED = "predicted", "failed"

# One row per new patient, predicted or not.
NEW_PREDICTIONS = Contract(
    name="predictions of new patients",
    key=("patient_id",),
    columns=(
        text("patient_id"),
        text("status", choices=(PREDICTED, FAILED)),
        text("reason", required=False),  # why there is no prediction
        text("severity", required=False, choices=SEVERITIES),  # of the severest flag
        integer("n_flags"),
        text("flags", required=False),  # their names, separated by blanks
        fraction("probability", required=False),
        fraction("low", required=False),
        fraction("high", required=False),
        fraction("threshold", required=False),
        text("called", required=False, choices=("positive", "negative")),  # probability >= threshold
        fraction("score_all", required=False),  # raw score of each part
        fraction("score_a", required=False),
        fraction("score_b", required=False),
        text("imputed", required=False),  # clinical columns without a value, separated by blanks
        text("page", required=False),  # file name
    ),
)

# The contribution of each feature to the output of the classifier (mean of the parts), in `unit`.
NEW_CONTRIBUTIONS = Contract(
    name="contributions to the predictions of new patients",
    key=("patient_id", "feature"),
    columns=(
        text("patient_id"),
        text("feature"),
        number("value", required=False),
        number("contribution"),
        text("unit", choices=("log-odds", "probability")),
    ),
)
