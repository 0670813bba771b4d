"""The tables of `reduce`: the features that a classifier is trained on, and how they were selected."""

from pipeline.contracts.data.split import ROLES
from pipeline.foundation.tables import Contract, integer, number, text

MISSING = "missing"

REDUCED = Contract(
    name="reduced features",
    key=("resample", "part", "patient_id"),
    columns=(text("resample"), text("part"), text("patient_id"), text("role", choices=ROLES)),
    extra="number",
)

SELECTED = Contract(
    name="selected features",
    key=("resample", "part", "block", "rule", "feature"),
    columns=(
        text("resample"),
        text("part"),
        text("block"),
        text("rule"),
        text("feature"),
        number("coefficient"),
    ),
)

LASSO = Contract(
    name="LASSO path",
    key=("resample", "part", "block", "lambda_index"),
    columns=(
        text("resample"),
        text("part"),
        text("block"),
        integer("lambda_index"),
        number("lambda"),
        number("cv_mean"),
        number("cv_se"),
        integer("n_nonzero"),
    ),
)

LASSO_PATHS = Contract(
    name="LASSO coefficients along the path",
    key=("part", "block", "lambda_index", "feature"),
    columns=(
        text("part"),
        text("block"),
        integer("lambda_index"),
        text("feature"),  # only features whose coefficient is not 0
        number("lambda"),
        number("coefficient"),
    ),
)

HALF_SAMPLES = Contract(
    name="selection over half-samples",
    key=("part", "block", "feature"),
    columns=(
        text("part"),
        text("block"),
        text("feature"),  # every candidate, selected or not
        integer("n_selected"),
        integer("n_samples"),
        text("samples", required=False),  # the numbers, from 1, of those that selected it, separated by blanks
    ),
)

# By folder under `data/`; each folder holds one table per feature set.
TABLES = {
    "reduced": REDUCED,
    "selected": SELECTED,
    "lasso": LASSO,
    "half_samples": HALF_SAMPLES,
    "lasso_paths": LASSO_PATHS,
}
