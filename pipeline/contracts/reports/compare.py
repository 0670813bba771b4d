"""The tables of `compare`: metrics, tests, calibration and curves of every model."""

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.foundation.tables import Contract, fraction, integer, number, text

_EVALUATION = text("evaluation", choices=EVALUATIONS)
_MODEL = (text("feature_set"), text("model"), _EVALUATION)
_MODEL_KEY = ("feature_set", "model", "evaluation")
_PAIR = (_EVALUATION, text("family"), *(text(name) for name in ("set_a", "model_a", "set_b", "model_b")))
_PAIR_KEY = tuple(column.name for column in _PAIR)
_INTERVAL = (number("ci_low", required=False), number("ci_high", required=False))

PRIMARY = "primary comparison"  # the family of the primary comparison in delong.csv

CHOSEN_SETS = "sets at their CV-chosen classifier"

METRICS = Contract(
    name="metrics",
    key=("feature_set", "model", "evaluation", "metric"),
    columns=(
        text("feature_set"),
        text("model"),
        text("evaluation", choices=EVALUATIONS),
        text("metric"),
        number("estimate", required=False),
        number("ci_low", required=False),
        number("ci_high", required=False),
        text("ci_method", required=False),
        integer("n_pos"),
        integer("n_neg"),
        text("id_hash"),
    ),
)

FOLDS = Contract(
    name="folds",
    key=("feature_set", "model", "resample"),
    columns=(
        text("feature_set"),
        text("model"),
        text("resample"),
        number("auc", required=False),
        integer("n_pos"),
        integer("n_neg"),
    ),
)

DELONG = Contract(
    name="DeLong comparisons",
    key=_PAIR_KEY,
    columns=(
        *_PAIR,
        *(number(name) for name in ("auc_a", "auc_b", "difference")),
        # Empty if there is no variance for a test (one patient in a class, constant scores).
        *(number(name, required=False) for name in ("ci_low", "ci_high", "z")),
        *(fraction(name, required=False) for name in ("p_value", "p_holm", "p_bh")),
        integer("n"),
    ),
)

CHOSEN = Contract(
    name="chosen models",
    key=("feature_set", "model"),
    columns=(
        text("feature_set"),
        text("model"),
        text("kind", choices=("classifier", "head")),
        number("mean_auc", required=False),
        number("sd_auc", required=False),
        integer("n_folds"),
        integer("n_candidates"),
        text("role", required=False, choices=("primary", "comparator")),
        text("evaluation", required=False, choices=("internal", "external")),
    ),
)

# One test of all models of a family, ahead of its pairwise tests.
OMNIBUS = Contract(
    name="omnibus tests",
    key=("evaluation", "family"),
    columns=(
        _EVALUATION,
        text("family"),
        integer("n_models"),
        number("chi2", required=False),
        integer("df"),
        fraction("p_value", required=False),
        integer("n"),
    ),
)

# The AUC of a chosen model on two groups of patients: difference = external - internal.
TRANSPORT = Contract(
    name="change from internal to external",
    key=("feature_set", "model"),
    columns=(
        text("feature_set"),
        text("model"),
        text("evaluation_a", choices=EVALUATIONS),
        text("evaluation_b", choices=EVALUATIONS),
        *(number(name) for name in ("auc_a", "auc_b", "difference")),
        *_INTERVAL,
        *(number(name, required=False) for name in ("t", "df")),
        *(fraction(name, required=False) for name in ("p_value", "p_holm")),
        integer("n_a"),
        integer("n_b"),
    ),
)

# Paired counts at the frozen thresholds; measure = accuracy, sensitivity or specificity.
MCNEMAR = Contract(
    name="McNemar tests",
    key=(*_PAIR_KEY, "measure"),
    columns=(
        *_PAIR,
        text("measure", choices=("accuracy", "sensitivity", "specificity")),
        integer("only_a_right"),
        integer("only_b_right"),
        number("difference", required=False),
        *_INTERVAL,
        text("ci_method", required=False),
        fraction("p_value", required=False),
        fraction("p_holm", required=False),
        integer("n"),
    ),
)

# measure = intercept, slope, slope_wald, in_the_large, observed_expected, brier, scaled_brier, log_loss, ici, e50, e90,
# hosmer_lemeshow, hosmer_lemeshow_p, hosmer_lemeshow_p_held_out.
CALIBRATION = Contract(
    name="calibration",
    key=(*_MODEL_KEY, "measure"),
    columns=(
        *_MODEL,
        text("measure"),
        number("estimate", required=False),
        *_INTERVAL,
        text("ci_method", required=False),
        integer("n_pos"),
        integer("n_neg"),
        text("id_hash"),
    ),
)

# curve = loess (a grid of predicted risks) or groups (equal-sized groups by predicted risk, n = patients in the group).
CALIBRATION_CURVES = Contract(
    name="calibration curves",
    key=(*_MODEL_KEY, "curve", "point"),
    columns=(
        *_MODEL,
        text("curve", choices=("loess", "groups")),
        integer("point"),
        number("predicted"),
        number("observed"),
        *_INTERVAL,
        integer("n", required=False),
    ),
)

# The strategies "treat all" and "treat none" are rows with feature_set = all patients, model = treat_all / treat_none.
DECISION_CURVES = Contract(
    name="decision curves",
    key=(*_MODEL_KEY, "point"),
    columns=(*_MODEL, integer("point"), number("threshold"), number("net_benefit", required=False), *_INTERVAL),
)

# The primary set against its comparator in each test evaluation; kind = primary (likelihood_ratio, auc, brier,
# net_benefit_at_<t>) or secondary (nri, idi and nri_at_threshold, each also with _events and _non_events).
ADDED_VALUE = Contract(
    name="added value",
    key=("evaluation", "measure"),
    columns=(
        _EVALUATION,
        text("measure"),
        text("kind", choices=("primary", "secondary")),
        number("threshold", required=False),  # t of net_benefit_at_<t>
        number("estimate", required=False),
        *_INTERVAL,
        text("ci_method", required=False),
        number("statistic", required=False),
        integer("df", required=False),
        fraction("p_value", required=False),
        integer("n"),
    ),
)

# curve = roc (x = 1 - specificity, y = sensitivity) or precision_recall (x = sensitivity, y = PPV).
CURVES = Contract(
    name="ROC and precision-recall curves",
    key=(*_MODEL_KEY, "curve", "point"),
    columns=(
        *_MODEL,
        text("curve", choices=("roc", "precision_recall")),
        integer("point"),
        number("x"),
        number("y"),
    ),
)

# By file name, under `reports/tables/`.
TABLES = {
    "metrics": METRICS,
    "folds": FOLDS,
    "delong": DELONG,
    "chosen": CHOSEN,
    "omnibus": OMNIBUS,
    "transport": TRANSPORT,
    "mcnemar": MCNEMAR,
    "calibration": CALIBRATION,
    "calibration_curves": CALIBRATION_CURVES,
    "decision_curves": DECISION_CURVES,
    "added_value": ADDED_VALUE,
    "curves": CURVES,
}
