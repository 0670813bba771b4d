"""The report's own tables, under `reports/tables/report/`; values may be empty, keys may not."""

from collections.abc import Sequence

from pipeline.contracts.reports.leaks import DATES, LEAK_TYPES, NEAR_COUNTS, NEAR_PAIRS
from pipeline.contracts.reports.regions import REGION_TABLES
from pipeline.foundation.tables import Column, Contract, Kind


def contract(name: str, key: Sequence[str], columns: Sequence[Column]) -> Contract:
    """A contract with text key columns."""
    return Contract(name=name, key=tuple(key), columns=(*(Column(name=k) for k in key), *columns))


def texts(*names: str) -> list[Column]:
    """Text columns whose values may be empty."""
    return [Column(name=name, required=False) for name in names]


def numbers(*names: str, kind: Kind = "number") -> list[Column]:
    """Numeric columns whose values may be empty."""
    return [Column(name=name, kind=kind, required=False) for name in names]


NETWORKS = contract(
    "networks",
    ("network",),
    [
        *texts("strategy", "trained_on", "light", "about", "layers", "embedding", "weights", "image_px", "device"),
        *numbers("n_trained", "min_patients", "max_patients", "embedding_width", "parameters", kind="integer"),
        *numbers("min_epochs", "max_epochs", "n_networks", "n_watched", "n_stopped", kind="integer"),
    ],
)

SELECTION = contract(
    "feature selection",
    ("feature_set", "block", "feature"),
    [
        *numbers("n_selected", "n_fits", kind="integer"),
        *numbers("frequency", kind="fraction"),
        *numbers("n_final", kind="integer"),
        *numbers("coefficient"),
        *numbers("half_samples", kind="fraction"),
    ],
)

KEPT = contract(
    "features kept per fit",
    ("feature_set", "block"),
    [*numbers("n_fits", "n_empty", kind="integer"), *numbers("median", "min", "max")],
)

STABILITY = contract(
    "stability of the selection",
    ("feature_set", "block", "source", "part"),
    [*numbers("stability", "ci_low", "ci_high"), *numbers("n_fits", "n_features", kind="integer")],
)

AGREEMENT_SUMMARY = Contract(
    name="agreement by feature class",
    key=("block", "part", "feature_class"),
    columns=(
        Column(name="block"),
        Column(name="part"),
        Column(name="feature_class"),
        *(Column(name=name, kind="integer") for name in ("n_features", "n_good")),
        Column(name="fraction_good", kind="fraction"),
        *(Column(name=name, kind="number", required=False) for name in ("median_icc", "q1_icc", "q3_icc")),
        *(Column(name=name, kind="integer") for name in ("n_images", "n_repeats")),
        Column(name="limit", kind="number"),
    ),
)

# kind = count, category, number or missing; form = mean or median, the summary used for a number.
BASELINE_VALUES = [
    *texts("kind", "form"),
    *numbers("n", kind="integer"),
    *numbers("fraction", kind="fraction"),
    *numbers("n_missing", kind="integer"),
    *numbers("mean", "sd", "median", "q1", "q3"),
]

BASELINE = contract("baseline characteristics by cohort", ("variable", "level", "cohort"), BASELINE_VALUES)

BASELINE_OUTCOME = contract(
    "baseline characteristics by outcome", ("variable", "level", "cohort", "outcome"), BASELINE_VALUES
)

BASELINE_TESTS = contract(
    "baseline tests",
    ("variable", "comparison"),
    [
        *texts("test"),
        *numbers("statistic", "df"),
        *numbers("p_value", kind="fraction"),
        *numbers("smd"),
        *numbers("n_groups", "n", "n_missing", kind="integer"),
        *texts("reason"),
    ],
)


YES, PARTLY, NO, NOT_APPLICABLE, OPEN = "yes", "partly", "no", "not applicable", "for the author"

CHECKLISTS = Contract(
    name="reporting checklists",
    key=("checklist", "item"),
    columns=(
        Column(name="checklist", choices=("CLEAR", "METRICS")),
        Column(name="item", kind="integer"),
        Column(name="topic"),
        Column(name="weight", kind="number", required=False),
        Column(name="answer", choices=(YES, PARTLY, NO, NOT_APPLICABLE, OPEN)),
        Column(name="place", required=False),
        Column(name="said_by", required=False, choices=("run", "author")),
        Column(name="remark", required=False),
    ),
)

# METRICS: score = weights answered yes / weights that apply. An item answered partly or open counts as no in score_low
# and as yes in score_high.
CHECKLIST_SCORES = Contract(
    name="checklist scores",
    key=("checklist",),
    columns=(
        Column(name="checklist"),
        *(Column(name=name, kind="integer") for name in ("n_items", "n_yes", "n_partly", "n_no", "n_not", "n_open")),
        Column(name="score_low", kind="fraction", required=False),
        Column(name="score_high", kind="fraction", required=False),
        Column(name="band_low", required=False),
        Column(name="band_high", required=False),
    ),
)

FEATURE_COUNTS = Contract(
    name="feature counts",
    key=("block", "feature_class"),
    columns=(Column(name="block"), Column(name="feature_class"), Column(name="n", kind="integer")),
)

# place = source, left (excluded), analysed or a cohort: the box of the figure; unit = patients, events, images or
# regions.
FLOW = contract("cohort flow", ("step",), [*numbers("n", kind="integer"), *texts("place", "unit", "rule")])

