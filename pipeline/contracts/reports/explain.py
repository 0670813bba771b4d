"""The table of `explain`: examples of right and wrong predictions."""

from pipeline.foundation.tables import Contract, number, text

KINDS = ("true positive", "false positive", "true negative", "false negative")

# One row per example: a patient classified correctly or not at the frozen threshold, and the picture drawn of it.
EXPLAIN = Contract(
    name="explained cases",
    key=("number",),
    columns=(
        text("number"),
        text("case"),  # pseudonym
        text("view"),
        text("network", required=False),
        text("map", required=False, choices=("grad_cam", "coordinate_attention")),
        text("kind", choices=("true positive", "false positive", "true negative", "false negative")),
        number("score"),
        number("threshold"),
        text("picture"),  # file name in reports/figures/explain
    ),
)
