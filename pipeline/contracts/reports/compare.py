"""The contracts of the tables of results, under reports/tables (the data's own are in contracts)."""

from pipeline.contracts.data.cohort import EVALUATIONS
from pipeline.foundation.tables import Column, Contract

LIGHTS = ("green", "amber", "red", "grey")  # grey: could not be checked on these data


def _text(name: str, *, required: bool = True, choices: tuple[str, ...] = ()) -> Column:
    return Column(name=name, required=required, choices=choices)


def _number(name: str, *, required: bool = False) -> Column:
    return Column(name=name, kind="number", required=required)


def _integer(name: str, *, required: bool = True) -> Column:
    return Column(name=name, kind="integer", required=required)


def _fraction(name: str) -> Column:
    return Column(name=name, kind="fraction", required=False)


_EVALUATION = _text("evaluation", choices=EVALUATIONS)
_MODEL = (_text("feature_set"), _text("model"), _EVALUATION)
_MODEL_KEY = ("feature_set", "model", "evaluation")
_PAIR = (_EVALUATION, _text("family"), *(_text(name) for name in ("set_a", "model_a", "set_b", "model_b")))
_PAIR_KEY = tuple(column.name for column in _PAIR)
_INTERVAL = (_number("ci_low"), _number("ci_high"))

METRICS = Contract(
    name="metrics",
    key=("feature_set", "model", "evaluation", "metric"),
    columns=(
        _text("feature_set"),
        _text("model"),
        _text("evaluation", choices=EVALUATIONS),
        _text("metric"),
        _number("estimate"),
        _number("ci_low"),
        _number("ci_high"),
        _text("ci_method", required=False),
        _integer("n_pos"),
        _integer("n_neg"),
        _text("id_hash"),
    ),
)

FOLDS = Contract(
    name="folds",
    key=("feature_set", "model", "resample"),
    columns=(
        _text("feature_set"),
        _text("model"),
        _text("resample"),
        _number("auc"),
        _integer("n_pos"),
        _integer("n_neg"),
    ),
)

DELONG = Contract(
    name="DeLong comparisons",
    key=_PAIR_KEY,
    columns=(
        *_PAIR,
        *(_number(name, required=True) for name in ("auc_a", "auc_b", "difference")),
        # Empty where there is no variance to test with (one patient in a class, constant scores).
        *(_number(name) for name in ("ci_low", "ci_high", "z")),
        *(_fraction(name) for name in ("p_value", "p_holm", "p_bh")),
        _integer("n"),
    ),
)

CHOSEN = Contract(
    name="chosen models",
    key=("feature_set", "model"),
    columns=(
        _text("feature_set"),
        _text("model"),
        _text("kind", choices=("classifier", "head")),
        _number("mean_auc"),
        _number("sd_auc"),
        _integer("n_folds"),
        _integer("n_candidates"),
        _text("role", required=False, choices=("primary", "comparator")),
        _text("evaluation", required=False, choices=("internal", "external")),
    ),
)

# One test of all the models of a family before its pairs are looked at.
OMNIBUS = Contract(
    name="omnibus tests",
    key=("evaluation", "family"),
    columns=(
        _EVALUATION,
        _text("family"),
        _integer("n_models"),
        _number("chi2"),
        _integer("df"),
        _fraction("p_value"),
        _integer("n"),
    ),
)

# The AUC of a chosen model on other patients: difference = external - internal.
TRANSPORT = Contract(
    name="change from internal to external",
    key=("feature_set", "model"),
    columns=(
        _text("feature_set"),
        _text("model"),
        _text("evaluation_a", choices=EVALUATIONS),
        _text("evaluation_b", choices=EVALUATIONS),
        *(_number(name, required=True) for name in ("auc_a", "auc_b", "difference")),
        *_INTERVAL,
        *(_number(name) for name in ("t", "df")),
        *(_fraction(name) for name in ("p_value", "p_holm")),
        _integer("n_a"),
        _integer("n_b"),
    ),
)

# Paired counts at the frozen thresholds; measure = accuracy, sensitivity or specificity.
MCNEMAR = Contract(
    name="McNemar tests",
    key=(*_PAIR_KEY, "measure"),
    columns=(
        *_PAIR,
        _text("measure", choices=("accuracy", "sensitivity", "specificity")),
        _integer("only_a_right"),
        _integer("only_b_right"),
        _number("difference"),
        *_INTERVAL,
        _text("ci_method", required=False),
        _fraction("p_value"),
        _fraction("p_holm"),
        _integer("n"),
    ),
)

# measure = intercept, slope, slope_wald, in_the_large, observed_expected, brier, scaled_brier, log_loss, ici, e50, e90,
# hosmer_lemeshow, hosmer_lemeshow_p, hosmer_lemeshow_p_held_out.
CALIBRATION = Contract(
    name="calibration",
    key=(*_MODEL_KEY, "measure"),
    columns=(
        *_MODEL,
        _text("measure"),
        _number("estimate"),
        *_INTERVAL,
        _text("ci_method", required=False),
        _integer("n_pos"),
        _integer("n_neg"),
        _text("id_hash"),
    ),
)