FORMULA = Contract(
    name="LASSO score",
    key=("feature_set", "block", "part", "term"),
    columns=(
        *(Column(name=name) for name in ("feature_set", "block", "part", "term")),
        Column(name="coefficient", kind="number"),
    ),
)

EXCLUDED = contract("excluded cases", ("number",), texts("scope", "case", "rule", "reason"))

FAILED = contract("failed images", ("number",), texts("case", "step", "status", "reason"))

WARNINGS = contract(
    "audit warnings", ("number",), [*texts("scope", "case", "check", "message"), *numbers("row", kind="integer")]
)

NOTES = contract("audit notes", ("check",), [*numbers("n", kind="integer"), *texts("meaning")])

MISSING = contract(
    "missing values",
    ("kind", "variable", "cohort"),
    [*numbers("n", "n_present", "n_missing", kind="integer"), *numbers("fraction", kind="fraction")],
)

KINDS = ("number", "category", "score", "total", "probability", "mean", "risk", "threshold", "constant")

NOMOGRAM = Contract(
    name="nomogram",
    key=("part", "place", "tick"),
    columns=(
        Column(name="part"),
        Column(name="place", kind="integer"),  # the axes from top to bottom
        Column(name="variable"),
        Column(name="kind", choices=KINDS),
        Column(name="tick", kind="integer"),
        Column(name="label"),
        # The variable's value, the total points, the probability or the risk; empty for a level of a category.
        Column(name="value", kind="number", required=False),
        Column(name="points", kind="number", required=False),
        # The mean probability over the parts at which the model's risk is `value`.
        Column(name="mean_probability", kind="number", required=False),
    ),
)

NOMOGRAM_CHECK = Contract(
    name="check of the nomogram",
    key=("feature_set",),
    columns=(
        Column(name="feature_set"),
        Column(name="n_patients", kind="integer"),
        Column(name="largest_distance", kind="number"),
    ),
)

PARAMETERS = Contract(
    name="parameters",
    key=("file", "key"),
    columns=(Column(name="file"), Column(name="key"), Column(name="value", required=False)),
)

STUDY = contract("study words", ("item",), texts("text"))

PROVENANCE = contract("provenance", ("kind", "name"), texts("value"))

SAMPLE_SIZE = contract(
    "sample size",
    ("feature_set", "criterion"),
    [
        *numbers("required_n", "required_events", kind="integer"),
        *numbers("epp"),
        *numbers("parameters", "n_offered", "n_fitted", kind="integer"),
        *numbers("prevalence", kind="fraction"),
        *numbers("r_squared"),
        *texts("r_squared_from"),
        *numbers("n_train", "events_train", "n_fit", "events_fit", kind="integer"),
        *numbers("epp_available", "epp_fitted"),
        *texts("enough", "note"),
    ],
)

_MODELS = texts("feature_set", "model", "comparator_set", "comparator_model", "declared")

SUBGROUPS = contract(
    "subgroups",
    ("evaluation", "variable", "level"),
    [
        *_MODELS,
        *numbers("cut"),
        *numbers("n", "n_pos", "n_neg", kind="integer"),
        *numbers("auc", "ci_low", "ci_high"),
        *texts("ci_method"),
        *numbers("auc_comparator", "difference", "difference_low", "difference_high"),
        *texts("reason"),
    ],
)

SUBGROUP_TESTS = contract(
    "tests of interaction",
    ("evaluation", "variable"),
    [
        *_MODELS[:2],
        *texts("declared", "test"),
        *numbers("statistic", "df"),
        *numbers("p_value", "p_holm", kind="fraction"),
        *numbers("n_levels", kind="integer"),
        *texts("remark"),
        *numbers("difference_q", "difference_df"),
        *numbers("difference_p_value", "difference_p_holm", kind="fraction"),
        *numbers("difference_n_levels", kind="integer"),
        *texts("difference_remark"),
    ],
)

# Each is written to `reports/tables/report/<name>.csv`.
TABLES = {
    "study": STUDY,
    "flow": FLOW,
    "dates": DATES,
    "near_duplicates": NEAR_PAIRS,
    "near_counts": NEAR_COUNTS,
    "leak_types": LEAK_TYPES,
    "baseline": BASELINE,
    "baseline_outcome": BASELINE_OUTCOME,
    "baseline_tests": BASELINE_TESTS,
    "missing": MISSING,
    "excluded": EXCLUDED,
    "failed": FAILED,
    "warnings": WARNINGS,
    "notes": NOTES,
    "subgroups": SUBGROUPS,
    "subgroup_tests": SUBGROUP_TESTS,
    "sample_size": SAMPLE_SIZE,
    "networks": NETWORKS,
    "selection": SELECTION,
    "kept": KEPT,
    "stability": STABILITY,
    "provenance": PROVENANCE,
    "parameters": PARAMETERS,
    "feature_counts": FEATURE_COUNTS,
    "formula": FORMULA,
    "agreement": AGREEMENT_SUMMARY,
    "nomogram": NOMOGRAM,
    "nomogram_check": NOMOGRAM_CHECK,
    "checklists": CHECKLISTS,
    "checklist_scores": CHECKLIST_SCORES,
    **REGION_TABLES,
}
