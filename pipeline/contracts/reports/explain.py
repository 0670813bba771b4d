"""The tables of `explain`: examples of right and wrong predictions, and what the features contribute to them."""

from pipeline.foundation.tables import Contract, integer, number, text

KINDS = ("true positive", "false positive", "true negative", "false negative")
UNITS = ("log-odds", "probability")
GROUPINGS = ("feature", "block", "view", "class", "filter")

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
        text("kind", choices=KINDS),
        number("score"),
        number("threshold"),
        text("picture"),  # file name in reports/figures/explain
        text("waterfall", required=False),  # file name in reports/figures/explain; empty without contributions
        text("unit", required=False, choices=UNITS),  # of base and output
        number("base", required=False),  # the output before any feature is known, mean of the parts
        number("output", required=False),  # base plus all contributions: the output before recalibration
    ),
)

# One row per feature, patient and part of the chosen classifier of the primary set and of its comparator.
SHAP = Contract(
    name="contributions of features",
    key=("feature_set", "part", "case", "feature"),
    columns=(
        text("feature_set"),
        text("part"),
        text("case"),  # pseudonym
        text("feature"),
        text("model"),
        text("evaluation"),
        number("value"),  # of the reduced table: a z-score, or a clinical column in its own unit
        number("contribution"),  # in the unit of shap_models.csv
    ),
)

SHAP_MODELS = Contract(
    name="explained models",
    key=("feature_set", "part"),
    columns=(
        text("feature_set"),
        text("part"),
        text("model"),
        text("evaluation"),
        text("explainer", choices=("linear", "tree", "permutation", "none")),  # none: a model without features
        text("unit", choices=UNITS),
        number("base"),
        integer("n_features"),
        integer("n_background_rows"),  # training rows behind the background; 0 for trees, which hold their own
        integer("n_patients"),
        number("max_error", required=False),  # largest |base + sum of contributions - output| over the patients
        number("bound", required=False),  # what it may be
        number("sampling_error", required=False),  # largest standard error of a contribution; 0 where exact
    ),
)

# Mean over patients of |sum of the contributions in the group|; the contributions are means over the parts.
SHAP_GROUPS = Contract(
    name="contributions by group of features",
    key=("feature_set", "grouping", "group"),
    columns=(
        text("feature_set"),
        text("grouping", choices=GROUPINGS),
        text("group"),
        text("unit", choices=UNITS),
        integer("n_features"),
        number("mean_abs"),
        number("ci_low", required=False),
        number("ci_high", required=False),
        number("share", required=False),  # of the sum of mean_abs over the groups of the grouping
    ),
)

PERMUTATION = Contract(
    name="permutation importance of blocks",
    key=("feature_set", "block"),
    columns=(
        text("feature_set"),
        text("block"),
        text("evaluation"),
        integer("n_features"),
        integer("n_patients"),
        integer("n_permutations"),
        number("auc", required=False),  # of the patients as they are
        number("fall", required=False),  # auc minus the mean auc after permutation of the block
        number("ci_low", required=False),
        number("ci_high", required=False),
    ),
)
TABLES = {
    "shap": SHAP,
    "shap_models": SHAP_MODELS,
    "shap_groups": SHAP_GROUPS,
    "permutation": PERMUTATION,
}