# curve = loess (a grid of predicted risks) or groups (equal groups by predicted risk, n = patients in the group).
CALIBRATION_CURVES = Contract(
    name="calibration curves",
    key=(*_MODEL_KEY, "curve", "point"),
    columns=(
        *_MODEL,
        _text("curve", choices=("loess", "groups")),
        _integer("point"),
        _number("predicted", required=True),
        _number("observed", required=True),
        *_INTERVAL,
        _integer("n", required=False),
    ),
)

# The strategies "treat all" and "treat none" are rows with feature_set = all patients, model = treat_all / treat_none.
DECISION_CURVES = Contract(
    name="decision curves",
    key=(*_MODEL_KEY, "point"),
    columns=(*_MODEL, _integer("point"), _number("threshold", required=True), _number("net_benefit"), *_INTERVAL),
)

# The primary set over its comparator in each test evaluation; kind = primary (likelihood_ratio, auc, brier,
# net_benefit_at_<t>) or secondary (nri, idi and nri_at_threshold, each also with _events and _non_events).
ADDED_VALUE = Contract(
    name="added value",
    key=("evaluation", "measure"),
    columns=(
        _EVALUATION,
        _text("measure"),
        _text("kind", choices=("primary", "secondary")),
        _number("threshold"),  # of net_benefit_at_<t>
        _number("estimate"),
        *_INTERVAL,
        _text("ci_method", required=False),
        _number("statistic"),
        _integer("df", required=False),
        _fraction("p_value"),
        _integer("n"),
    ),
)

# curve = roc (x = 1 - specificity, y = sensitivity) or precision_recall (x = sensitivity, y = PPV).
CURVES = Contract(
    name="ROC and precision-recall curves",
    key=(*_MODEL_KEY, "curve", "point"),
    columns=(
        *_MODEL,
        _text("curve", choices=("roc", "precision_recall")),
        _integer("point"),
        _number("x", required=True),
        _number("y", required=True),
    ),
)

SELFTEST = Contract(
    name="self-tests",
    key=("check",),
    columns=(
        _text("check"),
        _text("light", choices=LIGHTS),
        _text("title"),  # what is proven, in the words of a clinician
        _number("value"),  # the number that the rule looks at
        _number("limit"),  # the number it is held to
        _text("rule"),  # the rule in one sentence
        _text("finding"),  # what was found, in one sentence without numbers that are not in value or limit
    ),
)

# Every permutation of the labels; kind = all (over all training patients) or within_site.
SHAM = Contract(
    name="sham labels",
    key=("kind", "repeat"),
    columns=(_text("kind", choices=("all", "within_site")), _integer("repeat"), _number("auc"), _integer("n_folds")),
)

# Lesion size alone beside each chosen model, over its n patients with a lesion size.
SIZE_ALONE = Contract(
    name="lesion size alone",
    key=_MODEL_KEY,
    columns=(*_MODEL, _integer("n"), _fraction("size_auc"), _fraction("model_auc"), _number("correlation")),
)

# Every finding of the consistency checker; row = the row of the table as a spreadsheet counts.
CONSISTENCY = Contract(
    name="consistency findings",
    key=("number",),
    columns=(
        _integer("number"),
        _text("rows"),
        _text("model", required=False),
        _text("check"),
        _text("severity", choices=("error", "warning", "info")),
        _text("message"),
    ),
)

# The confusion matrices that round to a row of a printed table; left_out = the metrics that had to be left out for it.
MATRICES = Contract(
    name="confusion matrices that fit",
    key=("row", "number"),
    columns=(
        _integer("row"),
        _integer("number"),
        _text("model", required=False),
        _text("cohort", required=False),
        *(_integer(name) for name in ("n_pos", "n_neg", "tp", "fn", "tn", "fp")),
        _text("rounding", choices=("half_up", "half_even", "half_either", "truncation")),
        _text("left_out", required=False),
        _text("auc", required=False, choices=("without ties", "with ties", "no")),  # can its AUC be had
    ),
)

# One row an example: a patient right or wrong at the frozen threshold, and the picture of it.
EXPLAIN = Contract(
    name="explained cases",
    key=("number",),
    columns=(
        _text("number"),
        _text("case"),  # pseudonym
        _text("view"),
        _text("network", required=False),
        _text("map", required=False, choices=("grad_cam", "coordinate_attention")),
        _text("kind", choices=("true positive", "false positive", "true negative", "false negative")),
        _number("score", required=True),
        _number("threshold", required=True),
        _text("picture"),  # file name in reports/figures/explain
    ),
)
