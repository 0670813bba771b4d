"""The tables of `consistency`: contradictions in reported numbers, and the confusion matrices that fit them."""

from pipeline.foundation.tables import Contract, integer, text

# Every finding of the consistency checker; rows = the rows of the table in spreadsheet numbering.
CONSISTENCY = Contract(
    name="consistency findings",
    key=("number",),
    columns=(
        integer("number"),
        text("rows"),
        text("model", required=False),
        text("check"),
        text("severity", choices=("error", "warning", "info")),
        text("message"),
    ),
)

# The confusion matrices that round to a row of a published table; left_out = the metrics excluded to find one.
MATRICES = Contract(
    name="confusion matrices that fit",
    key=("row", "number"),
    columns=(
        integer("row"),
        integer("number"),
        text("model", required=False),
        text("cohort", required=False),
        *(integer(name) for name in ("n_pos", "n_neg", "tp", "fn", "tn", "fp")),
        text("rounding", choices=("half_up", "half_even", "half_either", "truncation")),
        text("left_out", required=False),
        text("auc", required=False, choices=("without ties", "with ties", "no")),  # whether its AUC is attainable
    ),
)
